package api

import (
	"bufio"
	"context"
	"io"
	"net"
	"testing"
)

// stopping serves f by a front and gives how to stop it. It is stopped for good when the test ends.
func (f *fixture) stopping(t *testing.T) (address string, stop func(context.Context) error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := NewFrontServer(f.Server, f.config.Logger)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String(), server.Shutdown
}

// One connection that takes its time must not have the others served as if nobody stopped: they would be cut at the end.
func TestAStopEndsAllConnectionsAtOnceThatItCanEnd(t *testing.T) {
	f := newVisited(t)
	f.service.wait = make(chan struct{})
	address, stop := f.stopping(t)
	ask := func(raw string) (net.Conn, *bufio.Reader) {
		conn := dial(t, address)
		if _, err := io.WriteString(conn, raw); err != nil {
			t.Fatal(err)
		}
		return conn, bufio.NewReader(conn)
	}
	idle, answers := ask(getting("/healthz"))
	if a, ok := readTold(t, answers, "GET"); !ok || a.status != 200 {
		t.Fatalf("%v, %s", ok, a.text())
	}
	slow, answers := ask(getting("/unknown")) // waited for by the reader of visits
	called, told := ask(getting("/api/v1/links/unknown", keyLine))
	until(t, "both are under way", func() bool { return f.service.inside.Load() == 2 })

	stopped := make(chan error, 1)
	go func() { stopped <- stop(t.Context()) }()
	closed(t, idle)
	f.service.wait <- struct{}{}
	f.service.wait <- struct{}{}
	for name, one := range map[string]struct {
		conn    net.Conn
		answers *bufio.Reader
	}{"the visit": {slow, answers}, "the call": {called, told}} {
		if a, ok := readTold(t, one.answers, "GET"); !ok || a.status != 404 || a.header.Get("Connection") != "close" {
			t.Errorf("%s: %v, %s", name, ok, a.text())
		}
		closed(t, one.conn)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Shutdown = %v", err)
	}
}
