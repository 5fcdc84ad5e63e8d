package lean

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a connection while fasthttp reads it. All but busy is owned by the goroutine that serves the connection.
type conn struct {
	net.Conn
	// slack is how much a deadline may be off what was asked for. Deadlines are set anew with every request, and each
	// setting moves a timer of the runtime; most of them differ by milliseconds from the one that stands.
	slack time.Duration
	// readBy is when a read has to end; it is set on the socket when something is read. readSet and writeSet stand there.
	readBy, readSet, writeSet time.Time
	// dry makes reads end, so that what was read ahead can be taken out.
	dry bool
	// taken says that net/http has got the connection.
	taken bool
	// lingers says that the client is still sending what nobody reads any more.
	lingers bool
	// busy says that a request is under way, or the first one awaited.
	busy atomic.Bool
}

// Read reads within the deadline that was asked for last.
func (c *conn) Read(p []byte) (int, error) {
	if c.dry {
		return 0, io.EOF
	}
	if c.off(c.readBy, c.readSet) {
		if err := c.Conn.SetReadDeadline(c.readBy); err != nil {
			return 0, err
		}
		c.readSet = c.readBy
	}
	return c.Conn.Read(p)
}

// SetReadDeadline is kept in mind until something is read: a request that is there already costs no timer.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.readBy = t
	return nil
}

// SetWriteDeadline sets a deadline that differs from the one that stands.
func (c *conn) SetWriteDeadline(t time.Time) error {
	if !c.off(t, c.writeSet) {
		return nil
	}
	c.writeSet = t
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline sets both deadlines at once and as they are.
func (c *conn) SetDeadline(t time.Time) error {
	c.readBy, c.readSet, c.writeSet = t, t, t
	return c.Conn.SetDeadline(t)
}

const (
	// lingerTime and lingerBytes bound what is read of a client that was refused before it had sent all.
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

// Close closes the connection. Unread bytes would make that a reset, which may overtake the refusal.
func (c *conn) Close() error {
	if c.lingers {
		c.lingers = false
		if c.Conn.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
			_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
		}
	}
	return c.Conn.Close()
}

// off reports whether one deadline cannot stand for the other.
func (c *conn) off(wanted, set time.Time) bool {
	if wanted.IsZero() || set.IsZero() {
		return wanted.IsZero() != set.IsZero()
	}
	return wanted.Sub(set).Abs() > c.slack
}

// handed is a connection that net/http goes on with: first come the bytes that were read already.
type handed struct {
	net.Conn
	ahead []byte
}

// Read gives the bytes in their order.
func (h *handed) Read(p []byte) (int, error) {
	if len(h.ahead) == 0 {
		return h.Conn.Read(p)
	}
	n := copy(p, h.ahead)
	if h.ahead = h.ahead[n:]; len(h.ahead) == 0 {
		h.ahead = nil // the connection may live long after
	}
	return n, nil
}

// handovers is the listener from which net/http takes the connections.
type handovers struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newHandovers() *handovers {
	return &handovers{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// give waits until net/http has taken c, or closes it if that takes no more.
func (l *handovers) give(c net.Conn) error {
	select {
	case l.conns <- c:
		return nil
	case <-l.closed:
		return errors.Join(net.ErrClosed, c.Close())
	}
}

// Accept waits for a connection.
func (l *handovers) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and refuses what comes later.
func (l *handovers) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is nobody's: nothing can be dialled here.
func (l *handovers) Addr() net.Addr { return &net.TCPAddr{} }
