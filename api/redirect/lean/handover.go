package lean

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// handOver gives the connection to net/http, with the request as if nobody had read it.
func (s *Server) handOver(c *conn) error {
	if err := c.SetDeadline(time.Time{}); err != nil {
		return err
	}
	h := &handed{Conn: c.Conn, from: c, ahead: c.in, by: c.began.Add(s.config.Rest.ReadHeaderTimeout)}
	if err := s.handovers.give(h); err != nil {
		return err
	}
	c.given = true
	return nil
}

// watchRest is told what becomes of net/http's connections. One that net/http waits for at a stop needs not be waited for here, and
// before that it must be.
func (s *Server) watchRest(c net.Conn, state http.ConnState) {
	if h, ok := c.(*handed); ok && state == http.StateNew {
		s.forget(h.from)
		h.from = nil
	}
}

// handed is a connection that net/http goes on with: first come the bytes that were read already.
type handed struct {
	net.Conn
	from  *conn
	ahead []byte
	// by is when the header must be there that was begun to be read, until net/http has set its own deadline.
	by time.Time
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

// SetReadDeadline gives nobody more time for the first header than they would have had without a hand-over.
func (h *handed) SetReadDeadline(t time.Time) error {
	if !h.by.IsZero() && h.by.Before(t) {
		t = h.by
	}
	h.by = time.Time{}
	return h.Conn.SetReadDeadline(t)
}

// CloseWrite ends what the client reads, if the connection can do that: net/http does so to have a refusal arrive.
func (h *handed) CloseWrite() error {
	if half, ok := h.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
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

// give waits until net/http has taken c, and fails if that takes no more.
func (l *handovers) give(c net.Conn) error {
	select {
	case l.conns <- c:
		return nil
	case <-l.closed:
		return net.ErrClosed
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
