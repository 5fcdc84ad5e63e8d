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
	l.Read = l.ReadHeader // the one body that is wanted here is a small form
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
			s:     s,
			get:   s.metrics.measure(codeRoute, http.MethodGet, s.config.Now),
			head:  s.metrics.measure(codeRoute, http.MethodHead, s.config.Now),
			whole: s.ServeHTTP,
		},
		Rest: rest, Others: s.namesakes(), Header: s.config.Limits.Header, Logger: logger,
	}
}

// plainVisits answers the visits that need no net/http: what visit does, with the gate, the measures and the recovery around it.
type plainVisits struct {
	s         *Server
	get, head *measure
	whole     http.HandlerFunc // answers whatever takes more of the request than its code
}

// Visit looks a code up; see lean.Visits. What it gives to refuse with counts the request once it is answered.
func (p *plainVisits) Visit(ctx context.Context, from net.Addr, asked lean.Asked) (link.Target, time.Duration, http.HandlerFunc) {
	one, method := p.get, http.MethodGet
	if asked.Head {
		one, method = p.head, http.MethodHead
	}
	start := one.now()
	a, refuse := p.look(ctx, from, method, asked)
	switch {
	case refuse != nil:
		return "", 0, func(w http.ResponseWriter, r *http.Request) {
			counted := &statusWriter{ResponseWriter: w, status: http.StatusOK}
			refuse(counted, r)
			one.done(start, counted.status)
		}
	case a.Open:
		// From the beginning, and counted there: what was found is looked up again, which costs less than to have two ways.
		return "", 0, p.whole
	}
	one.done(start, http.StatusFound)
	return a.Target, a.Late, nil
}

// look is visit without the answering; what it gives to refuse with is nil if there is nothing to refuse.
func (p *plainVisits) look(ctx context.Context, from net.Addr, method string, asked lean.Asked) (a redirect.Answer, refuse http.HandlerFunc) {
	s := p.s
	if !s.visits.enter() {
		return a, func(w http.ResponseWriter, r *http.Request) { s.problems.writePage(w, r, link.ErrOverloaded) }
	}
	defer s.visits.leave()
	defer func() {
		cause := recover()
		switch {
		case cause == nil:
		case isBreakOff(cause):
			refuse = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		default:
			logPanic(s.config.Logger, method, "/"+asked.Code, cause)
			refuse = func(w http.ResponseWriter, r *http.Request) { s.problems.write(w, r, errInternal) }
		}
	}()
	a = s.redirects.Visit(ctx, redirect.Visitor{Conn: from, Said: asked.Said}, asked.Code, asked.Query)
	if a.Err != nil {
		refuse = s.writer(a)
	}
	return a, refuse
}

// writer writes an answer once there is somebody to write to. It is apart so that the answers of hits stay off the heap.
func (s *Server) writer(a redirect.Answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { s.redirects.Write(w, r, a) }
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
