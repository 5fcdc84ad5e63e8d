package wire

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/nettest"
)

// TestConformance runs in real time: the suite begins subtests, which a bubble does not allow.
func TestConformance(t *testing.T) {
	for name, q := range map[string]Quality{
		"at once": {}, "latency": {Latency: time.Millisecond}, "jitter": {Jitter: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				n := New(1)
				n.Set("a", "b", q)
				n.Set("b", "a", q)
				l, err := n.Host("b").Listen(testPort)
				if err != nil {
					return nil, nil, nil, err
				}
				if c1, err = n.Host("a").Dial(context.Background(), "tcp", l.Addr().String()); err != nil {
					return nil, nil, nil, err
				}
				c2, err = l.Accept()
				return c1, c2, n.Close, err
			})
		})
	}
}

// talk writes numbers to its streams until its time is over, redialling whatever breaks; the other side checks their order.
func talk(ctx context.Context, t *testing.T, n *Network, from, to string, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	for ctx.Err() == nil {
		dialling, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		c, err := n.Host(from).Dial(dialling, "tcp", to+":7000")
		cancel()
		if err != nil {
			continue
		}
		_ = c.SetWriteDeadline(time.Now().Add(time.Duration(random.IntN(100)) * time.Millisecond))
		for i := byte(0); random.IntN(200) > 0; i++ {
			if _, err := c.Write([]byte{i, i, i}); err != nil {
				break
			}
		}
		_ = c.Close()
		if ctx.Err() == nil && random.IntN(4) == 0 {
			if err := c.Close(); err == nil {
				t.Error("a stream was closed twice")
			}
		}
	}
}

// hear checks what talk writes.
func hear(t *testing.T, h *Host, over <-chan struct{}) {
	var readers sync.WaitGroup
	defer readers.Wait()
	for {
		l, err := h.Listen(testPort)
		if err != nil {
			t.Error(err)
			return
		}
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			readers.Go(func() { inOrder(t, c) })
		}
		select {
		case <-over:
			return
		default:
		}
	}
}

func inOrder(t *testing.T, c net.Conn) {
	defer func() { _ = c.Close() }() // it may be dead with its life
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	var b [3]byte
	for i := byte(0); ; i++ {
		if _, err := io.ReadFull(c, b[:]); err != nil {
			return
		}
		if want := [3]byte{i, i, i}; b != want {
			t.Errorf("read %v, want %v", b, want)
			return
		}
	}
}

// TestEverythingAtOnce is for the race detector: hosts that talk while they are cut off, killed, crashed, paused and moved.
func TestEverythingAtOnce(t *testing.T) {
	n := New(1)
	names := []string{"a", "b", "c"}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	over := make(chan struct{})
	var talkers, hearers sync.WaitGroup
	for i, from := range names {
		hearers.Go(func() { hear(t, n.Host(from), over) })
		for j, to := range names {
			talkers.Go(func() { talk(ctx, t, n, from, to, uint64(10*i+j)) })
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for ctx.Err() == nil {
		a, b := names[random.IntN(3)], names[random.IntN(3)]
		switch random.IntN(8) {
		case 0:
			n.Set(a, b, Quality{Cut: true})
		case 1:
			n.Set(a, b, Quality{Loss: 0.01, Latency: time.Millisecond, Jitter: time.Millisecond})
		case 2:
			n.Host(a).Crash()
		case 3:
			n.Host(a).Kill()
		case 4:
			n.Host(a).Pause()
		case 5:
			n.Host(a).Resume()
		case 6:
			n.Host(a).Move()
		case 7:
			n.Heal()
		}
		time.Sleep(time.Duration(random.IntN(5)) * time.Millisecond)
	}
	talkers.Wait()
	close(over)
	n.Close()
	hearers.Wait()
	n.Close() // what hearers began meanwhile
	if left := n.Streams(); left != 0 {
		t.Errorf("%d streams are left", left)
	}
	if s := n.Stats(); s.Writes == 0 || s.Dials == 0 {
		t.Errorf("nothing happened: %+v", s)
	}
}

// BenchmarkMessage is one message in real time: written, delivered and read, by two goroutines that wait for each other.
func BenchmarkMessage(b *testing.B) {
	for name, latency := range map[string]time.Duration{"at once": 0, "1 µs": time.Microsecond} {
		b.Run(name, func(b *testing.B) {
			n := New(1)
			defer n.Close()
			for _, way := range [][2]string{{"a", "b"}, {"b", "a"}} {
				n.Set(way[0], way[1], Quality{Latency: latency})
			}
			l, err := n.Host("b").Listen(testPort)
			if err != nil {
				b.Fatal(err)
			}
			near, err := n.Host("a").Dial(b.Context(), "tcp", "b:7000")
			if err != nil {
				b.Fatal(err)
			}
			far, err := l.Accept()
			if err != nil {
				b.Fatal(err)
			}
			go func() { _, _ = io.CopyBuffer(struct{ io.Writer }{far}, struct{ io.Reader }{far}, make([]byte, 128)) }()
			message := make([]byte, 128)
			b.ReportAllocs()
			used := cpu()
			for b.Loop() {
				if _, err := near.Write(message); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(near, message); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpu()-used).Nanoseconds())/float64(2*b.N), "cpu-ns/message")
		})
	}
}

// TestCostInVirtualTime logs what a message costs in a bubble.
func TestCostInVirtualTime(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		a, b := pair(t, n)
		go func() { _, _ = io.CopyBuffer(struct{ io.Writer }{b}, struct{ io.Reader }{b}, make([]byte, 128)) }()
		message, rounds := make([]byte, 128), 20_000
		used, start := cpu(), time.Now()
		for i := range rounds {
			message[0] = byte(i)
			if _, err := a.Write(message); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(a, message); err != nil || message[0] != byte(i) {
				t.Fatalf("round %d: %d came back, %v", i, message[0], err)
			}
		}
		each := (cpu() - used) / time.Duration(2*rounds)
		t.Logf("FIGURES %v of CPU a message, %v of virtual time in all", each, time.Since(start))
	})
}
