package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"tinyurl/api"
)

// serving is one HTTP server on its listener.
type serving struct {
	name     string
	server   httpServer
	listener net.Listener
	// last says that it serves until the cluster is closed.
	last bool
}

// httpServer is an http.Server, or what can be run like one.
type httpServer interface {
	// Serve serves until the server is shut down or fails.
	Serve(net.Listener) error
	// Shutdown lets the requests under way finish; when ctx ends first, it returns its error, and Close cuts what is left.
	Shutdown(ctx context.Context) error
	Close() error
}

// secureServer is an http.Server that speaks TLS.
type secureServer struct{ *http.Server }

// Serve serves HTTPS.
func (s secureServer) Serve(l net.Listener) error { return s.ServeTLS(l, "", "") }

// newMain makes the server of the HTTP listener. With a certificate that is net/http's alone, for the sake of HTTP/2.
func newMain(handler *api.Server, certificate api.GetCertificate, logger *slog.Logger) httpServer {
	if certificate != nil {
		return secureServer{api.NewHTTPServer(handler, api.Limits{}, certificate, logger)}
	}
	return api.NewFrontServer(handler, logger)
}

func (a *App) serve(name string, server httpServer, listener net.Listener) {
	a.servers = append(a.servers, &serving{name: name, server: server, listener: limited(listener, a.listeners.ofHTTP())})
}

// run serves until the server is shut down.
func (s *serving) run() error {
	return fmt.Errorf("the %s listener ended: %w", s.name, s.server.Serve(s.listener))
}

// drain shuts down the servers that do not stay to the end, all at once: none takes requests while another waits for its own.
func (a *App) drain(ctx context.Context) []error {
	errs := make([]error, len(a.servers))
	var all sync.WaitGroup
	for i, s := range a.servers {
		if !s.last {
			all.Go(func() { errs[i] = s.shutdown(ctx) })
		}
	}
	all.Wait()
	return errs
}

// shutdown lets the requests under way finish; what is left when ctx ends is cut.
func (s *serving) shutdown(ctx context.Context) error {
	if err := s.server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("requests on the %s listener were cut: %w", s.name, err), s.server.Close())
	}
	return nil
}
