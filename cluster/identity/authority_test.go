package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"tinyurl/cluster/member"
)

const (
	idA = member.ID("a-000001")
	idB = member.ID("b-000002")
)

var (
	today     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	secretOne = "the first secret of this cluster, long enough"
	secretTwo = "the second secret of this cluster, long enough"
)

// clock is a time that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func authority(t *testing.T, id member.ID, c *clock, secrets ...string) *Authority {
	t.Helper()
	if c == nil {
		c = &clock{today}
	}
	var parsed []Secret
	for _, s := range secrets {
		parsed = append(parsed, secret(t, s))
	}
	a, err := NewAuthority(Config{ID: id, Secrets: parsed, Now: c.now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// tcpPair is a connection's two ends. Not net.Pipe: without buffers a refusal would wait for the refused to stop talking.
func tcpPair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return client, server
}

// shake runs a handshake and one byte from the server, as a listener does that speaks first. Both results are explained.
func shake(t *testing.T, client, server *tls.Config) (cs, ss tls.ConnectionState, clientErr, serverErr error) {
	t.Helper()
	cc, sc := tcpPair(t)
	deadline := time.Now().Add(5 * time.Second)
	_ = cc.SetDeadline(deadline)
	_ = sc.SetDeadline(deadline)
	done := make(chan error, 1)
	accepted := tls.Server(sc, server)
	go func() {
		err := accepted.Handshake()
		if err == nil {
			_, err = accepted.Write([]byte{1})
		}
		_ = sc.Close()
		done <- err
	}()
	dialled := tls.Client(cc, client)
	clientErr = dialled.Handshake()
	if clientErr == nil {
		_, clientErr = io.ReadFull(dialled, make([]byte, 1))
	}
	_ = cc.Close()
	serverErr = <-done
	return dialled.ConnectionState(), accepted.ConnectionState(), Explain(clientErr), Explain(serverErr)
}

func TestTwoNodesOfOneSecretKnowEachOtherByName(t *testing.T) {
	a, b := authority(t, idA, nil, secretOne), authority(t, idB, nil, secretOne)
	cs, ss, cerr, serr := shake(t, a.ClientTLS(idB, "h2"), b.ServerTLS("x", "h2"))
	if cerr != nil || serr != nil {
		t.Fatal(cerr, serr)
	}
	if cs.Version != tls.VersionTLS13 || cs.NegotiatedProtocol != "h2" {
		t.Errorf("version %x, protocol %q", cs.Version, cs.NegotiatedProtocol)
	}
	if id, err := PeerID(ss); err != nil || id != idA {
		t.Errorf("the server sees %q, %v", id, err)
	}
	if id, err := PeerID(cs); err != nil || id != idB {
		t.Errorf("the client sees %q, %v", id, err)
	}
}

func TestTheAuthorityIsTheSameEverywhere(t *testing.T) {
	a, b := authority(t, idA, nil, secretOne), authority(t, idB, &clock{today.AddDate(5, 0, 0)}, secretOne, secretTwo)
	if !bytes.Equal(a.issuer.Raw, b.issuer.Raw) {
		t.Error("two nodes of one secret made different authorities")
	}
	if bytes.Equal(a.issuer.Raw, authority(t, idA, nil, secretTwo).issuer.Raw) {
		t.Error("two secrets made one authority")
	}
}

func TestAnotherSecretIsRefusedAndBothSidesSayWhy(t *testing.T) {
	a, b := authority(t, idA, nil, secretOne), authority(t, idB, nil, secretTwo)
	_, _, cerr, serr := shake(t, a.ClientTLS(idB, "h2"), b.ServerTLS("h2"))
	if !errors.Is(cerr, ErrOtherSecret) {
		t.Errorf("dialler: %v", cerr)
	}
	if !errors.Is(serr, ErrRefused) || !strings.Contains(serr.Error(), "another cluster secret") {
		t.Errorf("acceptor: %v", serr)
	}
}

func TestADiallerTheAcceptorDoesNotTrustLearnsWhy(t *testing.T) {
	// The dialler accepts both secrets, but issues by one the acceptor does not have.
	a, b := authority(t, idA, nil, secretTwo, secretOne), authority(t, idB, nil, secretOne)
	_, _, cerr, serr := shake(t, a.ClientTLS(idB, "h2"), b.ServerTLS("h2"))
	if !errors.Is(cerr, ErrOtherSecret) {
		t.Errorf("dialler: %v", cerr)
	}
	if !errors.Is(serr, ErrOtherSecret) {
		t.Errorf("acceptor: %v", serr)
	}
}

func TestDuringRotationOldAndNewSecretsSpeak(t *testing.T) {
	old, both, fresh := authority(t, idA, nil, secretOne), authority(t, idB, nil, secretOne, secretTwo), authority(t, idA, nil, secretTwo, secretOne)
	for name, pair := range map[string][2]*Authority{"old to both": {old, both}, "both to new": {both, fresh}, "new to both": {fresh, both}} {
		if _, _, cerr, serr := shake(t, pair[0].ClientTLS(pair[1].ID(), "h2"), pair[1].ServerTLS("h2")); cerr != nil || serr != nil {
			t.Errorf("%s: %v, %v", name, cerr, serr)
		}
	}
}

func TestACertificateThatNamesAnotherNodeIsRefused(t *testing.T) {
	a, b := authority(t, idA, nil, secretOne), authority(t, idB, nil, secretOne)
	_, _, cerr, serr := shake(t, a.ClientTLS("c-000003", "h2"), b.ServerTLS("h2"))
	if !errors.Is(cerr, ErrOtherNode) {
		t.Errorf("dialler: %v", cerr)
	}
	if !errors.Is(serr, ErrRefused) {
		t.Errorf("acceptor: %v", serr)
	}
}

func TestAClientWithoutCertificateIsRefused(t *testing.T) {
	a, b := authority(t, idA, nil, secretOne), authority(t, idB, nil, secretOne)
	c := a.ClientTLS(idB, "h2")
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return new(tls.Certificate), nil }
	if _, _, cerr, serr := shake(t, c, b.ServerTLS("h2")); cerr == nil || serr == nil {
		t.Errorf("%v, %v", cerr, serr)
	}
}

func TestOlderTLSIsRefused(t *testing.T) {
	a, b := authority(t, idA, nil, secretOne), authority(t, idB, nil, secretOne)
	c := a.ClientTLS(idB, "h2")
	c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	if _, _, cerr, serr := shake(t, c, b.ServerTLS("h2")); cerr == nil || serr == nil {
		t.Errorf("%v, %v", cerr, serr)
	}
}

func TestNoCommonProtocolIsRefused(t *testing.T) {
	a, b := authority(t, idA, nil, secretOne), authority(t, idB, nil, secretOne)
	if _, _, cerr, serr := shake(t, a.ClientTLS(idB, "y"), b.ServerTLS("x")); !errors.Is(cerr, ErrNoProtocol) || serr == nil {
		t.Errorf("other protocol: %v, %v", cerr, serr)
	}
	if _, _, _, serr := shake(t, a.ClientTLS(idB), b.ServerTLS("x")); !errors.Is(serr, ErrNoProtocol) {
		t.Errorf("none offered: %v", serr)
	}
}

// shop issues whatever it is told under the cluster's authority, as only a holder of the secret could.
func shop(t *testing.T, a *Authority, cn string, names []string) *tls.Config {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	der, err := x509.CreateCertificate(nil, &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: cn}, DNSNames: names,
		NotBefore: today.Add(-time.Hour), NotAfter: today.Add(time.Hour),
	}, a.issuer, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	c := a.ServerTLS("h2")
	cert := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return cert, nil }
	return c
}

func TestOnlyACertificateThatNamesExactlyThePeerWillDo(t *testing.T) {
	a := authority(t, idA, nil, secretOne)
	for name, c := range map[string]struct {
		cn    string
		names []string
	}{
		"two names":   {string(idB), []string{string(idB), "c-000003"}},
		"wildcard":    {"*.b-000002", []string{"*.b-000002"}},
		"other case":  {"B-000002", []string{"B-000002"}},
		"other CN":    {"c-000003", []string{string(idB)}},
		"CN alone":    {string(idB), nil},
		"other names": {string(idB), []string{"c-000003"}},
	} {
		if _, _, cerr, _ := shake(t, a.ClientTLS(idB, "h2"), shop(t, a, c.cn, c.names)); cerr == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, _, cerr, _ := shake(t, a.ClientTLS(idB, "h2"), shop(t, a, string(idB), []string{string(idB)})); cerr != nil {
		t.Errorf("the exact name: %v", cerr)
	}
}

func TestClocksUpToADayApartDoNotMatter(t *testing.T) {
	ahead, behind := &clock{today.Add(23 * time.Hour)}, &clock{today}
	a, b := authority(t, idA, ahead, secretOne), authority(t, idB, behind, secretOne)
	if _, _, cerr, serr := shake(t, a.ClientTLS(idB, "h2"), b.ServerTLS("h2")); cerr != nil || serr != nil {
		t.Errorf("23 h apart: %v, %v", cerr, serr)
	}
	far := authority(t, idA, &clock{today.Add(25 * time.Hour)}, secretOne)
	_, _, cerr, serr := shake(t, far.ClientTLS(idB, "h2"), b.ServerTLS("h2"))
	if !errors.Is(serr, ErrCertificateTime) || !errors.Is(cerr, ErrCertificateTime) {
		t.Errorf("25 h apart: %v, %v", cerr, serr)
	}
}

func TestACertificateRenewsItselfWithAMonthInHand(t *testing.T) {
	c := &clock{today}
	a, b := authority(t, idA, c, secretOne), authority(t, idB, c, secretOne)
	first, err := a.certificate()
	if err != nil {
		t.Fatal(err)
	}
	if got := first.Leaf.NotBefore; !got.Equal(today.Add(-BackDated)) {
		t.Errorf("valid from %v", got)
	}
	if got := first.Leaf.NotAfter; !got.Equal(today.Add(Validity)) {
		t.Errorf("valid to %v", got)
	}
	c.at = today.Add(Validity - RenewedUnder)
	if kept, _ := a.certificate(); kept != first {
		t.Error("renewed with 30 days left")
	}
	c.at = c.at.Add(time.Second)
	fresh, err := a.certificate()
	if err != nil || fresh == first {
		t.Fatalf("not renewed with less than 30 days left: %v", err)
	}
	if fresh.Leaf.SerialNumber.Cmp(first.Leaf.SerialNumber) == 0 || fresh.Leaf.PublicKey.(ed25519.PublicKey).Equal(first.Leaf.PublicKey) {
		t.Error("the new certificate has the old serial or key")
	}
	for year := range 5 { // configurations made once serve for ever
		c.at = today.AddDate(year, 0, 0)
		if _, _, cerr, serr := shake(t, a.ClientTLS(idB, "h2"), b.ServerTLS("h2")); cerr != nil || serr != nil {
			t.Errorf("year %d: %v, %v", year, cerr, serr)
		}
	}
	c.at = today.AddDate(-1, 0, 0) // a clock set back
	if _, _, cerr, serr := shake(t, a.ClientTLS(idB, "h2"), b.ServerTLS("h2")); cerr != nil || serr != nil {
		t.Errorf("clock set back: %v, %v", cerr, serr)
	}
}

func TestNewAuthorityRefusesBadConfigurations(t *testing.T) {
	good := secret(t, secretOne)
	for name, c := range map[string]struct {
		Config
		want error
	}{
		"no id":         {Config{Secrets: []Secret{good}, Rand: rand.Reader}, member.ErrInvalidID},
		"no secret":     {Config{ID: idA, Rand: rand.Reader}, ErrInvalidSecret},
		"zero secret":   {Config{ID: idA, Secrets: []Secret{good, {}}, Rand: rand.Reader}, ErrInvalidSecret},
		"no randomness": {Config{ID: idA, Secrets: []Secret{good}, Rand: strings.NewReader("")}, io.EOF},
	} {
		if _, err := NewAuthority(c.Config); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPeerIDNeedsAVerifiedCertificate(t *testing.T) {
	a := authority(t, idA, nil, secretOne)
	cert, err := a.certificate()
	if err != nil {
		t.Fatal(err)
	}
	if id, err := PeerID(tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert.Leaf}}); !errors.Is(err, ErrNotVerified) {
		t.Errorf("%q, %v", id, err)
	}
}

func TestExplainLeavesOtherErrorsAlone(t *testing.T) {
	for _, err := range []error{nil, io.EOF, &net.OpError{Op: "dial", Err: io.EOF}} {
		if got := Explain(err); got != err {
			t.Errorf("Explain(%v) = %v", err, got)
		}
	}
	once := Explain(x509.UnknownAuthorityError{})
	if twice := Explain(once); twice.Error() != once.Error() {
		t.Errorf("explained twice: %v", twice)
	}
}
