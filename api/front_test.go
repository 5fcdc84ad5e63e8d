package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// fronted are requests as bytes that only the main listener answers, or reads in its own way: what net/http says of them must come
// through the front unchanged. Some are several requests.
func fronted() map[string]string {
	const body = `{"longUrl":"https://example.org/ü","customSlug":"mine"}`
	head := "GET /abc HTTP/1.1\r\n" + hostLine
	post := func(path, body string, header ...string) string {
		return "POST " + path + " HTTP/1.1\r\n" + hostLine + keyLine + strings.Join(header, "") + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body
	}
	create := post("/api/v1/links", body)
	visit, unknown, health := getting("/abc"), getting("/unknown"), getting("/healthz")
	long := "X-Long: " + strings.Repeat("x", 5000) + "\r\n"
	return map[string]string{
		"the front page":  getting("/"),
		"health":          health,
		"health, HEAD":    "HEAD /healthz HTTP/1.1\r\n" + hostLine + blank,
		"health, POST":    "POST /healthz HTTP/1.1\r\n" + hostLine + blank,
		"ready":           getting("/readyz?write"),
		"the API's root":  getting("/api"),
		"cluster":         getting("/api/v1/cluster", keyLine),
		"without a key":   getting("/api/v1/cluster"),
		"OPTIONS":         "OPTIONS /api/v1/links HTTP/1.1\r\n" + hostLine + blank,
		"delete":          "DELETE /api/v1/links/abc HTTP/1.1\r\n" + hostLine + keyLine + blank + visit,
		"create":          create,
		"create, chunked": "POST /api/v1/links HTTP/1.1\r\n" + hostLine + keyLine + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body),
		"create, waiting": "POST /api/v1/links HTTP/1.1\r\n" + hostLine + keyLine + fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body)) + body,
		"visits, then a create, then visits of it": visit + unknown + visit + create + getting("/mine") + visit,
		"all sorts of things":                      visit + health + visit + getting("/%61bc") + unknown + getting("/api/v1/links/abc", keyLine) + getting("/") + visit,
		"a body on a visit, visits around it":      visit + getting("/abc", "Content-Length: 5\r\n") + "hello" + visit,
		"a body that is a request":                 visit + getting("/abc", fmt.Sprintf("Content-Length: %d\r\n", len(unknown))) + unknown + visit,
		"chunks":                                   visit + getting("/abc", "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n" + visit,
		"empty lines behind a POST":                post("/abc", "") + "\r\n" + visit,
		"empty lines behind a visit":               visit + "\r\n\r\n" + visit,
		"long headers":                             getting("/abc", long) + getting("/abc", long, long) + getting("/healthz", long, long) + getting("/abc", long),
		"a header that is too long":                getting("/abc", long, long, long, long),
		"a path that is too long":                  getting("/abc?" + strings.Repeat("x", 20000)),
		"many visits":                              strings.Repeat(visit+unknown, 50),
		"visits of all sorts of links":             visit + getting("/moved") + getting("/query?b=9") + getting("/locked") + getting("/many") + getting("/off") + visit,
		"a password between visits":                getting("/locked") + posting("/locked", "password=sesame") + posting("/locked", "password=open+sesame") + visit,
		"a form between visits, too long":          visit + posting("/locked", strings.Repeat("x", 5000)) + visit,
		"a form for a route beside codes":          visit + posting("/healthz", "password=x") + posting("/api", "password=x") + visit,

		"length and chunks":          head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + visit,
		"chunks and length":          visit + head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + visit,
		"two lengths":                head + "Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello" + visit,
		"two equal lengths":          visit + head + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" + visit,
		"a list of lengths":          head + "Content-Length: 5, 5\r\n\r\nhello" + visit,
		"a length with a sign":       head + "Content-Length: +5\r\n\r\nhello" + visit,
		"a huge length":              head + "Content-Length: 99999999999999999999\r\n\r\n" + visit,
		"two codings":                head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + visit,
		"an unknown coding":          head + "Transfer-Encoding: xchunked\r\n\r\n" + visit,
		"a coding with a tab":        head + "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + visit,
		"a coding with a tab in it":  head + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + visit,
		"a space before the colon":   visit + head + "Content-Length : 5\r\n\r\nhello" + visit,
		"a folded line":              visit + head + "X: a\r\n Content-Length: 5\r\n\r\nhello" + visit,
		"a folded length":            head + "Content-Length:\r\n 5\r\n\r\nhello" + visit,
		"a folded first line":        "GET /abc HTTP/1.1\r\n Host: a\r\n\r\n" + visit,
		"bare LF":                    visit + "GET /abc HTTP/1.1\nHost: a\n\n" + visit,
		"bare LF in the header":      head + "X: a\nContent-Length: 5\r\n\r\nhello" + visit,
		"bare LF at the end":         head + "X: a\r\n\n" + visit,
		"bare CR in a value":         head + "X: a\rContent-Length: 5\r\n\r\nhello" + visit,
		"NUL in a value":             visit + head + "X: a\x00b\r\n\r\n" + visit,
		"NUL in a name":              head + "X\x00: a\r\n\r\n" + visit,
		"no colon":                   head + "Content-Length\r\n\r\n" + visit,
		"no name":                    head + ": 5\r\n\r\n" + visit,
		"CR CR LF":                   head + "X: a\r\r\n\r\n" + visit,
		"no version":                 "GET /abc\r\n" + hostLine + blank + visit,
		"two blanks":                 "GET  /abc HTTP/1.1\r\n" + hostLine + blank + visit,
		"a control byte in the path": "GET /abc?\x01 HTTP/1.1\r\n" + hostLine + blank,
		"a trailer":                  head + "Trailer: X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 5\r\n\r\n" + visit,
		"a nominated Host":           head + "Connection: Host\r\n\r\n" + visit,
		"nothing but line ends":      "\r\n\r\n\r\nnonsense\r\n\r\n" + visit,
		"TLS":                        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n" + visit,
		"nonsense":                   "\x00\xff\r\n",
		"HTTP/2":                     "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + visit,
	}
}

var dateField = regexp.MustCompile(`Date: [^\r]*`)

// conversation sends pieces and gives every byte that comes back until the other side hangs up.
func conversation(t *testing.T, address string, pieces ...string) string {
	t.Helper()
	conn := dial(t, address)
	var sending sync.WaitGroup
	defer sending.Wait()
	sending.Go(func() {
		for _, piece := range pieces {
			if _, err := io.WriteString(conn, piece); err != nil {
				return // refused; what was said is read below
			}
		}
	})
	text, err := io.ReadAll(conn)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() { //nolint:errorlint // a connection's own error
		t.Fatalf("still open after %q", text)
	}
	return dateField.ReplaceAllString(string(text), "Date: now")
}

// in cuts text into pieces of so many bytes.
func in(pieces int, text string) []string {
	var cut []string
	for len(text) > pieces {
		cut = append(cut, text[:pieces])
		text = text[pieces:]
	}
	return append(cut, text)
}

func TestTheFrontChangesNoByte(t *testing.T) {
	type exchange struct {
		name, raw string
		prepare   func(*fakeService)
	}
	var exchanges []exchange
	for name, raw := range fronted() {
		exchanges = append(exchanges, exchange{name: name, raw: raw})
	}
	for _, v := range visits() {
		exchanges = append(exchanges, exchange{v.name, v.raw, v.prepare}, exchange{"after a visit: " + v.name, getting("/abc") + v.raw, v.prepare})
	}
	last := getting("/later", "Connection: close\r\n")
	sizes := []int{1 << 20, 4096, 100, 7, 1}
	if raceDetector { // which hears nothing new of the same goroutines in other pieces
		sizes = []int{4096, 7}
	}
	for _, e := range exchanges {
		t.Run(e.name, func(t *testing.T) {
			newService := func() *fixture {
				f := newVisited(t, func(c *Config) { c.Now = func() time.Time { return noon } }) // /metrics tells of times
				if e.prepare != nil {
					e.prepare(f.service)
				}
				return f
			}
			want := conversation(t, newService().listenBare(t), e.raw+last)
			for _, pieces := range sizes {
				if len(e.raw)/pieces > 1000 {
					continue
				}
				if got := conversation(t, newService().listen(t, Limits{}, nil), in(pieces, e.raw+last)...); got != want {
					t.Fatalf("in pieces of %d bytes: with the front\n%q\nwithout\n%q", pieces, got, want)
				}
			}
		})
	}
}

func TestWhoStopsInTheMiddleIsAnsweredAsByNetHTTP(t *testing.T) {
	f := newVisited(t)
	bare, front := f.listenBare(t), f.listen(t, Limits{}, nil)
	for _, raw := range []string{
		"", "G", "GET /abc HTTP/1.1", "GET /abc HTTP/1.1\r\n", "GET /abc HTTP/1.1\r\nHost: a\r\nX", "POST /api/v1/links HTTP/1.1\r\nHost",
		getting("/abc") + "GET /a", getting("/abc") + "GET", getting("/abc") + "\r\n", "\x00",
	} {
		var said []string
		for _, address := range []string{bare, front} {
			conn := dial(t, address)
			reader := bufio.NewReader(conn)
			before, rest, more := strings.Cut(raw, blank+blank)
			if more { // the end of what a client sends may end what is done for it
				if _, err := io.WriteString(conn, before+blank+blank); err != nil {
					t.Fatal(err)
				}
				if _, ok := readTold(t, reader, "GET"); !ok {
					t.Fatal("no answer")
				}
			} else {
				rest = before
			}
			if _, err := io.WriteString(conn, rest); err != nil {
				t.Fatal(err)
			}
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(reader)
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, string(text))
		}
		if said[0] != said[1] {
			t.Errorf("%q: with the front %q, without %q", raw, said[1], said[0])
		}
	}
}

// Who waits for "100 Continue" gets it from net/http, also behind a visit.
func TestAClientThatWaitsIsToldToGoOn(t *testing.T) {
	const body = `{"longUrl":"https://example.org/"}`
	f := newVisited(t)
	conn := dial(t, f.listen(t, Limits{}, nil))
	reader := bufio.NewReader(conn)
	for _, step := range []struct {
		send   string
		status int
	}{
		{getting("/abc"), 302},
		{"POST /api/v1/links HTTP/1.1\r\n" + hostLine + keyLine + fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body)), 100},
		{body, 201},
		{getting("/abc"), 302},
	} {
		if _, err := io.WriteString(conn, step.send); err != nil {
			t.Fatal(err)
		}
		if a, ok := readTold(t, reader, "GET"); !ok || a.status != step.status {
			t.Fatalf("%q: %v, status %d", step.send, ok, a.status)
		}
	}
}

// Without a visit there is nothing to count as one, however the connection began.
func TestACallBehindAVisitIsCountedOnce(t *testing.T) {
	f := newVisited(t)
	conversation(t, f.listen(t, Limits{}, nil), getting("/abc")+getting("/healthz")+getting("/abc", "Connection: close\r\n"))
	for route, want := range map[string]float64{"/:code": 2, "/healthz": 1} {
		until(t, route+" is counted", func() bool {
			return f.metric("tinyurl_http_requests_total", "route", route, "method", "GET") == want
		})
	}
	if total := f.metric("tinyurl_http_requests_total"); total != 3 {
		t.Errorf("%v requests were counted", total)
	}
	if inside := f.visits.inside.Load() + f.calls.inside.Load(); inside != 0 {
		t.Errorf("%d are still in flight", inside)
	}
}

// A route of the API that looks like a code is the API's.
func TestRoutesBesideCodesAreNotLookedUp(t *testing.T) {
	f := newVisited(t)
	for code := range f.namesakes() {
		got := conversation(t, f.listen(t, Limits{}, nil), getting("/"+code, "Connection: close\r\n"))
		if want := conversation(t, f.listenBare(t), getting("/"+code, "Connection: close\r\n")); code != "metrics" && got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
	if len(f.namesakes()) < 3 || f.service.inside.Load() != 0 {
		t.Errorf("%v: %d were looked up", f.namesakes(), f.service.inside.Load())
	}
}
