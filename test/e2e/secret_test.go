package e2e

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tinyurl/cluster/identity"
	"tinyurl/cluster/member"
	"tinyurl/cluster/transport"
	"tinyurl/test/harness"
)

// A node with another secret gets in on neither plane, and both sides' logs say why.
func TestAWrongSecretIsRefusedOnBothPlanes(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	// What is refused below is the secret and nothing else: with the right one the same dialling succeeds.
	if err := dialWith(t, c.Secret(), c.Node(1), filepath.Join(c.Dir(), "right.log")); err != nil {
		t.Errorf("with the right secret: %v", err)
	}
	stranger := c.Joiner("stranger", c.Node(0))
	stranger.Secret = strings.Repeat("another-secret-", 4)
	stranger.Start()

	const reason = "secret"
	c.Node(0).WaitLog(20*time.Second, "gossip", reason)
	stranger.WaitLog(20*time.Second, reason)
	if err := stranger.Client().Ready(t.Context()); err == nil {
		t.Error("the stranger says it is ready")
	}

	// It never learns where the cluster listeners are, so the test dials one on its behalf.
	log := filepath.Join(c.Dir(), "dialler.log")
	err := dialWith(t, stranger.Secret, c.Node(0), log)
	if !errors.Is(err, identity.ErrOtherSecret) && !errors.Is(err, identity.ErrRefused) {
		t.Errorf("the stranger's dialling: %v", err)
	}
	if text, _ := os.ReadFile(log); !strings.Contains(string(text), reason) {
		t.Errorf("the dialler's log does not say why:\n%s", text)
	}
	c.Node(0).WaitLog(10*time.Second, "level=WARN", "127.0.0.1", reason)

	for _, n := range c.Nodes() {
		if n == stranger {
			continue
		}
		status, err := n.Status(t.Context())
		if err != nil || len(status.Members) != 3 {
			t.Errorf("%s counts %d members: %v", n.Name(), len(status.Members), err)
		}
	}
	if exit := stop(stranger); exit != nil {
		t.Errorf("the stranger's stop: %v", exit)
	}
}

// stop stops a node that may have ended already.
func stop(n *harness.Node) error {
	if !n.Running() {
		return errors.New("it had ended")
	}
	n.Stop()
	return nil
}

// fixedAddress resolves every node to one address.
type fixedAddress string

func (a fixedAddress) Resolve(member.ID) (string, error) { return string(a), nil }

// dialWith connects to a node's cluster listener with the certificate of a secret, as another node would.
func dialWith(t *testing.T, secret string, to *harness.Node, logFile string) error {
	t.Helper()
	parsed, err := identity.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	self, err := member.NewID("dialler", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := identity.NewAuthority(identity.Config{ID: self, Secrets: []identity.Secret{parsed}, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(logFile)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	dialer := &transport.Dialer{
		Authority: authority, Resolver: fixedAddress(to.Addresses().Cluster), Logger: slog.New(slog.NewTextHandler(log, nil)),
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := dialer.Dial(ctx, member.ID(idOf(t, to)), transport.ProtocolRPC)
	if err == nil {
		_ = conn.Close()
	}
	return err
}
