package identity

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"sync"
	"time"

	"tinyurl/cluster/member"
)

// The life of a node's certificate. It is dated back a day for clocks that differ, and renewed with a month in hand, so that
// a node needs a restart for its certificate never.
const (
	BackDated    = 24 * time.Hour
	Validity     = 90 * 24 * time.Hour
	RenewedUnder = 30 * 24 * time.Hour
)

// The authority is the secret and lives as long: "no well-defined expiry" of RFC 5280, and a start before any clock.
var (
	authorityFrom = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	authorityTo   = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
)

// Config is what an Authority needs.
type Config struct {
	// ID is this node; its certificates name it.
	ID member.ID
	// Secrets are accepted, all of them; the first one issues. Two stand here while a cluster changes its secret.
	Secrets []Secret
	// Now is the clock of certificates; nil is time.Now.
	Now func() time.Time
	// Rand is where keys and serials come from.
	Rand io.Reader
}

// Authority proves to others that this node belongs, and checks that they do. It is safe for concurrent use.
type Authority struct {
	id     member.ID
	now    func() time.Time
	rand   io.Reader
	issuer *x509.Certificate
	key    ed25519.PrivateKey
	pool   *x509.CertPool // of every accepted secret

	mu      sync.Mutex // guards current, and reads of rand
	current *tls.Certificate
}

// NewAuthority derives the certificate authorities of the secrets and issues this node's first certificate. It fails with
// member.ErrInvalidID, ErrInvalidSecret or the error of Rand.
func NewAuthority(c Config) (*Authority, error) {
	if _, err := member.ParseID(string(c.ID)); err != nil {
		return nil, err
	}
	if len(c.Secrets) == 0 {
		return nil, fmt.Errorf("%w: none given", ErrInvalidSecret)
	}
	a := &Authority{id: c.ID, now: c.Now, rand: c.Rand, pool: x509.NewCertPool()}
	if a.now == nil {
		a.now = time.Now
	}
	for i, s := range c.Secrets {
		if s.IsZero() {
			return nil, fmt.Errorf("%w: number %d is empty", ErrInvalidSecret, i+1)
		}
		key := s.authorityKey()
		cert, err := authorityCertificate(key)
		if err != nil {
			return nil, err
		}
		a.pool.AddCert(cert)
		if i == 0 {
			a.issuer, a.key = cert, key
		}
	}
	if _, err := a.certificate(); err != nil {
		return nil, err
	}
	return a, nil
}

// ID is the node the certificates name.
func (a *Authority) ID() member.ID { return a.id }

// ServerTLS is the configuration of the accepting side: TLS 1.3, a certificate of this cluster demanded, protocols offered
// by ALPN. Tickets are off: a resumed session would skip the check of a secret that was dropped meanwhile.
func (a *Authority) ServerTLS(protocols ...string) *tls.Config {
	c := a.config(protocols)
	c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return a.certificate() }
	c.ClientAuth = tls.RequireAndVerifyClientCert
	c.ClientCAs = a.pool
	c.SessionTicketsDisabled = true
	return c
}

// ClientTLS is the configuration for dialling peer and nobody else: a certificate that names another node is refused,
// whatever its address.
func (a *Authority) ClientTLS(peer member.ID, protocols ...string) *tls.Config {
	c := a.config(protocols)
	c.ServerName = string(peer)
	c.RootCAs = a.pool
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return a.certificate() }
	verify := c.VerifyConnection
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if err := verify(s); err != nil {
			return err
		}
		// x509 compared DNS names, without regard to case; an id is an exact string.
		if got, _ := PeerID(s); got != peer {
			return fmt.Errorf("%w: %q, not %q", ErrOtherNode, got, peer)
		}
		return nil
	}
	return c
}

// config is what both sides have in common. Nothing in it depends on the moment: certificates are asked for at each
// handshake, so one configuration serves a process for its life.
func (a *Authority) config(protocols []string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		MaxVersion: tls.VersionTLS13,
		NextProtos: protocols,
		Time:       a.now,
		VerifyConnection: func(s tls.ConnectionState) error {
			if _, err := PeerID(s); err != nil {
				return err
			}
			// TLS refuses two lists without a common entry by itself, but takes a side that offers no list at all.
			if len(protocols) > 0 && s.NegotiatedProtocol == "" {
				return fmt.Errorf("%w (offered: %q)", ErrNoProtocol, protocols)
			}
			return nil
		},
	}
}

// PeerID is the node the other side's verified certificate names. It fails with ErrNotVerified, or member.ErrInvalidID.
func PeerID(s tls.ConnectionState) (member.ID, error) {
	if len(s.VerifiedChains) == 0 || len(s.VerifiedChains[0]) == 0 {
		return "", ErrNotVerified
	}
	leaf := s.VerifiedChains[0][0]
	if len(leaf.DNSNames) != 1 || leaf.DNSNames[0] != leaf.Subject.CommonName {
		return "", fmt.Errorf("%w: a certificate must name one node", member.ErrInvalidID)
	}
	return member.ParseID(leaf.DNSNames[0])
}

// certificate is the current certificate, reissued when little of its life is left or the clock was set back before it.
func (a *Authority) certificate() (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if a.current != nil {
		leaf := a.current.Leaf
		if !now.Before(leaf.NotBefore) && leaf.NotAfter.Sub(now) >= RenewedUnder {
			return a.current, nil
		}
	}
	fresh, err := a.issue(now)
	if err != nil {
		// There was a month in hand for this: the old one serves while it is valid.
		if a.current != nil && !now.Before(a.current.Leaf.NotBefore) && !now.After(a.current.Leaf.NotAfter) {
			return a.current, nil
		}
		return nil, fmt.Errorf("issuing the node's certificate: %w", err)
	}
	a.current = fresh
	return fresh, nil
}

// issue makes a key and a certificate for it; the lock is held. The key never leaves the process, so a restart makes another
// one and nothing has to be kept, found or revoked.
func (a *Authority) issue(now time.Time) (*tls.Certificate, error) {
	var fresh [ed25519.SeedSize + 16]byte
	if _, err := io.ReadFull(a.rand, fresh[:]); err != nil {
		return nil, err
	}
	key := ed25519.NewKeyFromSeed(fresh[:ed25519.SeedSize])
	der, err := x509.CreateCertificate(nil, &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(fresh[ed25519.SeedSize:]),
		Subject:      pkix.Name{CommonName: string(a.id)},
		DNSNames:     []string{string(a.id)},
		NotBefore:    now.Add(-BackDated),
		NotAfter:     now.Add(Validity),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.issuer, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// authorityCertificate is the same, byte for byte, on every node and at every start: nothing in it is chosen.
func authorityCertificate(key ed25519.PrivateKey) (*x509.Certificate, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("identity: not an ed25519 key")
	}
	fingerprint := sha256.Sum256(public)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		// The fingerprint keeps the authorities of two secrets apart by name, so that a failed check says "unknown" and
		// not "bad signature".
		Subject:               pkix.Name{CommonName: "tinyurl cluster " + hex.EncodeToString(fingerprint[:8])},
		SubjectKeyId:          fingerprint[:20], // stated, because the default has changed between Go versions
		NotBefore:             authorityFrom,
		NotAfter:              authorityTo,
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(nil, template, template, public, key)
	if err != nil {
		return nil, fmt.Errorf("making the cluster's certificate authority: %w", err)
	}
	return x509.ParseCertificate(der)
}
