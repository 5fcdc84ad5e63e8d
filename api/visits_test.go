package api

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"tinyurl/fsm/link"
)

// listenLean serves the redirects of f, and nothing else, on a listener of their own.
func (f *fixture) listenLean(t testing.TB, certificate GetCertificate) string {
	t.Helper()
	server := NewRedirectServer(f.Server, certificate, f.config.Logger)
	return run(t, server, server.Serve)
}

// rawVisit is one request as bytes, and what is known of its answer beforehand.
type rawVisit struct {
	name, raw string
	status    int
	// prepare changes the service for this request.
	prepare func(*fakeService)
	// asMain is what the main listener is sent instead, where the lean one shall answer as if something were not there.
	asMain string
	// closes says that the lean listener alone closes the connection, with a header that says so.
	closes bool
}

const (
	hostLine   = "Host: sho.rt\r\n"
	blank      = "\r\n"
	wantsJSON  = "Accept: application/json\r\n"
	longTarget = "https://example.com/ü/\U0001f600?q=%20%zz+a b\"<>|\\^`{}#frag\xff\xfe"
)

func getting(path string, header ...string) string {
	return "GET " + path + " HTTP/1.1\r\n" + hostLine + strings.Join(header, "") + blank
}

// visits are all that anybody may send. The answers of both listeners must not differ.
func visits() []rawVisit { return append(plainRequests(), visitsOfLinks()...) }

// plainRequests are those of links that are a target and nothing else, and of what is no link.
func plainRequests() []rawVisit {
	failing := func(err error) func(*fakeService) { return func(s *fakeService) { s.fail = err } }
	late := func(d time.Duration) func(*fakeService) { return func(s *fakeService) { s.late = d } }
	none := func(path string) rawVisit {
		return rawVisit{name: "nothing at " + path, raw: getting(path), status: 404, asMain: getting("/nothing/here")}
	}
	return []rawVisit{
		{name: "hit", raw: getting("/abc"), status: 302},
		{name: "hit with a browser's header", raw: getting("/abc", "User-Agent: Mozilla/5.0 (X11)\r\nAccept: text/html,*/*;q=0.8\r\n"+
			"Accept-Language: de\r\nCookie: a=b; c=d\r\nConnection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\n"), status: 302},
		{name: "HEAD", raw: "HEAD /abc HTTP/1.1\r\n" + hostLine + blank, status: 302},
		{name: "odd target", raw: getting("/odd"), status: 302},
		{name: "long target", raw: getting("/long"), status: 302},
		{name: "a query", raw: getting("/abc?a=1&b=%zz"), status: 302},
		{name: "an empty query", raw: getting("/abc?"), status: 302},
		{name: "a query that is not ASCII", raw: getting("/abc?ü"), status: 302},
		{name: "escaped", raw: getting("/%61bc"), status: 302},
		{name: "escaped wrongly", raw: getting("/%zz"), status: 400},
		{name: "escaped slash", raw: getting("/a%2Fbc"), status: 404},
		{name: "trailing slash", raw: getting("/abc/"), status: 404},
		{name: "two slashes", raw: getting("//abc"), status: 404},
		{name: "dots", raw: getting("/../abc"), status: 404},
		{name: "not ASCII", raw: getting("/ü"), status: 404},
		{name: "longest code", raw: getting("/" + strings.Repeat("a", 128)), status: 302},
		{name: "longer than any code", raw: getting("/" + strings.Repeat("a", 129)), status: 404},
		{name: "very long path", raw: getting("/" + strings.Repeat("a", 9000)), status: 404},
		{name: "expires later", raw: getting("/later"), status: 302},
		{name: "expired", raw: getting("/past"), status: 410},
		{name: "expired, as JSON", raw: getting("/past", wantsJSON), status: 410},
		{name: "expired, HEAD", raw: "HEAD /past HTTP/1.1\r\n" + hostLine + blank, status: 410},
		{name: "deleted", raw: getting("/buried"), status: 410},
		{name: "unknown", raw: getting("/unknown"), status: 404},
		{name: "unknown, as JSON", raw: getting("/unknown", wantsJSON), status: 404},
		{name: "unknown, JSON in two fields", raw: getting("/unknown", "Accept: text/html;q=0.1\r\naccept: application/problem+json\r\n"), status: 404},
		{name: "unknown, HEAD", raw: "HEAD /unknown HTTP/1.1\r\n" + hostLine + wantsJSON + blank, status: 404},
		{name: "a reserved word", raw: getting("/login"), status: 404},
		{name: "a path of browsers", raw: getting("/favicon.ico"), status: 404},
		{name: "no leader", raw: getting("/unknown"), status: 503, prepare: failing(fmt.Errorf("n2: %w", link.ErrNoLeader))},
		{name: "no leader, as JSON", raw: getting("/unknown", wantsJSON), status: 503, prepare: failing(link.ErrNoLeader)},
		{name: "failed", raw: getting("/abc"), status: 500, prepare: failing(errUnheardOf)},
		{name: "stale", raw: getting("/abc"), status: 302, prepare: late(1500 * time.Microsecond)},
		{name: "stale and unknown", raw: getting("/unknown", wantsJSON), status: 404, prepare: late(time.Hour)},
		{name: "panic", raw: getting("/abc"), status: 500, prepare: func(s *fakeService) { s.panics = errUnheardOf }},
		{name: "panic, HEAD", raw: "HEAD /abc HTTP/1.1\r\n" + hostLine + blank, status: 500, prepare: func(s *fakeService) { s.panics = 1 }},
		{name: "broken off", raw: getting("/abc"), prepare: func(s *fakeService) { s.panics = http.ErrAbortHandler }},
		{name: "close", raw: getting("/abc", "Connection: close\r\n"), status: 302},
		{name: "Close", raw: getting("/abc", "connection: Close \r\n"), status: 302},
		{name: "close in a list", raw: getting("/abc", "Connection: a, close\r\n"), status: 302},
		{name: "close, unknown", raw: getting("/unknown", "Connection: close\r\n"), status: 404},
		{name: "upgrade", raw: getting("/abc", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"), status: 302},
		{name: "HTTP/1.0", raw: "GET /abc HTTP/1.0\r\n\r\n", status: 302},
		{name: "HTTP/1.0, unknown", raw: "GET /unknown HTTP/1.0\r\n\r\n", status: 404},
		{name: "HTTP/1.0, keep-alive", raw: "GET /abc HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", status: 302},
		{name: "HTTP/1.2", raw: "GET /abc HTTP/1.2\r\n" + hostLine + blank, status: 302},
		{name: "HTTP/9.9", raw: "GET /abc HTTP/9.9\r\n" + hostLine + blank, status: 505},
		{name: "HTTP/2 preface", raw: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", status: 404},
		{name: "POST", raw: "POST /abc HTTP/1.1\r\n" + hostLine + blank, status: 405},
		{name: "OPTIONS", raw: "OPTIONS /abc HTTP/1.1\r\n" + hostLine + blank, status: 405},
		{name: "get", raw: "get /abc HTTP/1.1\r\n" + hostLine + blank, status: 405},
		{name: "TRACE", raw: "TRACE /abc HTTP/1.1\r\n" + hostLine + blank, status: 405},
		{name: "OPTIONS *", raw: "OPTIONS * HTTP/1.1\r\n" + hostLine + blank, status: 200},
		{name: "GET *", raw: "GET * HTTP/1.1\r\n" + hostLine + blank, status: 404},
		{name: "CONNECT", raw: "CONNECT example.com:443 HTTP/1.1\r\n" + hostLine + blank, status: 404},
		{name: "absolute", raw: "GET http://other.example/abc HTTP/1.1\r\n" + hostLine + blank, status: 302},
		{name: "absolute, host alone", raw: "GET http://other.example/nothing/here HTTP/1.1\r\n" + hostLine + blank, status: 404},
		{name: "no slash", raw: "GET abc HTTP/1.1\r\n" + hostLine + blank, status: 400},
		{name: "a blank in the target", raw: "GET /a bc HTTP/1.1\r\n" + hostLine + blank, status: 400},
		{name: "no host", raw: "GET /abc HTTP/1.1\r\n\r\n", status: 400},
		{name: "an empty host", raw: "GET /abc HTTP/1.1\r\nHost: \r\n\r\n", status: 302},
		{name: "two hosts", raw: "GET /abc HTTP/1.1\r\n" + hostLine + hostLine + blank, status: 400},
		{name: "a bad host", raw: "GET /abc HTTP/1.1\r\nHost: a b\r\n\r\n", status: 400},
		{name: "an odd host", raw: "GET /abc HTTP/1.1\r\nHost: a&b\r\n\r\n", status: 302},
		{name: "length 0", raw: getting("/abc", "Content-Length: 0\r\n"), status: 302},
		{name: "unknown expectation", raw: getting("/abc", "Expect: tea\r\n"), status: 417},
		{name: "GET with a body", raw: getting("/abc", "Content-Length: 5\r\n") + "hello", status: 302, closes: true},
		{name: "GET in chunks", raw: getting("/abc", "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n", status: 302, closes: true},
		{
			name: "POST with a body", status: 405, closes: true,
			raw: "POST /abc HTTP/1.1\r\n" + hostLine + "Content-Length: 5\r\n\r\nhello",
		},
		none("/"), none("/healthz"), none("/readyz?write"), none("/metrics"), none("/docs/"), none("/static/a.css"),
		{name: "nothing at /healthz, POST", raw: "POST /healthz HTTP/1.1\r\n" + hostLine + blank, status: 404, asMain: getting("/nothing/here")},
		{name: "the API's root", raw: getting("/api"), status: 404},
		{name: "the API's create", raw: "POST /api/v1/links HTTP/1.1\r\n" + hostLine + blank, status: 404, asMain: "POST /api/v1/nopes HTTP/1.1\r\n" + hostLine + blank},
		{name: "the API's cluster", raw: getting("/api/v1/cluster"), status: 404, asMain: getting("/api/v1/nothing")},
	}
}

var instance = regexp.MustCompile(`"instance":"[^"]*"`)

// newVisited is a fixture with the links of visits.
func newVisited(t testing.TB, change ...func(*Config)) *fixture {
	t.Helper()
	f := newFixture(t, change...)
	f.add("abc", "https://example.com/")
	f.add("odd", longTarget)
	f.add("long", "https://example.com/"+strings.Repeat("x", 8100))
	f.add(strings.Repeat("a", 128), "https://example.com/a")
	f.add("past", "https://example.com", func(l *link.Link) { l.ValidUntil = noon })
	f.add("later", "https://example.com", func(l *link.Link) { l.ValidUntil = noon.Add(time.Millisecond) })
	f.service.deleted["buried"] = true
	locked := link.PasswordHash("$fake$" + hex.EncodeToString([]byte("open sesame")))
	for code, fields := range map[string]link.Fields{
		"moved": {Redirect: 301}, "keeps": {Redirect: 307}, "perm": {Redirect: 308}, "dropper": {DropQuery: true}, "query": {Title: "<q>"},
		"many": {MaxVisits: 1000}, "spent": {MaxVisits: 3}, "off": {Disabled: true}, "future": {ValidSince: noon.Add(time.Millisecond)},
		"locked": {Password: locked}, "lockedmany": {Password: locked, MaxVisits: 1000, Redirect: 308},
	} {
		f.add(code, "https://example.com/?a=0&b=2&b=3#top", func(l *link.Link) {
			fields.Target = l.Target
			l.Fields, l.Visits = fields, 3
		})
	}
	return f
}

func TestBothListenersGiveTheSameAnswers(t *testing.T) {
	for _, v := range visits() {
		t.Run(v.name, func(t *testing.T) {
			f := newVisited(t)
			if v.prepare != nil {
				v.prepare(f.service)
			}
			main, lean := f.listenBare(t), f.listenLean(t, nil)
			asMain := v.raw
			if v.asMain != "" {
				asMain = v.asMain
			}
			// Twice, as the second request of a connection is not read like the first; and two in one piece.
			for _, ahead := range []string{"", getting("/healthz2"), getting("/healthz2") + getting("/healthz2")} {
				want, got := exchange(t, main, ahead, asMain), exchange(t, lean, ahead, v.raw)
				if v.asMain != "" { // each names its own path
					want.body, got.body = instance.ReplaceAllString(want.body, ""), instance.ReplaceAllString(got.body, "")
				}
				if v.closes {
					want.open = false
					want.header.Set("Connection", "close")
				}
				if got.status != v.status || got.text() != want.text() {
					t.Fatalf("after %q:\nthe lean listener says\n%s\nthe main one\n%s", ahead, got.text(), want.text())
				}
			}
		})
	}
}

// told is one answer, and whether another request was answered after it.
type told struct {
	status int
	proto  string
	header http.Header
	body   string
	open   bool
}

// text is everything but the order of the header fields and the time.
func (a told) text() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %d, open %v\n", a.proto, a.status, a.open)
	if date, err := http.ParseTime(a.header.Get("Date")); err == nil && time.Since(date).Abs() < time.Minute {
		a.header.Set("Date", "now")
	}
	_ = a.header.Write(&b) // sorted
	return b.String() + a.body
}

// exchange sends ahead and raw in one piece, and a request after the answers.
func exchange(t *testing.T, address, ahead, raw string) told {
	t.Helper()
	conn := dial(t, address)
	if _, err := io.WriteString(conn, ahead+raw); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	for range strings.Count(ahead, blank+blank) {
		if _, ok := readTold(t, reader, "GET"); !ok {
			return told{}
		}
	}
	method, _, _ := strings.Cut(raw, " ")
	a, ok := readTold(t, reader, method)
	if !ok {
		return a
	}
	if _, err := io.WriteString(conn, getting("/healthz2")); err == nil {
		_, a.open = readTold(t, reader, "GET")
	}
	return a
}

// readTold reads one answer, if there is one.
func readTold(t *testing.T, reader *bufio.Reader, method string) (told, bool) {
	t.Helper()
	response, err := http.ReadResponse(reader, &http.Request{Method: method})
	if err != nil {
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			t.Fatal("neither an answer nor an end")
		}
		return told{}, false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return told{status: response.StatusCode, proto: response.Proto, header: rawHeader(response), body: string(body)}, true
}

// rawHeader puts back what ReadResponse takes out of the header.
func rawHeader(r *http.Response) http.Header {
	h := r.Header
	if r.Close && h.Get("Connection") == "" {
		h.Set("Connection", "close")
	}
	if len(r.TransferEncoding) > 0 {
		h["Transfer-Encoding"] = r.TransferEncoding
	}
	return h
}
