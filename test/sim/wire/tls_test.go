package wire

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"tinyurl/cluster/identity"
	"tinyurl/cluster/member"
	"tinyurl/cluster/transport"
)

// certified gives two nodes what they need to speak TLS with each other.
func certified(t *testing.T, id member.ID) *identity.Authority {
	t.Helper()
	secret, err := identity.ParseSecret("a secret of the tests that is long enough")
	if err != nil {
		t.Fatal(err)
	}
	authority, err := identity.NewAuthority(identity.Config{
		ID: id, Secrets: []identity.Secret{secret}, Now: time.Now, Rand: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func TestTLSTakesTwoRoundTrips(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", latency)
		l := listen(t, n.Host("b"), testPort)
		server := certified(t, gossiperID(2)).ServerTLS(transport.ProtocolRaft)
		go func() {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			c := tls.Server(raw, server)
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}()
		start := time.Now()
		raw, err := n.Host("a").Dial(t.Context(), "tcp", "b:7000")
		if err != nil {
			t.Fatal(err)
		}
		c := tls.Client(raw, certified(t, gossiperID(1)).ClientTLS(gossiperID(2), transport.ProtocolRaft))
		if err := c.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		took(t, start, 4*latency)
		text := bytes.Repeat([]byte("much text "), 100_000)
		go func() {
			_, _ = c.Write(text)
			_ = c.CloseWrite()
		}()
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes of %d came back, %v", len(got), len(text), err)
		}
		_ = c.Close()
	})
}

// servedRPC is an HTTP/2 server of the product on host b, and a client of it on host a.
func servedRPC(t *testing.T, n *Network) (client *http.Client, end func()) {
	t.Helper()
	served, err := transport.Listen(transport.ListenerConfig{
		Listener: listen(t, n.Host("b"), testPort), Authority: certified(t, gossiperID(2)), Logger: slog.New(slog.DiscardHandler),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, "%s of %s", r.Proto, r.URL.Path)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	dialer := &transport.Dialer{
		Authority: certified(t, gossiperID(1)), Resolver: resolver{n.Host("b").Addr(testPort)}, DialContext: n.Host("a").Dial,
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	via := &http.Transport{
		Protocols: protocols,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialRPC(ctx, gossiperID(2))
		},
		HTTP2: &http.HTTP2Config{SendPingTimeout: 2 * time.Second, PingTimeout: 2 * time.Second},
	}
	return &http.Client{Transport: via, Timeout: 10 * time.Second}, func() {
		via.CloseIdleConnections()
		if err := served.Close(); err != nil {
			t.Error(err)
		}
	}
}

// resolver knows one node.
type resolver struct{ address string }

func (r resolver) Resolve(member.ID) (string, error) { return r.address, nil }

func TestHTTP2TakesOneRoundTrip(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", latency)
		client, end := servedRPC(t, n)
		defer end()
		ask := func(i int) error {
			resp, err := client.Get(fmt.Sprintf("http://b/%d", i))
			if err != nil {
				return err
			}
			text, err := io.ReadAll(resp.Body)
			if want := fmt.Sprintf("HTTP/2.0 of /%d", i); err == nil && string(text) != want {
				err = fmt.Errorf("%q, want %q", text, want)
			}
			_ = resp.Body.Close()
			return err
		}
		if err := ask(0); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			time.Sleep(time.Minute)
			start := time.Now()
			if err := ask(i); err != nil {
				t.Fatal(err)
			}
			took(t, start, 2*latency)
		}
		n.Set("a", "b", Quality{Cut: true})
		start := time.Now()
		if err := ask(1); err == nil {
			t.Error("an answer across a cut")
		}
		took(t, start, 4*time.Second) // of the client's pings
		n.Heal()
		if err := ask(2); err != nil {
			t.Errorf("after the cut: %v", err)
		}
	})
}
