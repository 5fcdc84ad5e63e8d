// Package lean reads plain visits of short URLs from connections and answers them, without net/http and nearly without allocations.
// Whatever is not plain is given to net/http with the connection it came on, as if nobody had read from it, so that there is one
// answer to it and not two that resemble each other. See DESIGN.md of api/redirect.
package lean

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

	"tinyurl/api/redirect"
	"tinyurl/fsm/link"
)

// Visits looks codes up.
type Visits interface {
	// Visit looks up the code of one visit from an address. It gives where the visitor is to be sent, by 302, and how far behind that
	// may be, or what writes another answer from the whole request. It bounds itself in time, and does not panic; what it gives to
	// write with may, and bounds itself as well.
	Visit(ctx context.Context, from net.Addr, a Asked) (target link.Target, late time.Duration, write http.HandlerFunc)
}

// Asked is what a look-up is told of a request.
type Asked struct {
	// Code is well formed as codes are.
	Code string
	// Head says HEAD, else it is GET. Query says that something stands behind a question mark.
	Head, Query bool
	// Said is what the visitor says of themselves. Its strings are good until the answer is given.
	Said redirect.Said
}

// Config is all a Server needs. Visits, Rest, Header and Logger are required.
type Config struct {
	Visits Visits
	// Rest answers what is not plain, without TLS of its own. The Server runs it and shuts it down; its handler must say the same
	// of a plain visit as Visits does. Its timeouts for headers, answers and pauses must be set, and hold here as well.
	Rest *http.Server
	// Others are the codes at which Rest has something else than a link.
	Others map[string]bool
	// Strict refuses what two readers in a row may take for different requests, and ends every connection behind a body. What Rest
	// has got it judges itself.
	Strict bool
	// Header is the longest request line and header together, in bytes, that Rest takes.
	Header int
	// TLS is nil for plain HTTP.
	TLS    *tls.Config
	Logger *slog.Logger
}

// Server answers on one listener. Like an http.Server it serves until it is shut down, and only once.
type Server struct {
	config    Config
	handovers *handovers
	dates     dates

	// base is the context of all look-ups; it ends when connections are cut.
	base context.Context
	cut  context.CancelFunc
	// closing is closed when no more requests are taken.
	closing chan struct{}

	mu       sync.Mutex
	listener net.Listener       // owned by mu; nil before Serve
	conns    map[*conn]struct{} // owned by mu; without those that net/http has got
}

const (
	// slackParts is which part of the shortest timeout a deadline may be off.
	slackParts = 16
	// drainPoll is how often a stop looks for connections that have become idle.
	drainPoll = 10 * time.Millisecond
	// minPause and maxPause bound the pause after a connection that could not be accepted.
	minPause, maxPause = 5 * time.Millisecond, time.Second
)

// New makes a Server of a config.
func New(c Config) *Server {
	s := &Server{
		config: c, handovers: newHandovers(), closing: make(chan struct{}), conns: make(map[*conn]struct{}),
	}
	s.base, s.cut = context.WithCancel(context.Background())
	c.Rest.ConnState = s.watchRest
	if c.Strict {
		c.Rest.Handler = closeAfterBody(c.Rest.Handler)
	}
	return s
}

// closeAfterBody ends the connection behind every request with a body: no visit has one, and where it ends is what servers in a
// row may disagree about.
func closeAfterBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// Serve accepts connections until the Server is shut down, and then returns http.ErrServerClosed.
func (s *Server) Serve(l net.Listener) error {
	if s.config.TLS != nil {
		l = tls.NewListener(l, s.config.TLS)
	}
	s.mu.Lock()
	if s.stopping() {
		s.mu.Unlock()
		return errors.Join(http.ErrServerClosed, l.Close())
	}
	s.listener = l
	s.mu.Unlock()

	go func() { _ = s.config.Rest.Serve(s.handovers) }() // ends with the Server, and never before
	pause := minPause
	for {
		c, err := l.Accept()
		if err == nil {
			pause = minPause
			s.start(c)
			continue
		}
		if s.stopping() {
			return http.ErrServerClosed
		}
		var passing interface{ Temporary() bool }
		if !errors.As(err, &passing) || !passing.Temporary() {
			return fmt.Errorf("accept: %w", err)
		}
		// Out of files, most of all: others have to end theirs first.
		s.config.Logger.Warn("a connection could not be accepted", "cause", err, "pause", pause)
		select {
		case <-time.After(pause):
			pause = min(2*pause, maxPause)
		case <-s.closing:
		}
	}
}

// start serves a connection on a goroutine of its own.
func (s *Server) start(inner net.Conn) {
	rest := s.config.Rest
	c := newConn(inner, min(rest.ReadHeaderTimeout, rest.WriteTimeout, rest.IdleTimeout)/slackParts)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping() {
		_ = c.Close()
		return
	}
	s.conns[c] = struct{}{}
	go s.serve(c)
}

// forget takes a connection off the list.
func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// stopping reports whether a stop has begun.
func (s *Server) stopping() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// Shutdown takes no more connections, closes the idle ones and waits until the requests under way are answered. If ctx ends first
// it returns its error, and Close cuts the rest. It may be called again.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.refuseMore()
	// Its own Shutdown has to wait, what it has got must not: who goes on asking would be cut at the end.
	s.config.Rest.SetKeepAlivesEnabled(false)
	tick := time.NewTicker(drainPoll)
	defer tick.Stop()
	for s.closeIdle() > 0 {
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
			return errors.Join(err, ctx.Err(), s.config.Rest.Shutdown(ctx))
		}
	}
	// Only now: until here a connection could still be handed over.
	return errors.Join(err, s.config.Rest.Shutdown(ctx))
}

// Close cuts every connection.
func (s *Server) Close() error {
	err := s.refuseMore()
	s.cut()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close() // its goroutine takes it off the list
	}
	s.mu.Unlock()
	return errors.Join(err, s.handovers.Close(), s.config.Rest.Close())
}

// refuseMore begins a stop.
func (s *Server) refuseMore() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping() {
		return nil
	}
	close(s.closing)
	if s.listener == nil {
		return nil
	}
	if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// closeIdle closes the connections on which nothing is under way, and counts all that there were.
func (s *Server) closeIdle() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if !c.busy.Load() {
			_ = c.Close()
		}
	}
	return len(s.conns)
}
