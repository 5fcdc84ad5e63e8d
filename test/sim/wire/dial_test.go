package wire

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestNobodyListens(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", 10*time.Millisecond)
		a, b := n.Host("a"), n.Host("b")
		start := time.Now()
		var op *net.OpError
		if _, err := a.Dial(t.Context(), "tcp", b.Addr(1)); !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &op) {
			t.Errorf("%v", err)
		}
		took(t, start, 20*time.Millisecond)
		if _, err := a.Dial(t.Context(), "udp", b.Addr(1)); err == nil {
			t.Error("dialled udp")
		}
		if _, err := a.Dial(t.Context(), "tcp", "no port"); err == nil {
			t.Error("dialled an address without a port")
		}
	})
}

func TestADialOverACutHangs(t *testing.T) {
	for _, way := range [][2]string{{"a", "b"}, {"b", "a"}} {
		bubble(t, func(t *testing.T, n *Network) {
			a, b := n.Host("a"), n.Host("b")
			l := listen(t, b, testPort)
			n.Set(way[0], way[1], Quality{Cut: true})
			start := time.Now()
			ctx, cancel := within(5 * time.Second)
			defer cancel()
			var ne net.Error
			_, err := a.Dial(ctx, "tcp", b.Addr(testPort))
			if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
				t.Errorf("%v", err)
			}
			took(t, start, 5*time.Second)

			// The question is asked again 1, 3, 7 … seconds after the first.
			exact(n, "a", "b", 10*time.Millisecond)
			n.Set(way[0], way[1], Quality{Cut: true})
			start = time.Now()
			time.AfterFunc(3500*time.Millisecond, func() { exact(n, "a", "b", 10*time.Millisecond) })
			if _, err := a.Dial(t.Context(), "tcp", b.Addr(testPort)); err != nil {
				t.Errorf("%v", err)
			}
			took(t, start, 7020*time.Millisecond)
			if _, err := l.Accept(); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestNobodyAnswersForEver(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		start := time.Now()
		if _, err := n.Host("a").Dial(t.Context(), "tcp", "10.9.9.9:1"); !errors.Is(err, syscall.ETIMEDOUT) {
			t.Errorf("%v", err)
		}
		took(t, start, 127*time.Second)
	})
}

func TestALinkThatIsCutWhileTheAnswerIsUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", 10*time.Millisecond)
		listen(t, n.Host("b"), testPort)
		time.AfterFunc(15*time.Millisecond, func() { n.Set("b", "a", Quality{Cut: true}) })
		ctx, cancel := within(3 * time.Second)
		defer cancel()
		if _, err := n.Host("a").Dial(ctx, "tcp", "b:7000"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}

func TestListeners(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		h := n.Host("a")
		l := listen(t, h, testPort)
		if _, err := h.Listen(testPort); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("bound twice: %v", err)
		}
		free, other := listen(t, h, 0), listen(t, h, 0)
		if free.Addr().String() == other.Addr().String() {
			t.Errorf("two listeners at %v", free.Addr())
		}
		done := make(chan error)
		go func() {
			_, err := l.Accept()
			done <- err
		}()
		synctest.Wait()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept: %v", err)
		}
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second close: %v", err)
		}
		listen(t, h, testPort)
	})
}

func TestConnectionsNobodyAcceptsAreResetWithTheirListener(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", 10*time.Millisecond)
		l := listen(t, n.Host("b"), testPort)
		c, err := n.Host("a").Dial(t.Context(), "tcp", "b:7000")
		if err != nil {
			t.Fatal(err)
		}
		write(t, c, "hello")
		time.Sleep(time.Second)
		_ = l.Close()
		start := time.Now()
		wantError(t, c, syscall.ECONNRESET)
		took(t, start, 10*time.Millisecond)
	})
}

func TestTheBacklogIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		l := listen(t, n.Host("b"), testPort)
		for range backlog {
			if _, err := n.Host("a").Dial(t.Context(), "tcp", "b:7000"); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := within(2 * time.Second)
		defer cancel()
		if _, err := n.Host("a").Dial(ctx, "tcp", "b:7000"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dial into a full queue: %v", err)
		}
		if _, err := l.Accept(); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Host("a").Dial(t.Context(), "tcp", "b:7000"); err != nil {
			t.Errorf("dial with room in the queue: %v", err)
		}
	})
}

func TestAHostReachesItselfAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		h := n.Host("a")
		l := listen(t, h, testPort)
		start := time.Now()
		c, err := h.Dial(t.Context(), "tcp", h.Addr(testPort))
		if err != nil {
			t.Fatal(err)
		}
		d, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		write(t, c, "me")
		want(t, d, "me")
		took(t, start, 0)
	})
}
