package memnet

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"tinyurl/test/bubble"
)

func pair(t *testing.T, n *Network) (dialled, accepted net.Conn) {
	t.Helper()
	l, err := n.Listen("b:1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	got := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept()
		got <- c
	}()
	dialled, err = n.Dialer("a:1")(t.Context(), "tcp", "b:1")
	if err != nil {
		t.Fatal(err)
	}
	return dialled, <-got
}

func TestBytesArriveAndCloseIsSeen(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		a, b := pair(t, New())
		if _, err := a.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		_ = a.Close()
		if got, err := io.ReadAll(b); err != nil || string(got) != "hello" {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := b.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("write to a closed reader: %v", err)
		}
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read after close: %v", err)
		}
		if err := a.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second close: %v", err)
		}
		_ = b.Close()
	})
}

func TestDeadlinesEndWaitingReadsAndWrites(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		a, b := pair(t, New())
		start := time.Now()
		_ = a.SetDeadline(start.Add(3 * time.Second))
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		_ = a.SetDeadline(start.Add(5 * time.Second))
		if n, err := a.Write(make([]byte, window+1)); n != window || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d, %v", n, err)
		}
		_, _ = a.Close(), b.Close()
	})
}

func TestACutSwallowsUntilItHeals(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		n := New()
		a, b := pair(t, n)
		n.Cut("a:1", "b:1")
		if _, err := a.Write([]byte("late")); err != nil {
			t.Fatal(err)
		}
		_ = b.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := b.Read(make([]byte, 4)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read across a cut: %v", err)
		}
		if _, err := b.Write([]byte("back")); err != nil { // the other direction lives
			t.Fatal(err)
		}
		got := make([]byte, 4)
		if _, err := io.ReadFull(a, got); err != nil || string(got) != "back" {
			t.Errorf("%q, %v", got, err)
		}
		_ = b.SetReadDeadline(time.Time{})
		n.Heal("a:1", "b:1")
		if _, err := io.ReadFull(b, got); err != nil || string(got) != "late" {
			t.Errorf("%q, %v", got, err)
		}
		_, _ = a.Close(), b.Close()
		if len(n.halves) != 0 {
			t.Errorf("%d directions left", len(n.halves))
		}
	})
}

func TestDialIsRefusedOrWaitsAsANetworkWould(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		n := New()
		if _, err := n.Dialer("a:1")(t.Context(), "tcp", "b:1"); !errors.Is(err, ErrRefused) {
			t.Errorf("nobody listens: %v", err)
		}
		n.Part("a:1", "b:1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.Dialer("a:1")(ctx, "tcp", "b:1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("across a cut: %v", err)
		}
		time.AfterFunc(time.Hour, func() { n.Join("a:1", "b:1") })
		if _, err := n.Dialer("a:1")(t.Context(), "tcp", "b:1"); !errors.Is(err, ErrRefused) {
			t.Errorf("once healed: %v", err)
		}
		l, err := n.Listen("b:1")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Listen("b:1"); err == nil {
			t.Error("one address was bound twice")
		}
		_ = l.Close()
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept after close: %v", err)
		}
	})
}
