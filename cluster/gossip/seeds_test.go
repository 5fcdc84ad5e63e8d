package gossip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/test/bubble"
)

func TestParseSeed(t *testing.T) {
	for text, want := range map[string]Seed{
		"10.0.0.1":            {host: "10.0.0.1", port: 7946},
		"10.0.0.1:99":         {host: "10.0.0.1", port: 99},
		"node.example":        {host: "node.example", port: 7946},
		"node.example:1":      {host: "node.example", port: 1},
		"::1":                 {host: "::1", port: 7946},
		"[::1]":               {host: "::1", port: 7946},
		"[fe80::2]:5":         {host: "fe80::2", port: 5},
		"srv://_g._tcp.x.org": {host: "_g._tcp.x.org", srv: true},
	} {
		want.text = text
		if got, err := ParseSeed(text); err != nil || got != want {
			t.Errorf("%q reads as %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", ":7946", "a:b", "a:0", "a:70000", "a:1:2", "http://a", "srv://", "srv://a:1", "a b", "a/b", "[::1"} {
		if got, err := ParseSeed(text); !errors.Is(err, ErrConfig) {
			t.Errorf("%q reads as %+v, %v, want ErrConfig", text, got, err)
		}
	}
}

// names is a Resolver of made-up names.
type names struct {
	hosts map[string][]string
	srv   map[string][]*net.SRV
}

func (n names) LookupHost(_ context.Context, host string) ([]string, error) {
	if ips, ok := n.hosts[host]; ok {
		return ips, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (n names) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	if records, ok := n.srv[service+proto+name]; ok {
		return name, records, nil
	}
	return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func TestSeedsResolveToAllTheirAddresses(t *testing.T) {
	r := names{
		hosts: map[string][]string{"many": {"10.0.0.1", "10.0.0.2", "fd00::1"}, "one.example": {"10.0.0.9"}},
		srv: map[string][]*net.SRV{
			"cluster.example": {{Target: "one.example.", Port: 11}, {Target: "gone.example.", Port: 12}, {Target: "10.9.9.9", Port: 13}},
			"dead.example":    {{Target: "gone.example.", Port: 12}},
		},
	}
	for text, want := range map[string][]string{
		"10.1.1.1":              {"10.1.1.1:7946"},
		"many:5":                {"10.0.0.1:5", "10.0.0.2:5", "[fd00::1]:5"},
		"srv://cluster.example": {"10.0.0.9:11", "10.9.9.9:13"},
	} {
		seed, err := ParseSeed(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := seed.resolve(context.Background(), r); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s resolves to %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"nowhere", "srv://nowhere", "srv://dead.example"} {
		seed, _ := ParseSeed(text)
		if got, err := seed.resolve(context.Background(), r); err == nil {
			t.Errorf("%s resolves to %v", text, got)
		}
	}
}

func TestNodesFindEachOtherByName(t *testing.T) {
	a := start(t, 1, 1, nil)
	host, portText, _ := net.SplitHostPort(a.Addr())
	var port uint16
	if _, err := fmt.Sscan(portText, &port); err != nil {
		t.Fatal(err)
	}
	r := names{
		hosts: map[string][]string{"a.example": {host}},
		srv:   map[string][]*net.SRV{"cluster.example": {{Target: "a.example.", Port: port}}},
	}
	b := start(t, 2, 1, func(c *Config) {
		c.Resolver = r
		c.Seeds = []string{"gone.example", "a.example:" + portText}
	})
	c := start(t, 3, 1, func(c *Config) {
		c.Resolver = r
		c.Seeds = []string{"srv://cluster.example"}
		c.AdvertiseAddr = "a.example" // its own port is added
	})
	converged(t, a, b, c)
	if !strings.Contains(b.logs.String(), "could not resolve a seed") {
		t.Error("the seed that resolves to nothing is not mentioned")
	}
}

// TestALonelyNodeTriesForEverAtABoundedPace runs the joiner in virtual time.
func TestALonelyNodeTriesForEverAtABoundedPace(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		begin := time.Now()
		var attempts []time.Duration
		tab := newTable(peer{Member: member.Member{ID: testID(0), Boot: 1}}, time.Now)
		m, _ := newMetrics(nil, tab)
		seed, _ := ParseSeed("10.0.0.1")
		j := &joiner{
			seeds: []Seed{seed}, known: &known{}, table: tab, resolver: names{}, random: func() float64 { return 1 },
			tuning: Tuning{}.withDefaults(), log: newQuietLogger(slog.New(slog.DiscardHandler), time.Now), metrics: m, now: time.Now,
			join: func([]string) (int, error) {
				attempts = append(attempts, time.Since(begin))
				return 0, errors.New("unreachable")
			},
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		j.run(ctx)
		if len(attempts) < 3600/2 || len(attempts) > 3600/2+10 {
			t.Errorf("%d attempts in an hour", len(attempts))
		}
		for i, want := range []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond, 5500 * time.Millisecond} {
			if attempts[i] != want {
				t.Errorf("attempt %d after %v, want %v", i, attempts[i], want)
			}
		}
	})
}
