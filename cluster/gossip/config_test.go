package gossip

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"tinyurl/cluster/member"
)

func goodConfig() Config {
	return Config{
		Self: member.Member{ID: testID(1), Boot: 1}, BindAddr: "127.0.0.1:0", Key: testKey(1), Logger: slog.New(slog.DiscardHandler),
	}
}

func TestABadConfigurationIsRefused(t *testing.T) {
	for what, spoil := range map[string]func(*Config){
		"no id":              func(c *Config) { c.Self.ID = "" },
		"no boot":            func(c *Config) { c.Self.Boot = 0 },
		"short key":          func(c *Config) { c.Key = c.Key[:16] },
		"no logger":          func(c *Config) { c.Logger = nil },
		"bad seed":           func(c *Config) { c.Seeds = []string{"http://x"} },
		"no listen port":     func(c *Config) { c.BindAddr = "127.0.0.1" },
		"listen on a name":   func(c *Config) { c.BindAddr = "localhost:0" },
		"listen port":        func(c *Config) { c.BindAddr = ":x" },
		"advertised port":    func(c *Config) { c.AdvertiseAddr = "10.0.0.1:x" },
		"advertised address": func(c *Config) { c.AdvertiseAddr = "a:b:c" },
	} {
		c := goodConfig()
		spoil(&c)
		if g, err := Open(context.Background(), c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v, want ErrConfig", what, err)
			if g != nil {
				g.Close()
			}
		}
	}
}

func TestAPortInUseIsAnErrorAtOnce(t *testing.T) {
	a := start(t, 1, 1, nil)
	c := goodConfig()
	c.BindAddr = a.Addr()
	if _, err := Open(context.Background(), c); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("Open: %v, want address already in use", err)
	}
}

func TestTheAdvertisedAddress(t *testing.T) {
	r := names{hosts: map[string][]string{"me.example": {"10.0.0.7", "10.0.0.8"}, "empty.example": {}}}
	for text, want := range map[string]netAddr{
		"10.0.0.5":        {"10.0.0.5", 0},
		"10.0.0.5:99":     {"10.0.0.5", 99},
		"fd00::1":         {"fd00::1", 0},
		"[fd00::1]:99":    {"fd00::1", 99},
		"me.example":      {"10.0.0.7", 0},
		"me.example:7000": {"10.0.0.7", 7000},
		"":                {"127.0.0.1", 0},
	} {
		c := goodConfig()
		c.AdvertiseAddr, c.Resolver = text, r
		if got, err := advertised(context.Background(), c); got != want || err != nil {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"empty.example", "gone.example", "[fd00::1"} {
		c := goodConfig()
		c.AdvertiseAddr, c.Resolver = text, r
		if got, err := advertised(context.Background(), c); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
	c := goodConfig()
	c.BindAddr = ":0"
	if got, err := advertised(context.Background(), c); err != nil || got.ip == "" || net.ParseIP(got.ip).IsUnspecified() {
		t.Errorf("listening everywhere: %v, %v", got, err)
	}
}

func TestTheBestAddressIsAdvertised(t *testing.T) {
	for _, c := range []struct {
		have []string
		want string
	}{
		{[]string{"127.0.0.1", "8.8.8.8", "10.0.0.5", "fd00::5"}, "10.0.0.5"},
		{[]string{"127.0.0.1", "::1", "8.8.8.8"}, "8.8.8.8"},
		{[]string{"::1", "fe80::1", "2001:db8::1"}, "2001:db8::1"},
		{[]string{"::1", "127.0.0.1", "169.254.1.1"}, "127.0.0.1"},
		{nil, "<nil>"},
	} {
		var addrs []net.Addr
		for _, s := range c.have {
			addrs = append(addrs, &net.IPNet{IP: net.ParseIP(s)})
		}
		if got := bestIP(addrs).String(); got != c.want {
			t.Errorf("of %v: %s, want %s", c.have, got, c.want)
		}
	}
}

func TestNodeNamesAreReadStrictly(t *testing.T) {
	if id, boot, err := parseNodeName("n1-000001#12"); id != "n1-000001" || boot != 12 || err != nil {
		t.Errorf("%v, %d, %v", id, boot, err)
	}
	for _, name := range []string{"", "n1-000001", "n1-000001#", "n1-000001#0", "n1-000001#01", "n1-000001#-1", "n1#1", "n1-000001#1#1"} {
		if id, boot, err := parseNodeName(name); err == nil {
			t.Errorf("%q reads as %v, %d", name, id, boot)
		}
	}
}

func TestNodesThatMakeNoSenseAreRefused(t *testing.T) {
	tab := newTable(peer{Member: member.Member{ID: testID(1), Boot: 1}}, time.Now)
	d := &aliveDelegate{table: tab, self: testID(1), log: newQuietLogger(slog.New(slog.DiscardHandler), time.Now), strangers: make(chan member.Member, 1)}
	for _, n := range []*memberlist.Node{
		{Name: "foreign software", Meta: []byte("{}")},
		{Name: nodeName(testID(2), 1), Meta: []byte("no json")},
		{Name: nodeName(testID(2), 1)},
	} {
		if d.NotifyAlive(n) == nil {
			t.Errorf("%q with %q was let in", n.Name, n.Meta)
		}
	}
	if err := d.NotifyAlive(&memberlist.Node{Name: nodeName(testID(2), 1), Meta: []byte(`{"new":"field"}`)}); err != nil {
		t.Errorf("a newer version's field is refused: %v", err)
	}
}
