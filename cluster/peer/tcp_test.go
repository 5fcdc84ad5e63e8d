package peer

import (
	"crypto/rand"
	"net"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tinyurl/cluster/identity"
	"tinyurl/cluster/member"
	"tinyurl/cluster/transport"
)

// listenTCP is a node on a real port, as the product opens it.
func listenTCP(t testing.TB, id member.ID, where transport.Resolver, mux *Mux) (*transport.Listener, *Client) {
	t.Helper()
	secret, err := identity.ParseSecret(secretOne)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := identity.NewAuthority(identity.Config{ID: id, Secrets: []identity.Secret{secret}, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	bound, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := transport.Listen(transport.ListenerConfig{Listener: bound, Authority: authority, Handler: mux})
	if err != nil {
		t.Fatal(err)
	}
	dialer := &transport.Dialer{Authority: authority, Resolver: where}
	client, err := NewClient(ClientConfig{Dial: dialer.DialRPC})
	if err != nil {
		t.Fatal(err)
	}
	return listener, client
}

func TestCallsOverTCPLeaveNothingBehind(t *testing.T) {
	defer goleak.VerifyNone(t)
	w := newWorld()
	mux, err := NewMux(MuxConfig{})
	if err != nil {
		t.Fatal(err)
	}
	Handle(mux, "echo", Bytes(), echoed, AcrossClusters())
	la, ca := listenTCP(t, idA, w, nil)
	lb, cb := listenTCP(t, idB, w, mux)
	w.move(idA, la.Addr().String())
	w.move(idB, lb.Addr().String())
	large := strings.Repeat("x", MaxBytes)
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			text := large[:i*len(large)/63]
			got, err := Call(t.Context(), ca, idB, "echo", Bytes(), []byte(text), AcrossClusters())
			if err != nil || string(got) != text {
				t.Errorf("%d bytes came back as %d, %v", len(text), len(got), err)
			}
		})
	}
	all.Wait()
	// A node may call itself, as a leader does that is its own ingress.
	if _, err := Call(t.Context(), cb, idB, "echo", Bytes(), []byte("x"), AcrossClusters()); err != nil {
		t.Error(err)
	}
	for _, c := range []interface{ Close() error }{ca, lb, la, cb} {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkCallOverTCP(b *testing.B) {
	w := newWorld()
	mux, err := NewMux(MuxConfig{})
	if err != nil {
		b.Fatal(err)
	}
	Handle(mux, "echo", Bytes(), echoed, AcrossClusters())
	listener, client := listenTCP(b, idB, w, mux)
	w.move(idB, listener.Addr().String())
	body := make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Call(b.Context(), client, idB, "echo", Bytes(), body, AcrossClusters()); err != nil {
			b.Fatal(err)
		}
	}
	_, _ = client.Close(), listener.Close()
}
