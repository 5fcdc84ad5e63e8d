package gossip

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// endless is the first bytes of an encrypted message of 20 MiB.
var endless = []byte{10, 0x01, 0x40, 0, 0}

// patient lets streams live for longer than any test.
func patient(c *Config) { c.Tuning.StreamTimeout = 10 * time.Minute }

// drops reads the counter of dropped streams.
func drops(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, f := range families {
		if f.GetName() == "tinyurl_gossip_streams_dropped_total" {
			for _, m := range f.Metric {
				found[m.Label[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	return found
}

// dial opens a TCP connection that is closed with the test.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// cutOff tells whether the other side has ended a connection.
func cutOff(conn net.Conn) bool {
	_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := io.Copy(io.Discard, conn)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

func TestAStrangersMessageIsNotTakenInWhole(t *testing.T) {
	registry := prometheus.NewRegistry()
	g := start(t, 1, 1, func(c *Config) { patient(c); c.Registerer = registry })
	conn := dial(t, g.Addr())
	// What is not read stays with the system, and its end comes as a reset.
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, err := conn.Write(append(endless, make([]byte, 19<<20)...))
	if err == nil {
		_, err = io.Copy(io.Discard, conn)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the stream was not cut off")
	}
	if got := drops(t, registry)[dropLength]; got != 1 {
		t.Errorf("%v streams dropped for their length", got)
	}
	if !strings.Contains(g.logs.String(), "dropped a gossip stream") {
		t.Error("no line in the log")
	}
}

func TestStreamsHeldOpenAreFewAndKeepNobodyOut(t *testing.T) {
	registry := prometheus.NewRegistry()
	g := start(t, 1, 1, func(c *Config) { patient(c); c.Registerer = registry })
	var strangers []net.Conn
	for range 4 * maxStreamsLoopback {
		conn := dial(t, g.Addr())
		if _, err := conn.Write(append(endless, make([]byte, 1000)...)); err != nil {
			t.Logf("cut off while it wrote: %v", err)
		}
		strangers = append(strangers, conn)
	}
	eventually(t, "the oldest are cut off", func() bool { return drops(t, registry)[dropSource] == 3*maxStreamsLoopback })
	for i, conn := range strangers[:3*maxStreamsLoopback] {
		eventually(t, fmt.Sprintf("stream %d of the older is closed", i), func() bool { return cutOff(conn) })
	}
	for i, conn := range strangers[3*maxStreamsLoopback:] {
		if cutOff(conn) {
			t.Errorf("stream %d of the youngest is closed", i)
		}
	}
	converged(t, g, start(t, 2, 1, seeded(g.Addr())))
	if n := strings.Count(g.logs.String(), "level="); n > 5 {
		t.Errorf("%d lines in the log:\n%s", n, g.logs)
	}
}

func TestCloseDoesNotWaitForStrangers(t *testing.T) {
	g := start(t, 1, 1, patient)
	var strangers []net.Conn
	for range 10 {
		strangers = append(strangers, dial(t, g.Addr()))
	}
	began := time.Now()
	g.Close()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("Close took %v", took)
	}
	for i, conn := range strangers {
		eventually(t, fmt.Sprintf("stream %d is closed", i), func() bool { return cutOff(conn) })
	}
}

func TestTenNodesOfOneMachineAreNotLimited(t *testing.T) {
	registries := make([]*prometheus.Registry, 10)
	var nodes []*node
	for i := range registries {
		registries[i] = prometheus.NewRegistry()
		nodes = append(nodes, start(t, i+1, 1, func(c *Config) {
			c.Registerer = registries[i]
			c.Tuning = Tuning{} // the pace of a data centre: at that of the other tests, a busy machine is a flood
			if i > 0 {
				c.Seeds = []string{nodes[0].Addr()}
			}
		}))
	}
	converged(t, nodes...)
	for i, r := range registries {
		for reason, n := range drops(t, r) {
			if n != 0 {
				t.Errorf("node %d dropped %v streams: %s", i+1, n, reason)
			}
		}
	}
}

// caller is a connection from an address, with the other end at hand.
type caller struct {
	net.Conn
	from net.Addr
	far  net.Conn
	end  time.Time // the deadline last set
}

func (c *caller) RemoteAddr() net.Addr { return c.from }

func (c *caller) SetDeadline(t time.Time) error {
	c.end = t
	return c.Conn.SetDeadline(t)
}

// call makes a caller from a host.
func call(t *testing.T, host string) *caller {
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	return &caller{Conn: near, far: far, from: &net.TCPAddr{IP: net.ParseIP(host), Port: 1}}
}

// gated makes a gate and the count of its drops.
func gated() (*gate, map[string]int) {
	dropped := map[string]int{}
	quiet := newQuietLogger(slog.New(slog.DiscardHandler), time.Now)
	return newGate(time.Hour, func(reason string) { dropped[reason]++ }, quiet), dropped
}

// isCut tells whether the gate has ended a stream, or never let it in.
func isCut(c net.Conn) bool {
	s, ok := c.(*stream)
	if !ok {
		return true
	}
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return s.over
}

func TestASourceWithItsShareDisplacesItsOwn(t *testing.T) {
	for host, share := range map[string]int{
		"10.0.0.1": maxStreamsOfSource, "2001:db8::1": maxStreamsOfSource,
		"127.0.0.1": maxStreamsLoopback, "::1": maxStreamsLoopback,
	} {
		g, dropped := gated()
		other := g.admit(call(t, "10.9.9.9"))
		var own []net.Conn
		for range share {
			own = append(own, g.admit(call(t, host)))
		}
		if len(dropped) != 0 {
			t.Errorf("%s: %v dropped within its share of %d", host, dropped, share)
		}
		g.admit(call(t, host))
		if isCut(other) || !isCut(own[0]) || isCut(own[1]) || dropped[dropSource] != 1 {
			t.Errorf("%s: one more did not end its own oldest alone: %v", host, dropped)
		}
		if _, err := own[0].Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("%s: reading what was cut off: %v, want io.EOF", host, err)
		}
		if err := own[0].SetDeadline(time.Now()); err != nil {
			t.Errorf("%s: setting the deadline of what was cut off: %v", host, err)
		}
	}
}

func TestTheOldestOfAllGoesForANewSource(t *testing.T) {
	g, dropped := gated()
	var all []net.Conn
	for i := range maxStreams {
		all = append(all, g.admit(call(t, fmt.Sprintf("10.0.0.%d", i))))
	}
	if len(dropped) != 0 {
		t.Errorf("dropped %v of %d", dropped, maxStreams)
	}
	if isCut(g.admit(call(t, "10.1.0.1"))) || !isCut(all[0]) || isCut(all[1]) || dropped[dropPlaces] != 1 {
		t.Errorf("one more did not end the oldest alone: %v", dropped)
	}
	_ = all[1].Close()
	if isCut(g.admit(call(t, "10.1.0.2"))) || isCut(all[2]) {
		t.Error("a place that was given back was not used")
	}
}

func TestStreamsThatMemberlistKeepsAreCounted(t *testing.T) {
	g, dropped := gated()
	var all []net.Conn
	for i := range 2 * maxStreams {
		all = append(all, g.admit(call(t, fmt.Sprintf("10.0.0.%d", i))))
	}
	late := call(t, "10.1.0.1")
	if got := g.admit(late); got != nil || dropped[dropPlaces] != maxStreams+1 {
		t.Errorf("admitted though memberlist has not let go of what was cut off: %v", dropped)
	}
	if _, err := late.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the connection was not closed: %v", err)
	}
	_, _ = all[0].Close(), all[0].Close() // twice is once
	if isCut(g.admit(call(t, "10.1.0.2"))) {
		t.Error("not admitted after memberlist let go of one")
	}
	if g.admit(call(t, "10.1.0.3")) != nil {
		t.Error("one stream was given back twice")
	}
}

// feed sends n bytes through a stream and tells how many came out.
func feed(c *caller, s net.Conn, n int) int64 {
	go func() { _, _ = c.far.Write(make([]byte, n)) }()
	got, _ := io.CopyN(io.Discard, s, int64(n))
	return got
}

func TestAllStreamsTogetherTakeInSoMuch(t *testing.T) {
	g, dropped := gated()
	var all []net.Conn
	for i := range maxBytesAtOnce / maxStreamBytes {
		c := call(t, fmt.Sprintf("10.0.0.%d", i))
		s := g.admit(c)
		all = append(all, s)
		if got := feed(c, s, maxStreamBytes); got != maxStreamBytes {
			t.Fatalf("stream %d took in %d bytes", i, got)
		}
	}
	if len(dropped) != 0 {
		t.Errorf("dropped %v within the limit", dropped)
	}
	c := call(t, "10.1.0.1")
	s := g.admit(c)
	if got := feed(c, s, 1); got != 1 || !isCut(all[0]) || isCut(all[1]) || dropped[dropVolume] != 1 {
		t.Errorf("one byte more, %d taken in, did not end the oldest alone: %v", got, dropped)
	}
	for _, s := range all {
		_ = s.Close()
	}
	if g.bytes != 1 || len(g.open) != 1 {
		t.Errorf("%d bytes of %d streams are counted after all but one closed", g.bytes, len(g.open))
	}
}

func TestAStreamTakesInSoMuch(t *testing.T) {
	g, dropped := gated()
	c := call(t, "10.0.0.1")
	s := g.admit(c)
	if got := feed(c, s, maxStreamBytes+1); got > maxStreamBytes || !isCut(s) || dropped[dropLength] != 1 {
		t.Errorf("%d bytes taken in, %v", got, dropped)
	}
}

func TestADeadlineKeepsToTheEndOfTheStream(t *testing.T) {
	g, _ := gated()
	c := call(t, "10.0.0.1")
	began := time.Now()
	s := g.admit(c)
	end := c.end
	if end.Before(began.Add(time.Hour)) || end.After(time.Now().Add(time.Hour)) {
		t.Errorf("the stream ends at %v, an hour after %v", end, began)
	}
	for ask, want := range map[time.Time]time.Time{
		{}: end, end.Add(time.Second): end, end.Add(-time.Second): end.Add(-time.Second),
	} {
		if err := s.SetDeadline(ask); err != nil || !c.end.Equal(want) {
			t.Errorf("asked for %v, got %v, %v, want %v", ask, c.end, err, want)
		}
	}
}

func TestAShutGateLetsNobodyIn(t *testing.T) {
	g, dropped := gated()
	s := g.admit(call(t, "10.0.0.1"))
	g.close()
	if !isCut(s) || g.admit(call(t, "10.0.0.1")) != nil || len(dropped) != 0 {
		t.Errorf("cut is %v, dropped %v", isCut(s), dropped)
	}
}
