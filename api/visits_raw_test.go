package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"tinyurl/test/bubble"
)

// What two servers in a row could cut into requests in two ways is answered once at most, and the connection closed.
func TestNothingIsReadBehindAnAmbiguousRequest(t *testing.T) {
	const hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
	head := "GET /abc HTTP/1.1\r\n" + hostLine
	for name, test := range map[string]struct {
		raw    string
		status int
	}{
		"a body":                      {head + "Content-Length: 33\r\n\r\n" + hidden, 302},
		"a body that is not awaited":  {head + "Content-Length: 5\r\n\r\nhello" + hidden, 302},
		"chunks":                      {head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 302},
		"chunks of another spelling":  {head + "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n" + hidden, 302},
		"length and chunks":           {head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 400},
		"chunks and length":           {head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + hidden, 400},
		"two lengths":                 {head + "Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello" + hidden, 400},
		"two equal lengths":           {head + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" + hidden, 400},
		"a list of lengths":           {head + "Content-Length: 5, 5\r\n\r\nhello" + hidden, 400},
		"a length with a sign":        {head + "Content-Length: +5\r\n\r\nhello" + hidden, 400},
		"a negative length":           {head + "Content-Length: -1\r\n\r\n" + hidden, 400},
		"a huge length":               {head + "Content-Length: 99999999999999999999\r\n\r\n" + hidden, 400},
		"two codings":                 {head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 400},
		"chunked and identity":        {head + "Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n" + hidden, 400},
		"an unknown coding":           {head + "Transfer-Encoding: xchunked\r\n\r\n" + hidden, 400},
		"chunked with a tab":          {head + "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + hidden, 302},
		"a vertical tab":              {head + "Transfer-Encoding: \x0bchunked\r\n\r\n" + hidden, 400},
		"a space before the colon":    {head + "Content-Length : 5\r\n\r\nhello" + hidden, 400},
		"a tab before the colon":      {head + "Content-Length\t: 5\r\n\r\nhello" + hidden, 400},
		"a space before the name":     {head + " Content-Length: 5\r\n\r\nhello" + hidden, 400},
		"a folded line":               {head + "X: a\r\n Content-Length: 5\r\n\r\nhello" + hidden, 400},
		"a folded length":             {head + "Content-Length:\r\n 5\r\n\r\nhello" + hidden, 400},
		"a folded first line":         {"GET /abc HTTP/1.1\r\n Host: a\r\n\r\n" + hidden, 400},
		"bare LF in the header":       {head + "X: a\nContent-Length: 5\r\n\r\nhello" + hidden, 400},
		"bare LF at the end":          {head + "X: a\r\n\n" + hidden, 400},
		"bare CR in a value":          {head + "X: a\rContent-Length: 5\r\n\r\nhello" + hidden, 400},
		"NUL in a value":              {head + "X: a\x00b\r\n\r\n" + hidden, 400},
		"NUL in a name":               {head + "X\x00: a\r\n\r\n" + hidden, 400},
		"no colon":                    {head + "Content-Length\r\n\r\n" + hidden, 400},
		"no name":                     {head + ": 5\r\n\r\n" + hidden, 400},
		"CR CR LF":                    {head + "X: a\r\r\n\r\n" + hidden, 400},
		"no version":                  {"GET /abc\r\n" + hostLine + blank + hidden, 400},
		"a control byte in the path":  {"GET /abc?\x01 HTTP/1.1\r\n" + hostLine + blank, 400},
		"a body, waiting for 100":     {head + "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", 302},
		"POST with another behind it": {"POST /abc HTTP/1.1\r\n" + hostLine + "Content-Length: 5\r\n\r\nhello" + hidden, 405},
		"a trailer":                   {head + "Trailer: Content-Length\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n" + hidden, 400},
		"nothing but a line end":      {"\r\n\r\n\r\nnonsense\r\n\r\n" + hidden, 400},
		"TLS":                         {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n" + hidden, 400},
	} {
		t.Run(name, func(t *testing.T) {
			f := newVisited(t, func(c *Config) { c.Limits.ReadHeader = 2 * time.Second }) // so long a body is waited for
			asked := make(chan struct{}, 9)
			f.service.entered = func() { asked <- struct{}{} }
			conn := dial(t, f.listenLean(t, nil))
			if _, err := io.WriteString(conn, test.raw); err != nil {
				t.Fatal(err)
			}
			reader := bufio.NewReader(conn)
			a, ok := readTold(t, reader, "GET")
			if !ok || a.status != test.status {
				t.Errorf("status %d, want %d", a.status, test.status)
			}
			if test.status != 302 && len(asked) > 0 || len(asked) > 1 {
				t.Errorf("%d codes were looked up", len(asked))
			}
			if b, more := readTold(t, reader, "GET"); more {
				t.Errorf("what stood behind was answered: %s", b.text())
			}
		})
	}
}

func TestTheHeaderHasItsLimit(t *testing.T) {
	f := newVisited(t)
	for _, address := range []string{f.listenLean(t, nil), f.listen(t, Limits{}, nil)} {
		for size, want := range map[int]int{15 << 10: 302, 16 << 10: 431, 17 << 10: 431, 1 << 20: 431} {
			for _, path := range []string{"/abc", "/a.b"} { // answered here, and by net/http
				conn := dial(t, address)
				go func() { _, _ = io.WriteString(conn, getting(path, "X-Long: "+strings.Repeat("x", size)+"\r\n")) }()
				a, ok := readTold(t, bufio.NewReader(conn), "GET")
				if want == 302 && path == "/a.b" {
					want = 404
				}
				if ok && a.status != want || !ok && size < 1<<20 { // a reset may overtake the answer to somebody who goes on sending
					t.Errorf("%d bytes for %s: %v, status %d, want %d", size, path, ok, a.status, want)
				}
			}
		}
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	f := newVisited(t)
	var raw strings.Builder
	for range 50 {
		raw.WriteString(getting("/abc") + getting("/unknown"))
	}
	raw.WriteString(getting("/a.b") + getting("/abc"))
	for _, address := range []string{f.listenBare(t), f.listen(t, Limits{}, nil), f.listenLean(t, nil)} {
		conn := dial(t, address)
		go func() { _, _ = io.WriteString(conn, raw.String()) }()
		reader := bufio.NewReader(conn)
		for i := range 102 {
			a, ok := readTold(t, reader, "GET")
			if want := map[bool]int{true: 302, false: 404}[i%2 == 0 && i < 100 || i == 101]; !ok || a.status != want {
				t.Fatalf("answer %d: %v, status %d, want %d", i, ok, a.status, want)
			}
		}
	}
}

// slowly sends pieces, one when the one before had its time, until the other side hangs up.
func slowly(t *testing.T, conn net.Conn, pause time.Duration, piece string) {
	t.Helper()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if _, err := io.WriteString(conn, piece); err != nil {
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				t.Fatal("the connection is still open")
			}
			return
		}
		<-tick.C
	}
}

func TestSlowClientsAreGivenUp(t *testing.T) {
	l := Limits{ReadHeader: 400 * time.Millisecond, Write: 400 * time.Millisecond, Idle: 400 * time.Millisecond}
	slowAt := func(t *testing.T, name string) net.Conn {
		f := newFixture(t, func(c *Config) { c.Limits = l })
		f.add("abc", "https://example.com/"+strings.Repeat("x", 8000))
		if name == "front" {
			return connect(t, f.inMemory(t, l, nil))
		}
		listener, way := memory(t)
		server := NewRedirectServer(f.Server, nil, f.config.Logger)
		runOn(t, server, func() error { return server.Serve(listener) })
		return connect(t, way)
	}
	for _, name := range []string{"lean", "front"} {
		inBubble(t, name+", silent", func(t *testing.T) { closed(t, slowAt(t, name)) })
		// Each byte in time, the whole not: of a visit, of what is given to net/http at once, and of what is so only late.
		for _, head := range []string{"GET /abc HTTP/1.1\r\nX: ", "POST /api/v1/links HTTP/1.1\r\nX: ", "GET /abc HTTP/1.1\r\nExpect: "} {
			inBubble(t, name+", a header that never ends, "+head, func(t *testing.T) {
				conn := slowAt(t, name)
				if _, err := io.WriteString(conn, head); err != nil {
					t.Fatal(err)
				}
				slowly(t, conn, 10*time.Millisecond, "x")
			})
		}
		for _, raw := range []string{getting("/abc"), getting("/abc") + "GET", getting("/a.b")} {
			inBubble(t, fmt.Sprintf("%s, idle after %q", name, raw), func(t *testing.T) {
				conn := slowAt(t, name)
				if _, err := io.WriteString(conn, raw); err != nil {
					t.Fatal(err)
				}
				answerOn(t, conn)
				closed(t, conn)
			})
		}
		inBubble(t, name+", does not read", func(t *testing.T) {
			slowly(t, slowAt(t, name), time.Nanosecond, getting("/abc"))
		})
	}
}

// A call whose header comes late on a connection has what was left of the time, not the whole time again.
func TestAHandOverGivesNoMoreTime(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const limit = time.Second
		f := newFixture(t)
		conn := connect(t, f.inMemory(t, Limits{ReadHeader: limit}, nil))
		begun := time.Now()
		tick := time.NewTicker(limit / 4)
		defer tick.Stop()
		for _, piece := range []string{"GET /abc HTTP/1.1\r\n", "Host: a\r\n", "Expect: 100-continue\r\n"} {
			if _, err := io.WriteString(conn, piece); err != nil {
				t.Fatal(err)
			}
			<-tick.C
		}
		closed(t, conn)
		if took := time.Since(begun); took > limit*3/2 {
			t.Errorf("the connection was closed after %v", took)
		}
	})
}
