package api

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"tinyurl/api/redirect"
	"tinyurl/api/redirect/lean"
	"tinyurl/fsm/link"
)

// NewFrontServer makes a server that answers as NewHTTPServer's would with s: it reads plain visits by itself, and gives a connection
// on which something else comes to net/http. It speaks neither TLS nor HTTP/2. The caller owns the listener, Shutdown and Close. Nil
// logs nothing.
func NewFrontServer(s *Server, logger *slog.Logger) *lean.Server {
	return lean.New(s.front(NewHTTPServer(s, s.config.Limits, nil, logger), logger))
}

// NewRedirectServer makes a server that answers for codes as s does, and has nothing else at any path. It counts into the metrics
// of s, and its visits are let in by the same gate. With a certificate it speaks TLS; HTTP/2 it does not speak. The caller owns the
// listener, Shutdown and Close. Nil logs nothing.
func NewRedirectServer(s *Server, certificate GetCertificate, logger *slog.Logger) *lean.Server {
	l := s.config.Limits
	l.Read = l.ReadHeader // nobody here wants a body
	engine := s.redirectRoutes()
	config := s.front(NewHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(engine, w, r) }), l, nil, logger), logger)
	config.Strict = true
	if certificate != nil {
		config.TLS = newTLSConfig(certificate)
		config.TLS.NextProtos = []string{"http/1.1"}
	}
	return lean.New(config)
}

// front puts a reader of plain visits before rest, which must answer them as s does.
func (s *Server) front(rest *http.Server, logger *slog.Logger) lean.Config {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return lean.Config{
		Visits: &plainVisits{
			s:    s,
			get:  s.metrics.measure(codeRoute, http.MethodGet, s.config.Now),
			head: s.metrics.measure(codeRoute, http.MethodHead, s.config.Now),
		},
		Rest: rest, Others: s.namesakes(), Header: s.config.Limits.Header, Logger: logger,
	}
}

// plainVisits answers the visits that need no net/http: what visit does, with the gate, the measures and the recovery around it.
type plainVisits struct {
	s         *Server
	get, head *measure
}

// Visit looks a code up; see lean.Visits. What it gives to refuse with counts the request once it is answered.
func (p *plainVisits) Visit(ctx context.Context, from net.Addr, head bool, code string) (link.Target, time.Duration, http.HandlerFunc) {
	one, method := p.get, http.MethodGet
	if head {
		one, method = p.head, http.MethodHead
	}
	start := one.now()
	target, late, refuse := p.look(ctx, from, method, code)
	if refuse == nil {
		one.done(start, http.StatusFound)
		return target, late, nil
	}
	return "", 0, func(w http.ResponseWriter, r *http.Request) {
		counted := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		refuse(counted, r)
		one.done(start, counted.status)
	}
}

// look is visit without the answering.
func (p *plainVisits) look(ctx context.Context, from net.Addr, method, code string) (target link.Target, late time.Duration, refuse http.HandlerFunc) {
	s := p.s
	if !s.visits.enter() {
		return "", 0, func(w http.ResponseWriter, r *http.Request) { s.problems.writePage(w, r, link.ErrOverloaded) }
	}
	defer s.visits.leave()
	defer func() {
		cause := recover()
		switch {
		case cause == nil:
		case isBreakOff(cause):
			refuse = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		default:
			s.logPanic(method, "/"+code, cause)
			refuse = func(w http.ResponseWriter, r *http.Request) { s.problems.write(w, r, errInternal) }
		}
	}()
	a := s.redirects.Visit(ctx, redirect.Visitor{Conn: from}, code)
	if a.Err == nil {
		return a.Target, a.Late, nil
	}
	return "", 0, func(w http.ResponseWriter, r *http.Request) { s.redirects.Write(w, r, a) }
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader sends the status.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
