package server

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"
)

// certificate is the HTTPS certificate, read again on reload while connections go on.
type certificate struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]
}

// loadCertificate reads the pair of PEM files.
func loadCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	return c, c.reload()
}

// reload reads the files again. On an error the certificate in use stays.
func (c *certificate) reload() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("reading the HTTPS certificate (--tls-cert, --tls-key): %w", err)
	}
	c.current.Store(&pair)
	return nil
}

// get is asked at every handshake.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}
