package api

import (
	"bytes"
	"io"
	"maps"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tinyurl/fsm/link"
)

// script is a connection whose client says all it has to say, in pieces of so many bytes, and then ends its side.
type script struct {
	piece int
	ended chan struct{} // closed with the connection

	mu   sync.Mutex // for what follows
	left []byte
	said bytes.Buffer
	over bool
}

func (c *script) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.over:
		return 0, net.ErrClosed
	case len(c.left) == 0:
		return 0, io.EOF
	}
	n := copy(p, c.left[:min(c.piece, len(c.left))])
	c.left = c.left[n:]
	return n, nil
}

func (c *script) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return 0, net.ErrClosed
	}
	return c.said.Write(p)
}

func (c *script) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.over = true
		close(c.ended)
	}
	return nil
}

func (c *script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *script) SetDeadline(time.Time) error      { return nil }
func (c *script) SetReadDeadline(time.Time) error  { return nil }
func (c *script) SetWriteDeadline(time.Time) error { return nil }

// stage is a listener of scripts.
type stage struct {
	scripts chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newStage() *stage { return &stage{scripts: make(chan net.Conn), closed: make(chan struct{})} }

func (s *stage) Accept() (net.Conn, error) {
	select {
	case c := <-s.scripts:
		return c, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *stage) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *stage) Addr() net.Addr { return &net.TCPAddr{} }

// play gives all that is answered to raw, however the connection ends.
func (s *stage) play(t *testing.T, raw []byte, piece int) string {
	t.Helper()
	c := &script{left: raw, piece: piece, ended: make(chan struct{})}
	s.scripts <- c
	select {
	case <-c.ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the connection is still open")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return dateField.ReplaceAllString(c.said.String(), "Date: now")
}

// reset forgets what a conversation has changed.
func (f *fakeService) reset(links map[link.Code]link.Link) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.links, f.deleted, f.once, f.drafts = maps.Clone(links), map[link.Code]bool{"buried": true}, make(map[string]link.Once), nil
}

// FuzzTheFrontChangesNoByte holds the front against net/http alone, over whole conversations.
func FuzzTheFrontChangesNoByte(f *testing.F) {
	for _, raw := range fronted() {
		f.Add([]byte(raw), uint16(1<<15))
		f.Add([]byte(getting("/abc")+raw), uint16(7))
	}
	for _, v := range visits() {
		f.Add([]byte(v.raw), uint16(1))
		f.Add([]byte(getting("/abc")+v.raw+getting("/later")), uint16(100))
	}
	for _, end := range []string{"G", "GET", "\r\n", "\r\n\r", "GET ", "GET /abc HTTP/1.1\r\nHost: a\r\n\r"} {
		f.Add([]byte(getting("/abc")+end), uint16(1))
	}
	const header = 16 << 10 // beyond it the two count differently
	// A day passes between two conversations, so that what one has tried is forgotten in the next.
	var days atomic.Int64
	visited := newVisited(f, func(c *Config) { c.Now = func() time.Time { return noon.AddDate(0, 0, int(days.Load())) } })
	links := visited.service.links
	bare, front := newStage(), newStage()
	alone, behind := NewHTTPServer(visited, Limits{}, nil, nil), NewFrontServer(visited.Server, nil)
	go func() { _ = alone.Serve(bare) }()
	go func() { _ = behind.Serve(front) }()
	f.Cleanup(func() { _, _ = alone.Close(), behind.Close() })
	f.Fuzz(func(t *testing.T, raw []byte, piece uint16) {
		if len(raw) > header || bytes.Contains(raw, []byte("/metrics")) {
			return
		}
		size := int(piece) + 1
		visited.service.reset(links)
		days.Add(1)
		want := bare.play(t, raw, size)
		visited.service.reset(links)
		days.Add(1)
		if got := front.play(t, raw, size); got != want {
			t.Fatalf("%q in pieces of %d bytes: with the front\n%q\nwithout\n%q", raw, size, got, want)
		}
	})
}
