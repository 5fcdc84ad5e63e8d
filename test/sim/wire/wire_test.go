package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

const testPort = 7000

// bubble runs a test in virtual time; what is left running in the end fails it.
func bubble(t *testing.T, test func(t *testing.T, n *Network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := New(1)
		defer func() {
			n.Close()
			if left := n.Streams(); left != 0 {
				t.Errorf("%d streams are left", left)
			}
		}()
		test(t, n)
	})
}

// exact sets the same latency, without jitter, for both directions.
func exact(n *Network, a, b string, latency time.Duration) {
	n.Set(a, b, Quality{Latency: latency})
	n.Set(b, a, Quality{Latency: latency})
}

func listen(t *testing.T, h *Host, port int) net.Listener {
	t.Helper()
	l, err := h.Listen(port)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// pair connects two hosts, a to b.
func pair(t *testing.T, n *Network) (a, b net.Conn) {
	t.Helper()
	l := listen(t, n.Host("b"), testPort)
	a, err := n.Host("a").Dial(t.Context(), "tcp", n.Host("b").Addr(testPort))
	if err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return a, b
}

func write(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("write of %q: %d, %v", text, n, err)
	}
}

// want reads exactly the text.
func want(t *testing.T, c net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("read %q, %v; want %q", got[:n], err, text)
	}
}

// wantError reads and gets nothing but the error.
func wantError(t *testing.T, c net.Conn, want error) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, want) {
		t.Fatalf("read: %d, %v; want %v", n, err, want)
	}
}

// took fails unless exactly so much time has passed.
func took(t *testing.T, since time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(since); got != want {
		t.Fatalf("took %v, want %v", got, want)
	}
}

func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}
