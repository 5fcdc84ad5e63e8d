package gossip

import (
	"container/list"
	"io"
	"net"
	"net/netip"
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
	open  *list.List // guarded by mu: of *stream, the oldest first
	bytes int        // guarded by mu: taken in by all in open
	held  int        // guarded by mu: streams memberlist has, those cut off included
	shut  bool       // guarded by mu
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
	return &gate{lifetime: lifetime, dropped: dropped, log: log, open: list.New()}
}

// admit makes room for a stream and wraps it; nil if conn was dropped.
func (g *gate) admit(conn net.Conn) net.Conn {
	source, limit := sourceOf(conn.RemoteAddr())
	g.mu.Lock()
	defer g.mu.Unlock()
	// Memberlist lets go of what was cut off at once, but for a processor too
	// busy to run it: its buffers must not pile up.
	if g.shut || g.held >= 2*maxStreams {
		_ = conn.Close()
		if !g.shut {
			g.tell(conn, dropPlaces)
		}
		return nil
	}
	if oldest, n := g.of(source); n >= limit {
		g.cut(oldest, dropSource)
	} else if g.open.Len() >= maxStreams {
		g.cut(g.oldest(), dropPlaces)
	}
	s := &stream{Conn: conn, gate: g, source: source, end: time.Now().Add(g.lifetime)}
	s.place = g.open.PushBack(s)
	g.held++
	_ = conn.SetDeadline(s.end)
	return s
}

// of returns the oldest stream of a source and how many it has; the caller
// holds mu.
func (g *gate) of(source string) (oldest *stream, n int) {
	for e := g.open.Back(); e != nil; e = e.Prev() {
		if s := e.Value.(*stream); s.source == source {
			oldest = s
			n++
		}
	}
	return oldest, n
}

// oldest returns the oldest stream; the caller holds mu, and there is one.
func (g *gate) oldest() *stream { return g.open.Front().Value.(*stream) }

// cut drops a stream; the caller holds mu.
func (g *gate) cut(s *stream, reason string) {
	g.forget(s)
	_ = s.Conn.Close()
	g.tell(s, reason)
}

// forget gives the room of a stream back; the caller holds mu.
func (g *gate) forget(s *stream) {
	if s.place == nil {
		return
	}
	g.open.Remove(s.place)
	s.place = nil
	g.bytes -= s.taken
}

// tell counts a drop and logs it, whoever it was: a stranger may have many
// addresses, and each would be a line.
func (g *gate) tell(conn net.Conn, reason string) {
	g.dropped(reason)
	if g.log.due("dropped stream " + reason) {
		g.log.log.Warn("dropped a gossip stream: is the gossip port open to strangers?", "reason", reason, "from", conn.RemoteAddr())
	}
}

// close drops all streams, and those to come.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
	for g.open.Len() > 0 {
		s := g.oldest()
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

	place *list.Element // guarded by gate.mu: nil once cut off
	taken int           // guarded by gate.mu: bytes read
}

// Read ends with io.EOF when the stream was cut off, which memberlist does not
// log: the gate has.
func (s *stream) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b[:min(len(b), maxStreamBytes)])
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
	if s.place == nil {
		return false
	}
	if s.taken+n > maxStreamBytes {
		g.cut(s, dropLength)
		return false
	}
	s.taken += n
	g.bytes += n
	for g.bytes > maxBytesAtOnce {
		g.cut(g.oldest(), dropVolume)
	}
	return s.place != nil
}

// SetDeadline keeps to the end of the stream.
func (s *stream) SetDeadline(t time.Time) error { return s.Conn.SetDeadline(s.within(t)) }

// SetReadDeadline keeps to the end of the stream.
func (s *stream) SetReadDeadline(t time.Time) error { return s.Conn.SetReadDeadline(s.within(t)) }

// SetWriteDeadline keeps to the end of the stream.
func (s *stream) SetWriteDeadline(t time.Time) error { return s.Conn.SetWriteDeadline(s.within(t)) }

func (s *stream) within(t time.Time) time.Time {
	if t.IsZero() || t.After(s.end) {
		return s.end
	}
	return t
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
