package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"tinyurl/cluster/member"
)

// wells gives random bytes until it is stopped up.
type wells struct{ dry bool }

func (w *wells) Read(b []byte) (int, error) {
	if w.dry {
		return 0, errors.New("no randomness")
	}
	return rand.Read(b)
}

func TestARenewalThatFailsLeavesTheOldCertificateWhileItIsValid(t *testing.T) {
	c, source := &clock{today}, &wells{}
	a, err := NewAuthority(Config{ID: idA, Secrets: []Secret{secret(t, secretOne)}, Now: c.now, Rand: source})
	if err != nil {
		t.Fatal(err)
	}
	first, err := a.certificate()
	if err != nil {
		t.Fatal(err)
	}
	source.dry = true
	c.at = today.Add(Validity - time.Hour)
	if kept, err := a.certificate(); err != nil || kept != first {
		t.Errorf("an hour before its end: %v", err)
	}
	c.at = today.Add(Validity + time.Hour)
	if _, err := a.certificate(); err == nil {
		t.Error("an expired certificate is given out")
	}
	source.dry = false
	if fresh, err := a.certificate(); err != nil || fresh == first {
		t.Errorf("with randomness again: %v", err)
	}
}

func TestManyHandshakesAtTheMomentOfRenewalGetOneNewCertificate(t *testing.T) {
	now := &movingClock{at: today}
	a, err := NewAuthority(Config{ID: idA, Secrets: []Secret{secret(t, secretOne)}, Now: now.now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	now.set(today.Add(Validity - RenewedUnder + time.Minute))
	var (
		mu   sync.Mutex
		seen = map[*tls.Certificate]bool{}
		all  sync.WaitGroup
	)
	for range 50 {
		all.Go(func() {
			cert, err := a.ServerTLS("h2").GetCertificate(nil)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[cert] = true
		})
	}
	all.Wait()
	if len(seen) != 1 {
		t.Errorf("%d certificates", len(seen))
	}
}

// movingClock may be moved while others read it.
type movingClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *movingClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *movingClock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

func TestANodesCertificateCanDoNothingElse(t *testing.T) {
	a := authority(t, idA, nil, secretOne)
	cert, err := a.certificate()
	if err != nil {
		t.Fatal(err)
	}
	leaf := cert.Leaf
	if leaf.IsCA || leaf.KeyUsage != x509.KeyUsageDigitalSignature || len(leaf.ExtKeyUsage) != 2 {
		t.Errorf("CA %v, usage %v, %v", leaf.IsCA, leaf.KeyUsage, leaf.ExtKeyUsage)
	}
	if leaf.Subject.CommonName != string(idA) || fmt.Sprint(leaf.DNSNames) != fmt.Sprintf("[%s]", idA) || len(leaf.IPAddresses) > 0 {
		t.Errorf("it names %s, %v, %v", leaf.Subject, leaf.DNSNames, leaf.IPAddresses)
	}
}

func TestANodesKeySignsNobodyElseIn(t *testing.T) {
	a, b := authority(t, idA, nil, secretOne), authority(t, idB, nil, secretOne)
	stolen, err := a.certificate()
	if err != nil {
		t.Fatal(err)
	}
	key, ok := stolen.PrivateKey.(ed25519.PrivateKey)
	if !ok {
		t.Fatalf("%T", stolen.PrivateKey)
	}
	forger := &Authority{id: "c-000003", now: a.now, rand: rand.Reader, issuer: stolen.Leaf, key: key, pool: a.pool}
	forged, err := forger.issue(today)
	if err != nil {
		t.Fatal(err)
	}
	forged.Certificate = append(forged.Certificate, stolen.Certificate...)
	c := a.ClientTLS(idB, "h2")
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return forged, nil }
	if _, _, _, serr := shake(t, c, b.ServerTLS("h2")); serr == nil {
		t.Error("a certificate signed by a node's key was accepted")
	}
}

func TestEveryReasonOfARefusalHasAName(t *testing.T) {
	remote := func(code uint8) error { return &net.OpError{Op: "remote error", Err: tls.AlertError(code)} }
	for _, c := range []struct {
		err  error
		want error
	}{
		{remote(48), ErrOtherSecret},
		{remote(45), ErrCertificateTime},
		{remote(120), ErrNoProtocol},
		{remote(42), ErrRefused},
		{remote(80), ErrRefused},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, ErrOtherSecret},
		{fmt.Errorf("deeper: %w", x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"}), ErrOtherNode},
		{x509.CertificateInvalidError{Reason: x509.Expired}, ErrCertificateTime},
	} {
		got := Explain(c.err)
		if !errors.Is(got, c.want) || !errors.Is(got, c.err) && got.Error() == c.want.Error() {
			t.Errorf("%v is explained as %v", c.err, got)
		}
	}
	if got := Explain(x509.CertificateInvalidError{Reason: x509.TooManyIntermediates}); errors.Is(got, ErrCertificateTime) {
		t.Errorf("another fault is explained as %v", got)
	}
}

func TestTwoAuthoritiesOfOneSecretIssueForDifferentNodes(t *testing.T) {
	seen := map[string]member.ID{}
	for _, id := range []member.ID{idA, idB, "c-000003"} {
		cert, err := authority(t, id, nil, secretOne).certificate()
		if err != nil {
			t.Fatal(err)
		}
		if other, taken := seen[string(cert.Leaf.RawSubjectPublicKeyInfo)]; taken {
			t.Errorf("%s and %s have one key", id, other)
		}
		seen[string(cert.Leaf.RawSubjectPublicKeyInfo)] = id
	}
}
