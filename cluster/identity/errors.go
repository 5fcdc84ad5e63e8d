package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
)

// Why two nodes would not speak, as Explain finds it in the error of a handshake.
var (
	// ErrOtherSecret: the two sides hold different cluster secrets.
	ErrOtherSecret = errors.New("the other side may hold another cluster secret")
	// ErrOtherNode: a node of this cluster answered, but not the one that was dialled; addresses move.
	ErrOtherNode = errors.New("another node answers at this address")
	// ErrCertificateTime: a certificate has expired or is not valid yet: the clocks of the two sides differ by a day or more.
	ErrCertificateTime = errors.New("a certificate has expired or is not valid yet: compare the clocks of both sides")
	// ErrRefused: the other side ended the handshake and did not say why.
	ErrRefused = errors.New("the other side refused this node: it may hold another cluster secret, or look for another node at this address")
	// ErrNoProtocol: the two sides speak no common protocol over TLS.
	ErrNoProtocol = errors.New("no protocol in common")
	// ErrNotVerified: the connection carries no certificate that was checked.
	ErrNotVerified = errors.New("no verified certificate")
)

// Alerts of RFC 8446, section 6.2, that tell why a certificate was refused.
const (
	alertCertificateExpired = 45
	alertUnknownAuthority   = 48
	alertNoProtocol         = 120
)

// Explain wraps the error of a TLS handshake, or of the first read after it, in the sentinel that tells a person what to do.
// Both the side that refuses and the side that is refused get one. Errors that are not about identity come back unchanged.
func Explain(err error) error {
	if err == nil {
		return nil
	}
	if why := reason(err); why != nil && !errors.Is(err, why) {
		return fmt.Errorf("%w: %w", why, err)
	}
	return err
}

// reason finds the sentinel for an error, nil for none. The first four lines are what this side found wrong with the other;
// the last is what the other side said of this one.
func reason(err error) error {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return ErrOtherSecret
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return ErrOtherNode
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return ErrCertificateTime
	}
	if remote, ok := errors.AsType[*net.OpError](err); ok && remote.Op == "remote error" {
		return alertReason(remote.Err)
	}
	return nil
}

// alertReason reads the other side's alert. crypto/tls keeps the alert's type to itself, but has a public one that describes
// itself in the same words.
func alertReason(alert error) error {
	is := func(code uint8) bool { return alert.Error() == tls.AlertError(code).Error() }
	switch {
	case is(alertUnknownAuthority):
		return ErrOtherSecret
	case is(alertCertificateExpired):
		return ErrCertificateTime
	case is(alertNoProtocol):
		return ErrNoProtocol
	}
	// Go's clients say no more than "bad certificate", whatever they found.
	return ErrRefused
}
