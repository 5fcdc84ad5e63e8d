package gossip

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Limits of inbound streams. Memberlist takes in a whole message, of up to
// 20 MiB, before it looks whether the sender holds the key, and as many of them
// as there are connections. What nodes send each other is below 1,024 members
// times 700 bytes, and takes milliseconds.
const (
	maxStreams         = 64       // at once
	maxStreamsOfSource = 8        // of them from one address
	maxStreamsLoopback = 32       // of them from one address of this machine, which may be many nodes
	maxStreamBytes     = 1 << 20  // in all, from one stream
	maxBytesAtOnce     = 16 << 20 // from all streams that are open
)

// gate lets inbound streams through to memberlist. Where room is short the
// oldest goes, not the newcomer: else strangers that hold their streams open
// would keep every node out. What is cut off looks to memberlist like a stream
// that ended.
type gate struct {
	lifetime time.Duration // of a stream
	dropped  func(reason string)
	log      *quietLogger

	mu    sync.Mutex
	open  []*stream // guarded by mu: the oldest first
	bytes int       // guarded by mu: taken in by all in open
	held  int       // guarded by mu: streams memberlist has, those cut off included
	shut  bool      // guarded by mu
}

// Why a stream was dropped: values of a metric's label.
const (
	dropPlaces = "places" // too many at once
	dropSource = "source" // too many at once from one address
	dropLength = "length" // more than maxStreamBytes
	dropVolume = "volume" // more than maxBytesAtOnce
)

var dropReasons = []string{dropPlaces, dropSource, dropLength, dropVolume}

func newGate(lifetime time.Duration, dropped func(reason string), log *quietLogger) *gate {
	return &gate{lifetime: lifetime, dropped: dropped, log: log}
}

// admit makes room for a stream and wraps it; nil if conn was dropped.
func (g *gate) admit(conn net.Conn) net.Conn {
	source, limit := sourceOf(conn.RemoteAddr())
	g.mu.Lock()
	defer g.mu.Unlock()
	// Memberlist lets go of what was cut off at once, but for a processor too
	// busy to run it: its buffers must not pile up.
	if g.shut || g.held >= 2*maxStreams {
		if !g.shut {
			g.tell(conn, dropPlaces)
		}
		_ = conn.Close()
		return nil
	}
	if oldest, n := g.of(source); n >= limit {
		g.cut(oldest, dropSource)
	} else if len(g.open) >= maxStreams {
		g.cut(g.open[0], dropPlaces)
	}
	s := &stream{Conn: conn, gate: g, source: source, end: time.Now().Add(g.lifetime)}
	g.open = append(g.open, s)
	g.held++
	_ = conn.SetDeadline(s.end)
	return s
}

// of returns the oldest stream of a source and how many it has; the caller
// holds mu.
func (g *gate) of(source string) (oldest *stream, n int) {
	for _, s := range slices.Backward(g.open) {
		if s.source == source {
			oldest = s
			n++
		}
	}
	return oldest, n
}

// cut drops a stream; the caller holds mu.
func (g *gate) cut(s *stream, reason string) {
	g.forget(s)
	g.tell(s, reason)
	_ = s.Conn.Close()
}

// forget gives the room of a stream back; the caller holds mu.
func (g *gate) forget(s *stream) {
	if at := slices.Index(g.open, s); at >= 0 {
		g.open = slices.Delete(g.open, at, at+1)
		g.bytes -= s.taken
		s.over = true
	}
}

// tell counts a drop and logs it, whoever it was: a stranger may have many
// addresses, and each would be a line.
func (g *gate) tell(conn net.Conn, reason string) {
	g.dropped(reason)
	g.log.WarnOfAny(conn.RemoteAddr(), "dropped a gossip stream: is the gossip port open to strangers?", "reason", reason)
}

// close drops all streams, and those to come.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
	for len(g.open) > 0 {
		s := g.open[0]
		g.forget(s)
		_ = s.Conn.Close()
	}
}

// stream is an inbound connection with an end: of its bytes, and in time.
type stream struct {
	net.Conn
	gate   *gate
	source string
	end    time.Time
	once   sync.Once

	over  bool // guarded by gate.mu: cut off or closed
	taken int  // guarded by gate.mu: bytes read
}

// Read ends with io.EOF when the stream was cut off, which memberlist does not
// log: the gate has.
func (s *stream) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if !s.take(n) {
		return 0, io.EOF
	}
	return n, err
}

// take counts n bytes; false if the stream is cut off, by them or before.
func (s *stream) take(n int) bool {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.over {
		return false
	}
	if s.taken+n > maxStreamBytes {
		g.cut(s, dropLength)
		return false
	}
	s.taken += n
	g.bytes += n
	for g.bytes > maxBytesAtOnce {
		g.cut(g.open[0], dropVolume)
	}
	return !s.over
}

// SetDeadline keeps to the end of the stream.
func (s *stream) SetDeadline(t time.Time) error {
	if t.IsZero() || t.After(s.end) {
		t = s.end
	}
	err := s.Conn.SetDeadline(t)
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	if s.over {
		return nil // memberlist would log what the gate has logged
	}
	return err
}

// Close gives the stream's room back.
func (s *stream) Close() error {
	s.once.Do(func() {
		s.gate.mu.Lock()
		defer s.gate.mu.Unlock()
		s.gate.forget(s)
		s.gate.held--
	})
	return s.Conn.Close()
}

// sourceOf returns the host of an address and how many streams it may have.
// IPv6 addresses are told apart in full, though a stranger may have very many:
// the nodes of a cluster may share a prefix.
func sourceOf(addr net.Addr) (host string, limit int) {
	host, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		host = addr.String()
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host, maxStreamsOfSource
	}
	ip = ip.Unmap()
	if ip.IsLoopback() {
		return ip.String(), maxStreamsLoopback
	}
	return ip.String(), maxStreamsOfSource
}
