package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestACrashIsSilent(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", latency)
		a, b := pair(t, n)
		write(t, b, "last words")
		n.Host("b").Crash()
		wantError(t, b, net.ErrClosed)
		if _, err := b.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write after the crash: %v", err)
		}
		want(t, a, "last words") // they were on their way
		_ = a.SetReadDeadline(time.Now().Add(time.Minute))
		wantError(t, a, os.ErrDeadlineExceeded)
		_ = a.SetReadDeadline(time.Time{})
		start := time.Now()
		write(t, a, "anybody?")
		wantError(t, a, syscall.ETIMEDOUT)
		took(t, start, DefaultUnacknowledged)
	})
}

func TestACrashedHostDoesNotAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		l := listen(t, n.Host("b"), testPort)
		dial := n.Host("b").Dialer()
		n.Host("b").Crash()
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept after the crash: %v", err)
		}
		ctx, cancel := within(10 * time.Second)
		defer cancel()
		if _, err := n.Host("a").Dial(ctx, "tcp", "b:7000"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dial: %v", err)
		}
		if _, err := n.Host("b").Dial(t.Context(), "tcp", "a:1"); !errors.Is(err, ErrOff) {
			t.Errorf("dial by the dead: %v", err)
		}
		listen(t, n.Host("b"), testPort)
		if _, err := n.Host("a").Dial(t.Context(), "tcp", "b:7000"); err != nil {
			t.Errorf("dial into the next life: %v", err)
		}
		if _, err := dial(t.Context(), "tcp", "a:1"); !errors.Is(err, ErrOff) {
			t.Errorf("dial by the last life: %v", err)
		}
		if _, err := n.Host("b").Dial(t.Context(), "tcp", "a:1"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial by this life: %v", err)
		}
	})
}

func TestTheNextLifeKnowsNothingOfOldStreams(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", latency)
		busy, _ := pair(t, n)
		idle, _ := pair(t, n)
		late, _ := pair(t, n)
		n.Host("b").Crash()
		start := time.Now()
		write(t, busy, "sent into the void")
		time.Sleep(10 * time.Second)
		n.Host("b").Start()
		write(t, late, "sent to the new life")
		took(t, start, 10*time.Second)
		wantError(t, late, syscall.ECONNRESET)
		took(t, start, 10*time.Second+2*latency)
		wantError(t, busy, syscall.ECONNRESET)
		took(t, start, 12600*time.Millisecond+2*latency) // when it is sent again
		wantError(t, idle, syscall.ECONNRESET)
		if after := time.Since(start); after > 10*time.Second+probeEvery+latency {
			t.Errorf("the idle stream broke after %v", after)
		}
	})
}

func TestAKilledProcessResetsItsStreams(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", latency)
		a, b := pair(t, n)
		listen(t, n.Host("b"), testPort)
		write(t, b, "last words")
		n.Host("b").Kill()
		start := time.Now()
		wantError(t, b, net.ErrClosed)
		want(t, a, "last words")
		wantError(t, a, syscall.ECONNRESET)
		took(t, start, latency)
		if _, err := n.Host("a").Dial(t.Context(), "tcp", "b:7000"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v", err)
		}
		n.Host("b").Crash() // and then the power goes
		ctx, cancel := within(10 * time.Second)
		defer cancel()
		if _, err := n.Host("a").Dial(ctx, "tcp", "b:7000"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dial: %v", err)
		}
	})
}

func TestACrashWakesAllWhoWait(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		_, b := pair(t, n)
		l := listen(t, n.Host("b"), testPort)
		n.Set("b", "c", Quality{Cut: true})
		errs := make(chan error)
		go func() {
			_, err := b.Read(make([]byte, 1))
			errs <- err
		}()
		go func() {
			_, err := b.Write(make([]byte, 2*window))
			errs <- err
		}()
		go func() {
			_, err := l.Accept()
			errs <- err
		}()
		synctest.Wait()
		n.Host("b").Crash()
		for range 3 {
			if err := <-errs; !errors.Is(err, net.ErrClosed) {
				t.Errorf("%v", err)
			}
		}
	})
}

func TestAPausedHostStandsStill(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", latency)
		a, b := pair(t, n)
		l := listen(t, n.Host("b"), testPort)
		n.Host("b").Pause()
		start := time.Now()
		write(t, a, "to b")
		write(t, b, "to a")
		dialled, err := n.Host("a").Dial(t.Context(), "tcp", "b:7000") // the queue of its kernel takes it
		if err != nil {
			t.Fatal(err)
		}
		write(t, dialled, "new")
		took(t, start, 2*latency)
		for _, c := range []net.Conn{a, b} {
			_ = c.SetReadDeadline(start.Add(time.Hour))
			wantError(t, c, os.ErrDeadlineExceeded)
			_ = c.SetReadDeadline(time.Time{})
		}
		accepted, read := make(chan time.Time, 1), make(chan time.Time, 1)
		go func() {
			if c, err := l.Accept(); err == nil {
				accepted <- time.Now()
				_, _ = io.ReadFull(c, make([]byte, 3))
				read <- time.Now()
			}
		}()
		time.Sleep(time.Hour)
		start = time.Now()
		n.Host("b").Resume()
		want(t, b, "to b")
		took(t, start, 0)
		want(t, a, "to a")
		took(t, start, latency)
		if at := <-accepted; at.Sub(start) != 0 {
			t.Errorf("accepted %v later", at.Sub(start))
		}
		if at := <-read; at.Sub(start) != 0 {
			t.Errorf("read %v later", at.Sub(start))
		}
	})
}

func TestAPausedHostTakesNoMoreThanAWindow(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		a, b := pair(t, n)
		n.Host("b").Pause()
		for name, c := range map[string]net.Conn{"to": a, "from": b} {
			_ = c.SetWriteDeadline(time.Now().Add(time.Hour))
			if taken, err := c.Write(make([]byte, 2*window)); taken != window || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s the paused host: %d bytes, %v", name, taken, err)
			}
		}
	})
}

func TestAPausedHostDialsLater(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", latency)
		listen(t, n.Host("b"), testPort)
		n.Host("a").Pause()
		ctx, cancel := within(time.Second)
		defer cancel()
		if _, err := n.Host("a").Dial(ctx, "tcp", "b:7000"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		start := time.Now()
		time.AfterFunc(time.Minute, n.Host("a").Resume)
		if _, err := n.Host("a").Dial(t.Context(), "tcp", "b:7000"); err != nil {
			t.Errorf("%v", err)
		}
		took(t, start, time.Minute+2*latency)
	})
}

func TestResetsOfAPausedHostWait(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		a, b := pair(t, n)
		n.Host("b").Pause()
		write(t, a, "x")
		_ = a.Close()
		_ = b.SetReadDeadline(time.Now().Add(time.Minute))
		wantError(t, b, os.ErrDeadlineExceeded)
		_ = b.SetReadDeadline(time.Time{})
		n.Host("b").Resume()
		want(t, b, "x")
		wantError(t, b, io.EOF)
	})
}

func TestACrashEndsAPause(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		a, _ := pair(t, n)
		b := n.Host("b")
		b.Pause()
		b.Crash()
		listen(t, b, testPort)
		c, err := n.Host("a").Dial(t.Context(), "tcp", "b:7000")
		if err != nil {
			t.Fatal(err)
		}
		write(t, c, "x")
		wantError(t, a, syscall.ECONNRESET)
	})
}

func TestAHostThatMoves(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		a, b := pair(t, n)
		old := n.Host("b").Addr(testPort)
		listen(t, n.Host("b"), testPort)
		ip := n.Host("b").Move()
		if now := n.Host("b").Addr(testPort); now == old || now != net.JoinHostPort(ip, "7000") {
			t.Errorf("moved from %s to %s, said to be %s", old, now, ip)
		}
		start := time.Now()
		write(t, a, "x")
		wantError(t, a, syscall.ETIMEDOUT)
		took(t, start, DefaultUnacknowledged)
		wantError(t, b, syscall.ETIMEDOUT)
		took(t, start, DefaultKeepAlive)
		if _, err := n.Host("a").Dial(t.Context(), "tcp", n.Host("b").Addr(testPort)); err != nil {
			t.Errorf("dial at the new address: %v", err)
		}
		if err := n.Host("c").MoveTo(ip); err == nil {
			t.Error("two hosts have one address")
		}
		host, _, _ := net.SplitHostPort(old)
		if err := n.Host("c").MoveTo(host); err != nil {
			t.Error(err)
		}
		if _, err := n.Host("a").Dial(t.Context(), "tcp", old); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial at the old address, another host's: %v", err)
		}
	})
}
