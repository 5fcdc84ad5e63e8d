package api

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"tinyurl/cluster/transport/memnet"
	"tinyurl/test/bubble"
)

// memory is a listener whose connections need no network, so that their time may be virtual, and what dials it.
func memory(t testing.TB) (net.Listener, func() (net.Conn, error)) {
	t.Helper()
	const here, there = "10.0.0.1:80", "10.0.0.2:1024"
	network := memnet.New()
	listener, err := network.Listen(here)
	if err != nil {
		t.Fatal(err)
	}
	dial := network.Dialer(there)
	return listener, func() (net.Conn, error) { return dial(context.Background(), "mem", here) }
}

// inMemory serves f as listen does, but in memory, and gives what dials.
func (f *fixture) inMemory(t testing.TB, l Limits, certificate GetCertificate) func() (net.Conn, error) {
	t.Helper()
	listener, dial := memory(t)
	f.serveOn(t, listener, l, certificate)
	return dial
}

// connect opens a connection that gives a test up after a minute, which is long in virtual time only.
func connect(t *testing.T, dial func() (net.Conn, error)) net.Conn {
	t.Helper()
	conn, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// through has a transport dial in this way whatever it is asked for.
func through(transport *http.Transport, dial func() (net.Conn, error)) {
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return dial() }
}

// inBubble runs a part of a test in virtual time.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { bubble.Test(t, test) })
}
