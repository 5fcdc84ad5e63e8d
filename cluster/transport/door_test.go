package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/test/bubble"
)

// silent opens a connection that says nothing; it returns once the node has begun to wait for its handshake.
func (w *world) silent(from string, to *node) net.Conn {
	w.t.Helper()
	c, err := w.net.Dialer(from)(w.t.Context(), "tcp", to.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
	return c
}

// isOpen tells whether the other side has not closed. A nanosecond passes.
func isOpen(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(time.Nanosecond))
	_, err := c.Read(make([]byte, 1))
	return !errors.Is(err, io.EOF)
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}

func TestSilentStrangersOfManyAddressesDoNotKeepANodeOut(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		registry := prometheus.NewRegistry()
		a, b := w.start(idA, nil), w.start(idB, func(c *ListenerConfig) { c.Registerer = registry })
		var strangers []net.Conn
		for i := range MaxHandshakes {
			strangers = append(strangers, w.silent(fmt.Sprintf("x%d:1", i/MaxPerSource), b))
		}
		start := time.Now()
		for _, protocol := range []string{ProtocolRaft, ProtocolRPC} {
			c, err := a.dialer.Dial(t.Context(), idB, protocol)
			if err != nil {
				t.Fatalf("%s: kept out: %v", protocol, err)
			}
			defer c.Close()
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("let in after %v", took)
		}
		if isOpen(strangers[0]) {
			t.Error("the oldest is still there")
		}
		if last := strangers[len(strangers)-1]; !isOpen(last) {
			t.Error("the youngest was dropped")
		}
		if got := counted(t, registry, "tinyurl_transport_connections_shed_total"); got != 1 {
			t.Errorf("%v drops counted, want that of the oldest: the second dial found its place free", got)
		}
		if got := counted(t, registry, "tinyurl_transport_handshakes_failed_total"); got != 0 {
			t.Errorf("%v failures counted, of handshakes that were displaced", got)
		}
		closeAll(strangers)
		a.close(t)
		b.close(t)
	})
}

func TestAFloodOfSilentStrangersIsALineInTheLog(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		registry := prometheus.NewRegistry()
		b := w.start(idB, func(c *ListenerConfig) { c.Registerer, c.MaxHandshakes = registry, 4 })
		var strangers []net.Conn
		for i := range 1000 {
			strangers = append(strangers, w.silent(fmt.Sprintf("x%d:1", i), b))
		}
		if got := counted(t, registry, "tinyurl_transport_connections_shed_total"); got != 996 {
			t.Errorf("%v drops counted", got)
		}
		if n := strings.Count(b.logs.String(), "\n"); n != 1 {
			t.Errorf("%d lines:\n%s", n, b.logs)
		}
		closeAll(strangers)
		b.close(t)
	})
}

func TestFailuresFromManyAddressesAreALineInTheLog(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.start(idB, nil)
		for i := range 2 * complaintsMax {
			c := w.silent(fmt.Sprintf("x%d:1", i), b)
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: b\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			_ = c.Close()
		}
		if n := strings.Count(b.logs.String(), "\n"); n != 1 {
			t.Errorf("%d lines:\n%s", n, b.logs)
		}
		b.close(t)
	})
}

func TestASourceWithItsShareDisplacesItsOwn(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.start(idB, func(c *ListenerConfig) { c.MaxPerSource = 2 })
		other := w.silent("y:1", b)
		one, two, three := w.silent("x:1", b), w.silent("x:2", b), w.silent("x:3", b)
		for name, c := range map[string]struct {
			net.Conn
			open bool
		}{"the other source's": {other, true}, "first": {one, false}, "second": {two, true}, "third": {three, true}} {
			if isOpen(c) != c.open {
				t.Errorf("%s connection: open is %v", name, !c.open)
			}
			_ = c.Close()
		}
		b.close(t)
	})
}

func TestLoopbackHasAllPlacesAndNoMore(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.start(idB, func(c *ListenerConfig) { c.MaxPerSource, c.MaxHandshakes = 1, 5 })
		var local []net.Conn
		for _, from := range []string{"127.0.0.1:1", "127.0.0.1:2", "[::1]:1", "[::1]:2", "[::ffff:127.0.0.1]:3"} {
			local = append(local, w.silent(from, b))
		}
		for i, c := range local {
			if !isOpen(c) {
				t.Errorf("connection %d was dropped though there are places", i)
			}
		}
		local = append(local, w.silent("127.0.0.1:4", b))
		if isOpen(local[0]) || !isOpen(local[1]) {
			t.Error("one more did not end the oldest alone")
		}
		closeAll(local)
		b.close(t)
	})
}

func TestPlacesOfNodesAreNotTakenByStrangers(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, func(c *ListenerConfig) { c.MaxConns = 1 })
		strangers := []net.Conn{w.silent("x:1", b), w.silent("y:1", b), w.silent("z:1", b)}
		c, err := a.dialer.Dial(t.Context(), idB, ProtocolRPC)
		if err != nil {
			t.Fatalf("the one place was a stranger's: %v", err)
		}
		if _, err := a.dialer.Dial(t.Context(), idB, ProtocolRPC); err == nil {
			t.Error("a second node took the one place")
		}
		for i, s := range strangers {
			if !isOpen(s) {
				t.Errorf("stranger %d had to go for a node that has a place of its own", i)
			}
		}
		_ = c.Close()
		closeAll(strangers)
		a.close(t)
		b.close(t)
	})
}

// TestDisplacedHandshakesThatLingerHoldTheDoor counts what no network test can: handshakes whose goroutines do not run.
func TestDisplacedHandshakesThatLingerHoldTheDoor(t *testing.T) {
	d := &door{maxShaking: 2, maxPerSource: 2, maxInside: 1, inside: map[*rawConn]struct{}{}}
	var all []*rawConn
	come := func() error {
		near, far := net.Pipe()
		t.Cleanup(func() { _, _ = near.Close(), far.Close() })
		all = append(all, &rawConn{Conn: near, door: d})
		_, err := d.enter(all[len(all)-1])
		return err
	}
	for i := range 4 {
		if err := come(); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	if err := come(); !errors.Is(err, errManyShake) {
		t.Errorf("a fifth, with two displaced that have not ended: %v", err)
	}
	if err := d.end(all[0], false); !errors.Is(err, errDisplaced) {
		t.Errorf("the end of a displaced one: %v", err)
	}
	if err := d.end(all[1], true); !errors.Is(err, errDisplaced) {
		t.Errorf("a displaced one that succeeded: %v", err)
	}
	if err := d.end(all[2], true); err != nil {
		t.Errorf("a good one: %v", err)
	}
	if err := d.end(all[3], true); !errors.Is(err, errManyOpen) {
		t.Errorf("a good one too many: %v", err)
	}
	if err := come(); err != nil {
		t.Errorf("after they ended: %v", err)
	}
	if n := len(d.close()); n != 2 {
		t.Errorf("%d to be closed, want one inside and one at the door", n)
	}
	if err := come(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("through the shut door: %v", err)
	}
}
