package gossip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/memberlist"

	"tinyurl/cluster/member"
)

// lan is a network in memory, whose transports can be cut off.
type lan struct {
	mu    sync.Mutex
	ports map[string]*lanPort // guarded by mu: by address
}

// lanPort is one node's Transport.
type lanPort struct {
	lan     *lan
	addr    *net.UDPAddr
	packets chan *memberlist.Packet
	streams chan net.Conn
	cut     bool // guarded by lan.mu
}

func (l *lan) plug(n int) *lanPort {
	p := &lanPort{
		lan: l, addr: &net.UDPAddr{IP: net.IPv4(10, 0, 0, byte(n)), Port: DefaultPort},
		packets: make(chan *memberlist.Packet, 256), streams: make(chan net.Conn, 16),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ports[p.addr.String()] = p
	return p
}

// setCut takes a node off the network or puts it back.
func (l *lan) setCut(p *lanPort, cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.cut = cut
}

// reach returns the port at addr if packets get there.
func (p *lanPort) reach(addr string) *lanPort {
	p.lan.mu.Lock()
	defer p.lan.mu.Unlock()
	to := p.lan.ports[addr]
	if to == nil || to.cut || p.cut {
		return nil
	}
	return to
}

func (p *lanPort) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return p.addr.IP, p.addr.Port, nil
}

func (p *lanPort) WriteTo(b []byte, addr string) (time.Time, error) {
	if to := p.reach(addr); to != nil {
		select {
		case to.packets <- &memberlist.Packet{Buf: append([]byte(nil), b...), From: p.addr, Timestamp: time.Now()}:
		default: // lost
		}
	}
	return time.Now(), nil
}

func (p *lanPort) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	to := p.reach(addr)
	if to == nil {
		time.Sleep(timeout)
		return nil, errors.New("timeout")
	}
	near, far := net.Pipe()
	select {
	case to.streams <- far:
		return near, nil
	default:
		return nil, errors.New("refused")
	}
}

func (p *lanPort) PacketCh() <-chan *memberlist.Packet { return p.packets }
func (p *lanPort) StreamCh() <-chan net.Conn           { return p.streams }

func (p *lanPort) Shutdown() error {
	p.lan.setCut(p, true)
	return nil
}

// TestAnInjectedTransportRunsInVirtualTime finds, loses, heals and forgets at
// the real pace, which takes hardly any real time.
func TestAnInjectedTransportRunsInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &lan{ports: make(map[string]*lanPort)}
		var all []*Gossip
		var ports []*lanPort
		for n := 1; n <= 4; n++ {
			port := network.plug(n)
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
		network.setCut(ports[2], true)
		time.Sleep(time.Minute)
		for i, g := range all {
			if i != 2 {
				want("a minute after node 3 was cut off", g, "alive alive failed alive")
			}
		}
		time.Sleep(10 * time.Minute) // memberlist has forgotten it long ago
		network.setCut(ports[2], false)
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
