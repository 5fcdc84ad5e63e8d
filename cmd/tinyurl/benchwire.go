package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// benchDialTimeout bounds the opening of a connection, TLS included.
	benchDialTimeout = 5 * time.Second
	// benchAskTimeout bounds one request and its answer; a node bounds a bulk by 25 s.
	benchAskTimeout = 30 * time.Second
	// benchBuffer holds the longest line of an answer's header, which is a Location.
	benchBuffer = 16 << 10
	// maxBenchAnswer is the longest body of an answer, in bytes.
	maxBenchAnswer = 64 << 20
)

// benchNode is a node that takes a part of the load. It is immutable.
type benchNode struct {
	url     string // as it was given
	address string // host:port to dial
	host    string // of the Host header
	path    string // what stands before every path, mostly nothing
	secure  bool
}

func newBenchNode(given string) (*benchNode, error) {
	u, err := url.Parse(given)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, fmt.Errorf("%q is no address of a node", given)
	}
	n := &benchNode{url: given, address: u.Host, host: u.Host, path: strings.TrimRight(u.EscapedPath(), "/"), secure: u.Scheme == "https"}
	switch {
	case u.Port() != "":
	case n.secure:
		n.address = net.JoinHostPort(u.Hostname(), "443")
	default:
		n.address = net.JoinHostPort(u.Hostname(), "80")
	}
	return n, nil
}

// wire is one connection to a node, with one request on it at a time. It speaks just enough HTTP/1.1 for the answers of a
// node and of proxies before it. The client of net/http would take more processor time than the nodes that are measured,
// often on the same machine, and would measure itself. A wire belongs to one goroutine.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte      // of the last answer; its memory is used again
	free func() bool // ends the watch over ctx
}

// answer is what came back. Its body is valid until the next request.
type answer struct {
	status     int
	retryAfter time.Duration // 0 if not told
	body       []byte
	last       bool // the connection ends with this answer
}

// dial opens a connection, which breaks when ctx ends.
func (n *benchNode) dial(ctx context.Context) (*wire, error) {
	bounded, cancel := context.WithTimeout(ctx, benchDialTimeout)
	defer cancel()
	conn, err := n.open(bounded)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", n.url, err)
	}
	return &wire{
		conn: conn, in: bufio.NewReaderSize(conn, benchBuffer),
		free: context.AfterFunc(ctx, func() { _ = conn.Close() }),
	}, nil
}

func (n *benchNode) open(ctx context.Context) (net.Conn, error) {
	if !n.secure {
		return new(net.Dialer).DialContext(ctx, "tcp", n.address)
	}
	return (&tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}}).DialContext(ctx, "tcp", n.address)
}

// probe reports whether the node can be reached.
func (n *benchNode) probe(ctx context.Context) error {
	w, err := n.dial(ctx)
	if err != nil {
		return err
	}
	return w.close()
}

func (w *wire) close() error {
	w.free()
	return w.conn.Close()
}

// ask sends one whole request and reads its answer. After an error the wire is of no more use.
func (w *wire) ask(request []byte, now time.Time) (answer, error) {
	if err := w.conn.SetDeadline(now.Add(benchAskTimeout)); err != nil {
		return answer{}, err
	}
	if _, err := w.conn.Write(request); err != nil {
		return answer{}, err
	}
	for {
		a, err := w.read()
		if err != nil || a.status >= 200 {
			return a, err
		}
	}
}

// read reads one answer, an interim one too.
func (w *wire) read() (answer, error) {
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return answer{}, err
	}
	var a answer
	version, rest, _ := bytes.Cut(line, []byte(" "))
	if len(rest) < 3 || !bytes.HasPrefix(version, []byte("HTTP/1.")) {
		return answer{}, errors.New("the answer is no HTTP/1")
	}
	if a.status, err = strconv.Atoi(string(rest[:3])); err != nil || a.status < 100 {
		return answer{}, errors.New("the answer has no status")
	}
	a.last = bytes.Equal(version, []byte("HTTP/1.0"))
	length, chunked, err := w.header(&a)
	if err != nil {
		return answer{}, err
	}
	switch {
	case a.status < 200 || a.status == 204 || a.status == 304:
	case chunked:
		a.body, err = w.chunks()
	case length < 0:
		a.last = true // it would end with the connection, and holds nothing we need
	default:
		a.body, err = w.exactly(length)
	}
	return a, err
}

// header reads the lines up to the empty one. The length is -1 if none is told.
func (w *wire) header(a *answer) (length int, chunked bool, err error) {
	length = -1
	for {
		line, err := w.in.ReadSlice('\n')
		if err != nil {
			return 0, false, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return length, chunked, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		// Only the lengths of these four are looked at closely: the header is read at every request.
		switch len(name) {
		case len("Content-Length"):
			if bytes.EqualFold(name, []byte("Content-Length")) {
				if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil || length < 0 || length > maxBenchAnswer {
					return 0, false, fmt.Errorf("the answer tells a length of %q", value)
				}
			}
		case len("Transfer-Encoding"):
			chunked = chunked || bytes.EqualFold(name, []byte("Transfer-Encoding")) && bytes.Contains(value, []byte("chunked"))
		case len("Retry-After"):
			if seconds, err := strconv.Atoi(string(bytes.TrimSpace(value))); err == nil && seconds > 0 && bytes.EqualFold(name, []byte("Retry-After")) {
				a.retryAfter = time.Duration(min(seconds, maxBenchWaitSeconds)) * time.Second
			}
		case len("Connection"):
			a.last = a.last || bytes.EqualFold(name, []byte("Connection")) && bytes.EqualFold(bytes.TrimSpace(value), []byte("close"))
		}
	}
}

// exactly reads a body of a length that was told.
func (w *wire) exactly(length int) ([]byte, error) {
	if cap(w.body) < length {
		w.body = make([]byte, length)
	}
	w.body = w.body[:length]
	_, err := io.ReadFull(w.in, w.body)
	return w.body, err
}

// chunks reads a body in chunks, and the trailer behind it.
func (w *wire) chunks() ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(httputil.NewChunkedReader(w.in), maxBenchAnswer))
	if err != nil {
		return nil, err
	}
	_, _, err = w.header(new(answer))
	return body, err
}
