package gossip

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/cluster/transport/memnet"
	"tinyurl/test/bubble"
)

// TestAnInjectedTransportRunsInVirtualTime finds, loses, heals and forgets at
// the real pace, which takes hardly any real time.
func TestAnInjectedTransportRunsInVirtualTime(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		network := &memnet.LAN{}
		var all []*Gossip
		var ports []*memnet.Port
		for n := 1; n <= 4; n++ {
			port := network.Plug(byte(n), DefaultPort)
			g, err := Open(context.Background(), Config{
				Self:      member.Member{ID: testID(n), Boot: 1, ClusterAddr: ":7000"},
				Key:       testKey(1),
				Seeds:     []string{"10.0.0.1"},
				Transport: port,
				Logger:    slog.New(slog.DiscardHandler),
				Tuning:    Tuning{ForgetAfter: 20 * time.Minute},
			})
			if err != nil {
				t.Fatal(err)
			}
			all, ports = append(all, g), append(ports, port)
		}
		want := func(when string, g *Gossip, want string) {
			t.Helper()
			got := ""
			for n := 1; n <= 4; n++ {
				m, ok := g.Member(testID(n))
				if !ok {
					m.Status = 99
				}
				got += fmt.Sprint(m.Status) + " "
			}
			if got != want+" " {
				t.Errorf("%s, node at %s believes %q, want %q", when, g.Addr(), got, want)
			}
		}
		time.Sleep(10 * time.Second)
		for _, g := range all {
			want("at first", g, "alive alive alive alive")
		}
		ports[2].SetCut(true)
		time.Sleep(time.Minute)
		for i, g := range all {
			if i != 2 {
				want("a minute after node 3 was cut off", g, "alive alive failed alive")
			}
		}
		time.Sleep(10 * time.Minute) // memberlist has forgotten it long ago
		ports[2].SetCut(false)
		time.Sleep(2 * time.Minute)
		for _, g := range all {
			want("two minutes after the cut healed", g, "alive alive alive alive")
		}
		if err := all[3].Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		want("a minute after node 4 died", all[0], "alive alive alive failed")
		time.Sleep(25 * time.Minute)
		want("long after node 4 died", all[0], "alive alive alive status(99)")
		for _, g := range all {
			if err := g.Close(); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute) // streams under way run into their deadline
	})
}
