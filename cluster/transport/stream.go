package transport

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/member"
)

// Stream is the stream layer of one raft group: connections to and from other nodes' same group. Raft's addresses are ids
// here, so an address never goes out of date, and one that is reused by another node is not believed.
type Stream struct {
	listener *Listener
	group    uint32
	cluster  member.ClusterID
	dialer   *Dialer
	queue    chan net.Conn

	ctx    context.Context // ends with the stream
	cancel context.CancelFunc

	following sync.WaitGroup

	mu    sync.Mutex // guards conns and ended
	conns map[*streamConn]struct{}
	ended bool
}

var _ raft.StreamLayer = (*Stream)(nil)

// newStream is an open stream; Listener.Stream registers it.
func newStream(l *Listener, group uint32, cluster member.ClusterID, d *Dialer) *Stream {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Stream{
		listener: l, group: group, cluster: cluster, dialer: d, queue: make(chan net.Conn),
		ctx: ctx, cancel: cancel, conns: map[*streamConn]struct{}{},
	}
	s.following.Go(s.follow)
	return s
}

// writeStall is how long one write may take before the connection is given up. A snapshot's deadline grows with its size to
// hours; without this, so would the time in which a vanished follower holds up its replication.
const writeStall = 30 * time.Second

// streamConn is an open connection of a stream, either way.
type streamConn struct {
	*Conn
	stream *Stream
	once   sync.Once
	closed chan struct{}
	err    error
}

// Write is that of the connection, and closes it when it takes longer than writeStall.
func (c *streamConn) Write(b []byte) (int, error) {
	stalled := time.AfterFunc(writeStall, func() { _ = c.Close() })
	defer stalled.Stop()
	return c.Conn.Write(b)
}

// Close closes the connection once; a Close that comes meanwhile waits for it.
func (c *streamConn) Close() error {
	c.once.Do(func() {
		c.err = c.Conn.Close()
		c.stream.mu.Lock()
		delete(c.stream.conns, c)
		c.stream.mu.Unlock()
		close(c.closed)
	})
	<-c.closed
	return c.err
}

// adopt tracks conn until it closes; nil once the stream has ended, and then conn is closed.
func (s *Stream) adopt(conn *Conn) *streamConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil
	}
	c := &streamConn{Conn: conn, stream: s, closed: make(chan struct{})}
	s.conns[c] = struct{}{}
	return c
}

// deliver hands an accepted connection to whoever accepts and returns when it is closed.
func (s *Stream) deliver(conn *Conn) {
	c := s.adopt(conn)
	if c == nil {
		_ = conn.Close()
		return
	}
	select {
	case s.queue <- c:
		<-c.closed
	case <-s.ctx.Done():
		_ = c.Close()
	}
}

// Accept is the next connection of another node; it fails with net.ErrClosed.
func (s *Stream) Accept() (net.Conn, error) {
	select {
	case c := <-s.queue:
		return c, nil
	case <-s.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Dial connects to the node whose id the address is. It fails as Dialer.Dial does, or with the other side's refusal, each of
// which is logged; with net.ErrClosed after Close. A timeout above the dialer's changes nothing.
func (s *Stream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx := s.ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	to := member.ID(address)
	conn, err := s.dialer.Dial(ctx, to, ProtocolRaft)
	if err != nil {
		return nil, s.closedOr(err)
	}
	if err := s.introduce(conn, to); err != nil {
		_ = conn.NetConn().Close()
		return nil, s.closedOr(s.dialer.explain(err, to, conn.RemoteAddr().String()))
	}
	c := s.adopt(conn)
	if c == nil {
		_ = conn.NetConn().Close()
		return nil, s.closedOr(net.ErrClosed)
	}
	if s.dialer.moved(conn) { // follow may have looked before it was there to be seen
		_ = c.Close()
	}
	return c, nil
}

// closedOr is err, or net.ErrClosed when the stream's end is what caused it.
func (s *Stream) closedOr(err error) error {
	if s.ctx.Err() != nil {
		return fmt.Errorf("the raft stream of group %d: %w", s.group, net.ErrClosed)
	}
	return err
}

// introduce sends the header and waits for the verdict.
func (s *Stream) introduce(conn *Conn, to member.ID) error {
	_ = conn.SetDeadline(time.Now().Add(s.listener.headerTimeout))
	stop := context.AfterFunc(s.ctx, func() { _ = conn.NetConn().Close() })
	defer stop()
	var greeting [1]byte
	if _, err := conn.Read(greeting[:]); err != nil {
		return err
	}
	h := header{group: s.group, cluster: s.cluster, from: s.dialer.Authority.ID(), to: to}
	if err := h.writeTo(conn); err != nil {
		return err
	}
	if err := readVerdict(conn); err != nil {
		return err
	}
	return conn.SetDeadline(time.Time{})
}

// Close ends accepting and dialling and closes every connection, either way. A second Close does nothing.
func (s *Stream) Close() error {
	s.listener.drop(s)
	s.cancel()
	s.mu.Lock()
	s.ended = true
	open := make([]*streamConn, 0, len(s.conns))
	for c := range s.conns {
		open = append(open, c)
	}
	s.mu.Unlock()
	// Together, because each goodbye may wait for a peer that does not read.
	var goodbyes sync.WaitGroup
	for _, c := range open {
		goodbyes.Go(func() { _ = c.Close() })
	}
	goodbyes.Wait()
	s.following.Wait()
	return nil
}

// Addr is this node's id, which is what raft's addresses are.
func (s *Stream) Addr() net.Addr { return idAddr(s.dialer.Authority.ID()) }

// idAddr is an id where a net.Addr is wanted.
type idAddr member.ID

func (idAddr) Network() string  { return "tinyurl" }
func (a idAddr) String() string { return string(a) }
