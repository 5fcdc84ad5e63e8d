package api

import (
	"crypto/tls"
	"log/slog"
	"net/http"
)

// GetCertificate gives the certificate for a TLS connection. It is asked for every handshake, so the certificate may be
// replaced while the server runs.
type GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// http1Slack is what net/http adds to MaxHeaderBytes before it refuses.
const http1Slack = 4096

// maxStreams is how many requests one HTTP/2 connection may have in flight.
const maxStreams = 128

// NewHTTPServer makes an http.Server for h with every limit of the listener set. With a certificate the caller serves by
// ServeTLS(listener, "", ""), without by Serve. The caller owns the listener, Shutdown and Close.
func NewHTTPServer(h http.Handler, l Limits, certificate GetCertificate, logger *slog.Logger) *http.Server {
	l = l.withDefaults()
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	// ReadTimeout counts also for bodies that no handler reads, which net/http would otherwise wait for without end.
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: l.ReadHeader,
		ReadTimeout:       l.Read,
		WriteTimeout:      l.Write,
		IdleTimeout:       l.Idle,
		MaxHeaderBytes:    max(l.Header-http1Slack, 1),
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	if certificate != nil {
		server.TLSConfig = newTLSConfig(certificate)
	}
	return server
}

func newTLSConfig(certificate GetCertificate) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate}
}
