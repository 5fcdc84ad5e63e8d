package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestBytesArriveAfterExactlyTheLatency(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		n.Set("a", "b", Quality{Latency: 7 * time.Millisecond})
		n.Set("b", "a", Quality{Latency: 30 * time.Millisecond})
		start := time.Now()
		a, b := pair(t, n)
		took(t, start, 7*3*time.Millisecond+(30-7)*time.Millisecond) // there, back, and the acceptor hears of it
		start = time.Now()
		write(t, a, "ping")
		took(t, start, 0)
		want(t, b, "ping")
		took(t, start, 7*time.Millisecond)
		write(t, b, "pong")
		want(t, a, "pong")
		took(t, start, 37*time.Millisecond)
	})
}

func TestManyMessagesAreUnderWayAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", 10*time.Millisecond)
		a, b := pair(t, n)
		start := time.Now()
		for i := range 5 {
			write(t, a, fmt.Sprint(i))
			time.Sleep(time.Millisecond)
		}
		for i := range 5 {
			want(t, b, fmt.Sprint(i))
			took(t, start, time.Duration(10+i)*time.Millisecond)
		}
	})
}

func TestNoLatencyIsNoTime(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", 0)
		start := time.Now()
		a, b := pair(t, n)
		for range 100 {
			write(t, a, "x")
			want(t, b, "x")
		}
		took(t, start, 0)
	})
}

func TestOrderIsKeptUnderJitter(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		n.Set("a", "b", Quality{Latency: time.Millisecond, Jitter: 50 * time.Millisecond})
		a, b := pair(t, n)
		var sent bytes.Buffer
		go func() {
			for i := range 1000 {
				text := fmt.Sprintf("message %d;", i)
				sent.WriteString(text)
				_, _ = a.Write([]byte(text))
				if i%7 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			_ = a.Close()
		}()
		start := time.Now()
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, sent.Bytes()) {
			t.Errorf("%v; the bytes are the same: %t", err, bytes.Equal(got, sent.Bytes()))
		}
		if passed := time.Since(start); passed < 143*time.Millisecond || passed > 143*time.Millisecond+51*time.Millisecond {
			t.Errorf("took %v", passed)
		}
	})
}

func TestCloseIsHeardAfterWhatWasWritten(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", 10*time.Millisecond)
		a, b := pair(t, n)
		write(t, a, "last words")
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		want(t, b, "last words")
		wantError(t, b, io.EOF)
		took(t, start, 10*time.Millisecond)
		wantError(t, b, io.EOF) // and so it stays

		// The first write cannot know that nobody reads; the answer to it tells.
		write(t, b, "anybody there?")
		time.Sleep(20*time.Millisecond - time.Nanosecond)
		write(t, b, "hello?")
		time.Sleep(time.Nanosecond)
		if _, err := b.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write to a closed end: %v", err)
		}
		wantError(t, b, io.EOF)

		wantError(t, a, net.ErrClosed)
		if _, err := a.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write after close: %v", err)
		}
		if err := a.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second close: %v", err)
		}
		if err := a.SetDeadline(time.Now()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("deadline after close: %v", err)
		}
	})
}

func TestCloseWithUnreadBytesResets(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", 10*time.Millisecond)
		a, b := pair(t, n)
		write(t, a, "never read")
		write(t, b, "answer")
		time.Sleep(time.Second)
		_ = b.Close()
		want(t, a, "answer") // what has arrived can be read
		wantError(t, a, syscall.ECONNRESET)
		if _, err := a.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("write: %v", err)
		}
	})
}

func TestBytesThatMeetAClosedEndAreAnsweredWithAReset(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", 10*time.Millisecond)
		a, b := pair(t, n)
		write(t, a, "under way")
		_ = b.Close()
		wantError(t, a, io.EOF)
		time.Sleep(10 * time.Millisecond)
		if _, err := a.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write: %v", err)
		}
	})
}

func TestCloseEndsWaiting(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		a, _ := pair(t, n)
		errs := make(chan error, 2)
		go func() {
			_, err := a.Read(make([]byte, 1))
			errs <- err
		}()
		go func() {
			_, err := a.Write(make([]byte, 2*window))
			errs <- err
		}()
		synctest.Wait()
		_ = a.Close()
		for range 2 {
			if err := <-errs; !errors.Is(err, net.ErrClosed) {
				t.Errorf("%v", err)
			}
		}
	})
}

func TestDeadlines(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", 10*time.Millisecond)
		a, b := pair(t, n)
		timeout := func(what string, err error) {
			t.Helper()
			var ne net.Error
			var op *net.OpError
			if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() || !errors.As(err, &op) {
				t.Errorf("%s: %v", what, err)
			}
		}
		start := time.Now()
		_ = a.SetDeadline(start.Add(3 * time.Second))
		_, err := a.Read(make([]byte, 1))
		timeout("read", err)
		took(t, start, 3*time.Second)

		write(t, b, "here")
		time.Sleep(time.Second)
		_, err = a.Read(make([]byte, 1))
		timeout("read of what is there, after the deadline", err)
		_, err = a.Write([]byte("x"))
		timeout("write after the deadline", err)
		_ = a.SetReadDeadline(time.Time{})
		want(t, a, "here")

		start = time.Now()
		_ = a.SetWriteDeadline(start.Add(2 * time.Second))
		took, err := a.Write(make([]byte, window+1))
		timeout("write", err)
		if took != window || time.Since(start) != 2*time.Second {
			t.Errorf("%d bytes were taken, after %v", took, time.Since(start))
		}
	})
}

func TestADeadlineCanBeMovedWhileAReadWaits(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		a, _ := pair(t, n)
		start := time.Now()
		_ = a.SetReadDeadline(start.Add(time.Hour))
		time.AfterFunc(time.Minute, func() { _ = a.SetReadDeadline(start.Add(2 * time.Minute)) })
		wantError(t, a, os.ErrDeadlineExceeded)
		took(t, start, 2*time.Minute)
		_ = a.SetReadDeadline(start.Add(3 * time.Minute))
		time.AfterFunc(30*time.Second, func() { _ = a.SetReadDeadline(start.Add(time.Hour)) })
		wantError(t, a, os.ErrDeadlineExceeded)
		took(t, start, time.Hour)
	})
}

func TestAWriterWaitsForTheReader(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		a, b := pair(t, n)
		done := make(chan error)
		go func() {
			_, err := a.Write(make([]byte, 3*window))
			done <- err
		}()
		time.Sleep(time.Hour)
		select {
		case err := <-done:
			t.Fatalf("nobody read, and yet: %v", err)
		default:
		}
		if _, err := io.ReadFull(b, make([]byte, 3*window)); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestLossBreaksAStreamAtBothEnds(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		a, b := pair(t, n)
		n.Set("a", "b", Quality{Latency: 10 * time.Millisecond, Loss: 1})
		n.Set("b", "a", Quality{Latency: 30 * time.Millisecond})
		start := time.Now()
		write(t, a, "lost")
		wantError(t, b, syscall.ECONNRESET)
		took(t, start, 10*time.Millisecond)
		wantError(t, a, syscall.ECONNRESET)
		took(t, start, 30*time.Millisecond)
		if s := n.Stats(); s.Breaks != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestNothingIsDeliveredAfterALoss(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", latency)
		a, b := pair(t, n)
		write(t, a, "arrives")
		time.Sleep(latency)
		n.Set("a", "b", Quality{Latency: latency, Loss: 1})
		write(t, a, "is lost") // and the reset with it, as the link is cut at once
		n.Set("a", "b", Quality{Cut: true})
		n.Set("b", "a", Quality{Cut: true})
		time.Sleep(time.Second)
		exact(n, "a", "b", latency)
		write(t, a, "would be out of order")
		want(t, b, "arrives")
		wantError(t, b, syscall.ECONNRESET)
		wantError(t, a, syscall.ECONNRESET)
	})
}

func TestAddressesAreTCPAddresses(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		a, b := pair(t, n)
		for _, end := range []net.Conn{a, b} {
			local, remote := end.LocalAddr().(*net.TCPAddr), end.RemoteAddr().(*net.TCPAddr)
			if local.IP.Equal(remote.IP) || local.Port == 0 || remote.Port == 0 {
				t.Errorf("%v to %v", local, remote)
			}
		}
		if a.RemoteAddr().String() != "10.0.0.1:7000" || b.LocalAddr().String() != "10.0.0.1:7000" {
			t.Errorf("the listener is at %v and %v", a.RemoteAddr(), b.LocalAddr())
		}
		if a.LocalAddr().String() != b.RemoteAddr().String() {
			t.Errorf("the dialler is at %v and %v", a.LocalAddr(), b.RemoteAddr())
		}
	})
}
