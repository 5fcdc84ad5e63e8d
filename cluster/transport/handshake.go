package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"tinyurl/cluster/identity"
)

// handshaker is a net.Listener whose connections have shaken hands: http.Server would shake hands as well, but tells of a
// failure in words alone, and counts nothing. The door says how many may shake hands at once and be open at all.
type handshaker struct {
	inner   net.Listener
	config  *tls.Config
	timeout time.Duration
	log     *slog.Logger
	metrics metrics

	door    *door
	ready   chan net.Conn
	closed  chan struct{}
	once    sync.Once
	workers sync.WaitGroup
	trouble complaints
}

// rawConn is an accepted connection below TLS, known to the door until it closes.
type rawConn struct {
	net.Conn
	door   *door
	source string // the host it comes from
	shed   atomic.Bool
	once   sync.Once
	closed error
}

// Close gives the place back, once, whoever closes: TLS above, the listener, or a failed handshake.
func (c *rawConn) Close() error {
	c.once.Do(func() {
		c.closed = c.Conn.Close()
		c.door.leave(c)
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
		door: &door{
			maxShaking: c.MaxHandshakes, maxPerSource: c.MaxPerSource, maxInside: c.MaxConns,
			inside: map[*rawConn]struct{}{},
		},
		ready:  make(chan net.Conn),
		closed: make(chan struct{}),
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

// admit starts the handshake of a connection. Nobody waits for a place: a queue of strangers would only grow.
func (h *handshaker) admit(conn net.Conn) {
	raw := &rawConn{Conn: conn, door: h.door}
	displaced, err := h.door.enter(raw)
	if displaced != nil {
		h.shed(displaced, errDisplaced)
	}
	if err != nil {
		h.shed(raw, err)
		return
	}
	h.workers.Go(func() {
		secured, failed := h.shake(raw)
		if err := h.door.end(raw, failed == nil); err != nil {
			h.shed(raw, err)
			return
		}
		if failed != nil {
			_ = raw.Close()
			h.complain(raw, failed)
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

// shed drops a connection that found no place or lost it. One that was displaced is counted by whoever displaced it, and so
// once, though its own handshake ends with that error too.
func (h *handshaker) shed(c *rawConn, why error) {
	_ = c.Close()
	if h.isClosed() || !c.shed.CompareAndSwap(false, true) {
		return
	}
	h.metrics.shed.Inc()
	h.trouble.warn(h.log, why.Error(), "a connection to the cluster listener was dropped", "reason", why, "remote", c.RemoteAddr())
}

// complain logs why a handshake failed, by the kind of failure and not by who failed: a stranger may have many addresses, and
// each would be a line. What looks like a port scan or a health check is not worth a warning.
func (h *handshaker) complain(conn net.Conn, err error) {
	h.metrics.failed.Inc()
	if errors.Is(err, io.EOF) { // connected and left without a word
		return
	}
	err = identity.Explain(err)
	h.trouble.warn(h.log, "handshake: "+failureKind(err), "a handshake on the cluster listener failed",
		"remote", conn.RemoteAddr(), "error", err)
}

// failureKind tells what a person can mend from noise.
func failureKind(err error) string {
	for _, kind := range []error{identity.ErrOtherSecret, identity.ErrCertificateTime, identity.ErrRefused, context.DeadlineExceeded} {
		if errors.Is(err, kind) {
			return kind.Error()
		}
	}
	return "other"
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
		close(h.closed)
		open := h.door.close()
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
