package api

import (
	"io"
	"net"
	"testing"
	"time"
)

// benchConn is a connection whose client sends the same request again once the answer before is there, and no network.
type benchConn struct {
	request string
	left    int           // requests
	rest    string        // of the request that is being read
	turn    chan struct{} // holds a token when it is the client's turn
	closed  chan struct{}
}

func (c *benchConn) Read(p []byte) (int, error) {
	if c.rest == "" {
		<-c.turn
		if c.left--; c.left < 0 {
			c.turn <- struct{}{} // whoever reads again learns the same
			return 0, io.EOF
		}
		c.rest = c.request
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *benchConn) Write(p []byte) (int, error) {
	c.turn <- struct{}{}
	return len(p), nil
}

func (c *benchConn) Close() error {
	select {
	case <-c.closed:
	default:
		close(c.closed)
	}
	return nil
}

// benchAddr is the address of both sides, and costs nothing to ask for, like that of a real connection.
var benchAddr net.Addr = &net.TCPAddr{}

func (c *benchConn) LocalAddr() net.Addr              { return benchAddr }
func (c *benchConn) RemoteAddr() net.Addr             { return benchAddr }
func (c *benchConn) SetDeadline(time.Time) error      { return nil }
func (c *benchConn) SetReadDeadline(time.Time) error  { return nil }
func (c *benchConn) SetWriteDeadline(time.Time) error { return nil }

// oneConn is a listener with one connection.
type oneConn struct{ conns chan net.Conn }

func (l oneConn) Accept() (net.Conn, error) {
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (l oneConn) Close() error   { return nil }
func (l oneConn) Addr() net.Addr { return benchAddr }

// BenchmarkConnection answers requests of one connection, all of the server included but the system's calls.
func BenchmarkConnection(b *testing.B) {
	const browser = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n" +
		"Accept-Encoding: gzip, deflate, br, zstd\r\nConnection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\n" +
		"Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\nPriority: u=0, i\r\n"
	for name, request := range map[string]string{
		"call": getting("/healthz"), "hit": getting("/abcdefg"), "browser": getting("/abcdefg", browser), "miss": getting("/unknown"),
	} {
		for _, listener := range []string{"main", "front", "lean"} {
			b.Run(name+"/"+listener, func(b *testing.B) {
				f := newFixture(b)
				f.add("abcdefg", "https://example.com/some/path?and=query")
				var server interface {
					Serve(net.Listener) error
					Close() error
				} = NewHTTPServer(f, Limits{}, nil, nil)
				switch listener {
				case "front":
					server = NewFrontServer(f.Server, nil)
				case "lean":
					server = NewRedirectServer(f.Server, nil, nil)
				}
				b.ReportAllocs()
				b.ResetTimer()
				c := &benchConn{request: request, left: b.N, turn: make(chan struct{}, 1), closed: make(chan struct{})}
				c.turn <- struct{}{}
				l := oneConn{make(chan net.Conn, 1)}
				l.conns <- c
				close(l.conns)
				served := make(chan error, 1)
				go func() { served <- server.Serve(l) }()
				<-c.closed
				b.StopTimer()
				<-served
				_ = server.Close()
			})
		}
	}
}
