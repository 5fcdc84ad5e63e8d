package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/memberlist"

	"tinyurl/cluster/gossip"
	"tinyurl/cluster/member"
)

// ports binds gossip on two hosts.
func ports(n *Network) (a, b memberlist.Transport) {
	return n.Host("a").Gossip(gossipTestPort), n.Host("b").Gossip(gossipTestPort)
}

// send sends numbered packets from a to b.
func send(t *testing.T, n *Network, from memberlist.Transport, count int, pace time.Duration) {
	t.Helper()
	to := n.Host("b").Addr(gossipTestPort)
	for i := range count {
		if _, err := from.WriteTo([]byte(fmt.Sprint(i)), to); err != nil {
			t.Fatal(err)
		}
		time.Sleep(pace)
	}
}

// drain takes all packets that are there.
func drain(to memberlist.Transport) (texts []string) {
	for {
		select {
		case p := <-to.PacketCh():
			texts = append(texts, string(p.Buf))
		default:
			return texts
		}
	}
}

func TestPacketsArriveAfterExactlyTheLatency(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", latency)
		a, b := ports(n)
		start := time.Now()
		text := []byte("hello")
		at, err := a.WriteTo(text, n.Host("b").Addr(gossipTestPort))
		copy(text, "spoilt") // the sender may use its buffer again
		if err != nil || !at.Equal(start) {
			t.Errorf("%v, %v", at, err)
		}
		p := <-b.PacketCh()
		took(t, start, latency)
		from, ok := p.From.(*net.UDPAddr)
		if string(p.Buf) != "hello" || !ok || from.String() != n.Host("a").Addr(gossipTestPort) || !p.Timestamp.Equal(time.Now()) {
			t.Errorf("%q from %v at %v", p.Buf, p.From, p.Timestamp)
		}
		if ip, port, err := a.FinalAdvertiseAddr("", 0); err != nil || (&net.UDPAddr{IP: ip, Port: port}).String() != from.String() {
			t.Errorf("%v:%d, %v", ip, port, err)
		}
	})
}

func TestPacketsAreLostAtTheRateThatIsSet(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		a, b := ports(n)
		n.Set("a", "b", Quality{Latency: latency, Loss: 0.3, Duplicate: 0.1})
		const sent, deviations = 10000, 5
		arrived := 0
		for range sent / 100 {
			send(t, n, a, 100, 0)
			time.Sleep(time.Second)
			arrived += len(drain(b))
		}
		expected := sent * 0.7 * 1.1
		if spread := deviations * math.Sqrt(sent*0.3*0.7*1.3); math.Abs(float64(arrived)-expected) > spread {
			t.Errorf("%d packets of %d arrived, expected %.0f ± %.0f", arrived, sent, expected, spread)
		}
		s := n.Stats()
		if s.Packets != sent || int(s.Packets-s.Lost+s.Duplicated) != arrived {
			t.Errorf("%d arrived, but %+v", arrived, s)
		}
	})
}

func TestPacketsAreReordered(t *testing.T) {
	for name, q := range map[string]Quality{
		"by jitter": {Latency: latency, Jitter: latency}, "by chance": {Latency: latency, Reorder: 0.2},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, n *Network) {
				a, b := ports(n)
				n.Set("a", "b", q)
				send(t, n, a, 100, time.Millisecond)
				time.Sleep(time.Second)
				got := drain(b)
				overtaken := 0
				for i := 1; i < len(got); i++ {
					if len(got[i]) < len(got[i-1]) || len(got[i]) == len(got[i-1]) && got[i] < got[i-1] {
						overtaken++
					}
				}
				if len(got) != 100 || overtaken < 5 {
					t.Errorf("%d packets arrived, %d were overtaken", len(got), overtaken)
				}
			})
		})
	}
}

func TestPacketsKeepTheirOrderWithoutJitter(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", latency)
		a, b := ports(n)
		send(t, n, a, 200, 0)
		time.Sleep(latency)
		synctest.Wait()
		got := drain(b)
		for i, text := range got {
			if text != fmt.Sprint(i) {
				t.Fatalf("packet %d is %s", i, text)
			}
		}
		if len(got) != 200 {
			t.Errorf("%d arrived", len(got))
		}
	})
}

func TestPacketsOverACutAreLost(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", latency)
		a, b := ports(n)
		send(t, n, a, 1, 0)
		n.SetPort("a", "b", gossipTestPort, Quality{Cut: true}) // also for what is under way
		send(t, n, a, 2, time.Second)
		n.SetPort("a", "b", gossipTestPort, Quality{})
		send(t, n, a, 4, time.Second)
		if got := strings.Join(drain(b), " "); got != "0 1 2 3" {
			t.Errorf("arrived: %s", got)
		}
		if s := n.Stats(); s.Cut != 3 {
			t.Errorf("%+v", s)
		}
	})
}

func TestQueuesOfPacketsAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		a, b := ports(n)
		send(t, n, a, 2*inbox, time.Microsecond)
		time.Sleep(time.Second)
		if got := len(drain(b)); got != inbox {
			t.Errorf("%d packets waited", got)
		}
		n.Host("a").Pause()
		send(t, n, a, 2*outbox, 0)
		n.Host("b").Pause()
		n.Host("a").Resume()
		time.Sleep(time.Second)
		if got := drain(b); len(got) != 0 {
			t.Errorf("a paused host got %d packets", len(got))
		}
		n.Host("b").Resume()
		if got := len(drain(b)); got != outbox {
			t.Errorf("%d packets waited in all", got)
		}
		if s := n.Stats(); s.Overflowed != inbox+outbox {
			t.Errorf("%+v", s)
		}
	})
}

func TestNobodyHears(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		a, b := ports(n)
		for _, to := range []string{"10.9.9.9:1", n.Host("b").Addr(1), "nonsense"} {
			if _, err := a.WriteTo([]byte("x"), to); err != nil {
				t.Errorf("to %s: %v", to, err)
			}
		}
		n.Host("b").Crash()
		send(t, n, a, 1, time.Second)
		if s := n.Stats(); s.Unheard != 4 {
			t.Errorf("%+v", s)
		}
		if _, err := b.WriteTo([]byte("x"), n.Host("a").Addr(gossipTestPort)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the dead speak: %v", err)
		}
		again := n.Host("b").Gossip(gossipTestPort)
		send(t, n, a, 1, time.Second)
		if got := len(drain(again)); got != 1 || len(drain(b)) != 0 {
			t.Errorf("the next life got %d", got)
		}
	})
}

func TestStreamsOfGossip(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", latency)
		a, b := ports(n)
		start := time.Now()
		near, err := a.DialTimeout(n.Host("b").Addr(gossipTestPort), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		far := <-b.StreamCh()
		took(t, start, 3*latency)
		write(t, near, "state")
		want(t, far, "state")
		if err := near.Close(); err != nil {
			t.Error(err)
		}
		wantError(t, far, io.EOF)
		if err := far.Close(); err != nil {
			t.Error(err)
		}

		if _, err := a.DialTimeout("10.9.9.9:1", time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		near, err = a.DialTimeout(n.Host("b").Addr(gossipTestPort), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		dialling := make(chan error)
		go func() {
			_, err := a.DialTimeout("10.9.9.9:1", time.Hour)
			dialling <- err
		}()
		synctest.Wait()
		if err := errors.Join(a.Shutdown(), a.Shutdown()); err != nil {
			t.Error(err)
		}
		if err := <-dialling; !errors.Is(err, context.Canceled) {
			t.Errorf("dial at the end: %v", err)
		}
		wantError(t, near, net.ErrClosed)
		if _, err := a.DialTimeout(n.Host("b").Addr(gossipTestPort), time.Second); err == nil {
			t.Error("dialled after the end")
		}
		_ = b.Shutdown()
		n.Host("a").Gossip(gossipTestPort)
	})
}

func gossiper(t *testing.T, n *Network, number int) *gossip.Gossip {
	t.Helper()
	h := n.Host(fmt.Sprintf("n%d", number))
	g, err := gossip.Open(context.Background(), gossip.Config{
		Self: member.Member{ID: gossiperID(number), Boot: 1, ClusterAddr: h.Addr(testPort)},
		Key:  make([]byte, gossip.KeySize), Seeds: []string{n.Host("n1").Addr(gossipTestPort)},
		Transport: h.Gossip(gossipTestPort), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func gossiperID(number int) member.ID { return member.ID(fmt.Sprintf("n%d-%06x", number, number)) }

// TestGossipFindsLosesAndFindsAgain also has a tenth of all packets lost and many reordered.
func TestGossipFindsLosesAndFindsAgain(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		names := []string{"n1", "n2", "n3"}
		poor := Quality{Latency: 2 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.1, Duplicate: 0.1, Reorder: 0.2}
		quality := func(only string, q Quality) {
			for _, from := range names {
				for _, to := range names {
					if from != to && (only == "" || from == only || to == only) {
						n.Set(from, to, q)
					}
				}
			}
		}
		quality("", poor)
		var all []*gossip.Gossip
		for i := range names {
			all = append(all, gossiper(t, n, i+1))
		}
		believe := func(when string, g *gossip.Gossip, want string) {
			t.Helper()
			var got []string
			for i := range names {
				m, _ := g.Member(gossiperID(i + 1))
				got = append(got, m.Status.String())
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s, %s believes %v, want %s", when, g.Addr(), got, want)
			}
		}
		time.Sleep(time.Minute)
		for _, g := range all {
			believe("at first", g, "alive alive alive")
		}
		quality("n3", Quality{Cut: true})
		time.Sleep(time.Minute)
		believe("in the cut", all[0], "alive alive failed")
		believe("in the cut", all[1], "alive alive failed")
		believe("in the cut", all[2], "failed failed alive")
		quality("", poor)
		time.Sleep(3 * time.Minute)
		for _, g := range all {
			believe("after the cut", g, "alive alive alive")
		}
		n.Host("n2").Pause()
		time.Sleep(time.Minute)
		believe("while n2 stands still", all[0], "alive failed alive")
		n.Host("n2").Resume()
		time.Sleep(3 * time.Minute)
		believe("when n2 goes on", all[0], "alive alive alive")
		for _, g := range all {
			if err := g.Close(); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Minute) // memberlist does not wait for its probes under way
		if left := n.Streams(); left != 0 {
			t.Errorf("%d streams are left", left)
		}
	})
}
