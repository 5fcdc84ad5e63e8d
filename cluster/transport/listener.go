package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/cluster/identity"
	"tinyurl/cluster/member"
)

// Defaults of ListenerConfig.
const (
	HandshakeTimeout = 3 * time.Second
	HeaderTimeout    = 5 * time.Second
	MaxHandshakes    = 128
	MaxPerSource     = 16
	MaxConns         = 4096
)

// Limits of the HTTP/2 side. A ping after silence ends connections whose other side died without a word. The idle timeout is
// above that of package peer's clients, so that the side that knows whether a request is about to be sent closes first.
const (
	maxStreams     = 1024
	maxHeaderBytes = 16 << 10
	idleTimeout    = 10 * time.Minute
	pingAfter      = 10 * time.Second
	pingTimeout    = 5 * time.Second
)

// ListenerConfig is what a Listener needs; zero values of the limits are the defaults above.
type ListenerConfig struct {
	// Listener is bound already; the Listener closes it.
	Listener  net.Listener
	Authority *identity.Authority
	// Handler serves the RPC; its requests carry the caller's verified certificate in Request.TLS.
	Handler http.Handler
	// Logger hears of refusals and failed handshakes, each kind now and then; nil is silence.
	Logger *slog.Logger
	// Registerer takes the metrics; nil is none.
	Registerer prometheus.Registerer
	// HandshakeTimeout bounds TLS, HeaderTimeout what follows on a raft connection.
	HandshakeTimeout time.Duration
	HeaderTimeout    time.Duration
	// MaxHandshakes run at once, MaxPerSource of them from one address that is not loopback; one more ends the oldest of
	// them. MaxConns connections that shook hands are open; one more is dropped.
	MaxHandshakes int
	MaxPerSource  int
	MaxConns      int
}

// Listener serves the cluster plane on one port. It is safe for concurrent use.
type Listener struct {
	authority     *identity.Authority
	log           *slog.Logger
	metrics       metrics
	headerTimeout time.Duration
	refusals      complaints

	handshaker *handshaker
	server     *http.Server
	cancel     context.CancelFunc // ends the requests in flight
	workers    sync.WaitGroup     // Serve, every connection, every request

	mu      sync.Mutex // guards streams and closed
	streams map[uint32]*Stream
	closed  bool
}

// Listen starts to serve a bound listener. It fails when metrics cannot be registered.
func Listen(c ListenerConfig) (*Listener, error) {
	c.setDefaults()
	m, err := newMetrics(c.Registerer)
	if err != nil {
		return nil, fmt.Errorf("registering the metrics of the cluster listener: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Listener{
		authority:     c.Authority,
		log:           c.Logger,
		metrics:       m,
		headerTimeout: c.HeaderTimeout,
		handshaker:    newHandshaker(&c, m),
		cancel:        cancel,
		streams:       map[uint32]*Stream{},
	}
	l.server = l.newServer(ctx, &c)
	l.handshaker.start()
	l.workers.Go(func() { _ = l.server.Serve(l.handshaker) }) // returns when the handshaker is closed, with that error
	return l, nil
}

// setDefaults fills in what was left zero.
func (c *ListenerConfig) setDefaults() {
	if c.HandshakeTimeout <= 0 {
		c.HandshakeTimeout = HandshakeTimeout
	}
	if c.HeaderTimeout <= 0 {
		c.HeaderTimeout = HeaderTimeout
	}
	if c.MaxHandshakes <= 0 {
		c.MaxHandshakes = MaxHandshakes
	}
	if c.MaxPerSource <= 0 {
		c.MaxPerSource = MaxPerSource
	}
	if c.MaxConns <= 0 {
		c.MaxConns = MaxConns
	}
	if c.Handler == nil {
		c.Handler = http.NotFoundHandler()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

// newServer is an http.Server that speaks HTTP/2 alone and gives raft's connections to their streams.
func (l *Listener) newServer(ctx context.Context, c *ListenerConfig) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	handler := c.Handler
	return &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !l.enter() {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			defer l.workers.Done()
			handler.ServeHTTP(w, r)
		}),
		Protocols: protocols,
		// HTTP/2 begins after the handshake, which has limits of its own; this is for what comes before the first request.
		ReadHeaderTimeout: c.HeaderTimeout,
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){
			ProtocolRaft: func(_ *http.Server, conn *tls.Conn, _ http.Handler) { l.serveRaft(conn) },
		},
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			SendPingTimeout:      pingAfter,
			PingTimeout:          pingTimeout,
		},
		MaxHeaderBytes: maxHeaderBytes,
		IdleTimeout:    idleTimeout,
		ErrorLog:       slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug),
		BaseContext:    func(net.Listener) context.Context { return ctx },
		// Server.Close does not wait for the goroutines of its connections; counting them here lets Listener.Close.
		ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				l.workers.Add(1)
			case http.StateClosed, http.StateHijacked:
				l.workers.Done()
			}
		},
	}
}

// enter counts a request in, unless Close has begun to wait: a request may outlive its connection and so start late.
func (l *Listener) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.workers.Add(1)
	return true
}

// serveRaft owns a raft connection until it closes.
func (l *Listener) serveRaft(conn *tls.Conn) {
	deadline := time.Now().Add(l.headerTimeout)
	_ = conn.SetDeadline(deadline)
	h, stream, err := l.greet(conn)
	label := refusalLabel(err)
	if err == nil || label != labelBroken {
		if writeErr := writeVerdict(conn, err); err == nil {
			err = writeErr
		}
	}
	if err != nil {
		l.metrics.refused.WithLabelValues(label).Inc()
		l.refusals.warn(l.log, label+string(h.from), "a raft connection was refused",
			"remote", conn.RemoteAddr(), "from", h.from, "to", h.to, "group", h.group, "error", err)
		return
	}
	_ = conn.SetDeadline(time.Time{})
	stream.deliver(&Conn{Conn: conn})
}

// greet reads who wants what, and checks it against the certificate, this node and its groups.
func (l *Listener) greet(conn *tls.Conn) (header, *Stream, error) {
	if _, err := conn.Write([]byte{headerVersion}); err != nil {
		return header{}, nil, err
	}
	h, err := readHeader(conn)
	if err != nil {
		return h, nil, err
	}
	peer, err := identity.PeerID(conn.ConnectionState())
	if err != nil {
		return h, nil, fmt.Errorf("%w: %w", ErrNotItself, err)
	}
	if peer != h.from {
		return h, nil, fmt.Errorf("%w: certificate %s, header %s", ErrNotItself, peer, h.from)
	}
	if self := l.authority.ID(); h.to != self {
		return h, nil, fmt.Errorf("%w: this is %s, not %s", ErrNotAddressed, self, h.to)
	}
	l.mu.Lock()
	stream := l.streams[h.group]
	l.mu.Unlock()
	if stream == nil {
		return h, nil, fmt.Errorf("%w: %d", ErrUnknownGroup, h.group)
	}
	if stream.cluster != h.cluster {
		return h, nil, fmt.Errorf("%w: this is %s, not %s", ErrOtherCluster, stream.cluster, h.cluster)
	}
	return h, stream, nil
}

// Stream opens the stream layer of one group: from now on connections for it are accepted. It fails with ErrGroupTaken.
func (l *Listener) Stream(group uint32, cluster member.ClusterID, dialer *Dialer) (*Stream, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.streams[group] != nil {
		return nil, fmt.Errorf("%w: %d", ErrGroupTaken, group)
	}
	s := newStream(l, group, cluster, dialer)
	l.streams[group] = s
	return s, nil
}

// drop frees a stream's group, unless another stream has it by now.
func (l *Listener) drop(s *Stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.streams[s.group] == s {
		delete(l.streams, s.group)
	}
}

// Addr is the bound address.
func (l *Listener) Addr() net.Addr { return l.handshaker.Addr() }

// Close ends listening, every accepted connection and every request in flight, and waits until nothing of them runs; a
// request's handler must end with its context. Streams are closed by their owners. Closing twice does nothing.
func (l *Listener) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	err := l.handshaker.Close()
	if serverErr := l.server.Close(); !errors.Is(serverErr, net.ErrClosed) {
		err = errors.Join(err, serverErr)
	}
	l.workers.Wait()
	return err
}
