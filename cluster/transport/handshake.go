package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"tinyurl/cluster/identity"
)

// handshaker is a net.Listener whose connections have shaken hands: http.Server would shake hands as well, but tells of a
// failure in words alone, and counts nothing. At most limit connections shake hands at once and maxConns are open at all.
type handshaker struct {
	inner   net.Listener
	config  *tls.Config
	timeout time.Duration
	log     *slog.Logger
	metrics metrics

	slots   chan struct{} // one for each handshake that runs
	ready   chan net.Conn
	closed  chan struct{}
	once    sync.Once
	workers sync.WaitGroup
	trouble complaints

	mu    sync.Mutex // guards conns
	conns map[*rawConn]struct{}
	max   int
}

// rawConn is an accepted connection below TLS, counted until it closes.
type rawConn struct {
	net.Conn
	once   sync.Once
	owner  *handshaker
	closed error
}

// Close gives the place back, once, whoever closes: TLS above, the listener, or a failed handshake.
func (c *rawConn) Close() error {
	c.once.Do(func() {
		c.closed = c.Conn.Close()
		c.owner.forget(c)
	})
	return c.closed
}

// newHandshaker takes over the bound listener; start sets it going.
func newHandshaker(c *ListenerConfig, m metrics) *handshaker {
	return &handshaker{
		inner:   c.Listener,
		config:  c.Authority.ServerTLS(ProtocolRaft, ProtocolRPC),
		timeout: c.HandshakeTimeout,
		log:     c.Logger,
		metrics: m,
		slots:   make(chan struct{}, c.MaxHandshakes),
		ready:   make(chan net.Conn),
		closed:  make(chan struct{}),
		conns:   map[*rawConn]struct{}{},
		max:     c.MaxConns,
	}
}

// start accepts from now on.
func (h *handshaker) start() { h.workers.Go(h.run) }

// run accepts until the listener is closed. Other errors of accept (no descriptors left) pass with time.
func (h *handshaker) run() {
	const firstPause, lastPause = 5 * time.Millisecond, time.Second
	pause := firstPause
	for {
		conn, err := h.inner.Accept()
		if err == nil {
			pause = firstPause
			h.admit(conn)
			continue
		}
		if errors.Is(err, net.ErrClosed) || h.isClosed() {
			return
		}
		h.trouble.warn(h.log, "accept", "the cluster listener cannot accept", "error", err)
		select {
		case <-time.After(pause):
			pause = min(2*pause, lastPause)
		case <-h.closed:
			return
		}
	}
}

// admit sheds the connection at once when there are too many: a queue of strangers would only grow.
func (h *handshaker) admit(conn net.Conn) {
	raw := &rawConn{Conn: conn, owner: h}
	select {
	case h.slots <- struct{}{}:
	default:
		h.shed(conn, "too many handshakes at once")
		return
	}
	if !h.remember(raw) {
		<-h.slots
		h.shed(conn, "too many connections")
		return
	}
	h.workers.Go(func() {
		secured, err := h.shake(raw)
		<-h.slots
		if err != nil {
			_ = raw.Close()
			h.complain(raw, err)
			return
		}
		select {
		case h.ready <- secured:
		case <-h.closed:
			_ = raw.Close()
		}
	})
}

// shake is the server side of the handshake; the context closes the connection when it takes too long.
func (h *handshaker) shake(raw *rawConn) (*tls.Conn, error) {
	secured := tls.Server(raw, h.config)
	ctx, cancel := context.WithTimeout(context.Background(), h.timeout)
	defer cancel()
	return secured, secured.HandshakeContext(ctx)
}

// shed drops a connection before a single byte was read from it.
func (h *handshaker) shed(conn net.Conn, why string) {
	_ = conn.Close()
	h.metrics.shed.Inc()
	h.trouble.warn(h.log, why, "a connection to the cluster listener was dropped", "reason", why, "remote", conn.RemoteAddr())
}

// complain logs why a handshake failed. What looks like a port scan or a health check is not worth a warning.
func (h *handshaker) complain(conn net.Conn, err error) {
	if h.isClosed() {
		return
	}
	h.metrics.failed.Inc()
	if errors.Is(err, io.EOF) { // connected and left without a word
		return
	}
	host, _, splitErr := net.SplitHostPort(conn.RemoteAddr().String())
	if splitErr != nil {
		host = conn.RemoteAddr().String()
	}
	h.trouble.warn(h.log, "handshake "+host, "a handshake on the cluster listener failed",
		"remote", conn.RemoteAddr(), "error", identity.Explain(err))
}

// remember takes a place for the connection; false when there is none, or the listener is closed.
func (h *handshaker) remember(c *rawConn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.conns) >= h.max || h.isClosed() {
		return false
	}
	h.conns[c] = struct{}{}
	return true
}

// forget gives the place back.
func (h *handshaker) forget(c *rawConn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
}

func (h *handshaker) isClosed() bool {
	select {
	case <-h.closed:
		return true
	default:
		return false
	}
}

// Accept is the next connection that shook hands, a *tls.Conn; it fails with net.ErrClosed.
func (h *handshaker) Accept() (net.Conn, error) {
	select {
	case c := <-h.ready:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listener and every connection it ever accepted, and waits for its own goroutines.
func (h *handshaker) Close() error {
	err := error(nil)
	h.once.Do(func() {
		h.mu.Lock()
		close(h.closed) // under the lock: nothing is remembered after it
		open := make([]*rawConn, 0, len(h.conns))
		for c := range h.conns {
			open = append(open, c)
		}
		h.mu.Unlock()
		err = h.inner.Close()
		for _, c := range open {
			_ = c.Close()
		}
	})
	h.workers.Wait()
	return err
}

// Addr is the bound address.
func (h *handshaker) Addr() net.Addr { return h.inner.Addr() }
