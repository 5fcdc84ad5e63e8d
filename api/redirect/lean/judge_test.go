package lean

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"
)

const start = "GET /abc HTTP/1.1\r\n"

// judged gives the verdict on all of raw, which must be the same however it arrives.
func judged(t testing.TB, raw string, strict bool) (verdict, request) {
	t.Helper()
	whole := request{strict: strict}
	v := whole.judge([]byte(raw))
	piecemeal := request{strict: strict}
	for n := range len(raw) + 1 {
		if w := piecemeal.judge([]byte(raw[:n])); w != unfinished {
			if w != v || piecemeal != whole {
				t.Fatalf("%q: %v %+v as a whole, %v %+v byte by byte", raw, v, whole, w, piecemeal)
			}
			return v, whole
		}
	}
	if v != unfinished {
		t.Fatalf("%q: %v as a whole, unfinished byte by byte", raw, v)
	}
	return v, whole
}

func TestWhatIsPlain(t *testing.T) {
	for target, want := range map[string]bool{
		"/a": true, "/aB9-_": true, "/a?": true, "/a?b=%zz#&": true, "/" + strings.Repeat("a", 128): true, "/a??": true,
		"": false, "/": false, "/-a": false, "/_a": false, "a": false, "//a": false, "/a/": false, "/a.b": false, "/%61": false, "/ü": false,
		"/a?ü": false, "/a? ": false, "/a?\x7f": false, "/a?\t": false, "/?a": false, "/a#b": false, "/a;b": false, "*": false,
		"/" + strings.Repeat("a", 129): false, "http://a/b": false,
	} {
		if got := plainTarget([]byte(target)); got != want {
			t.Errorf("%q: %v", target, got)
		}
	}
	for raw, want := range map[string]verdict{
		"Host: a\r\n\r\n":                                plain,
		"Host: [::1]:80\r\n\r\n":                         plain,
		"hOST:\ta_b.example:1 \r\nX:\r\n\r\n":            plain,
		"":                                               unfinished,
		"\r\n":                                           other,
		"Host: a\r\n":                                    unfinished,
		"Accept: a\r\n\r\n":                              other,
		"Host: a\r\nHost: a\r\n\r\n":                     other,
		"Host: a/b\r\n\r\n":                              other,
		"Host:\r\n\r\n":                                  other,
		"Host: a\r\nExpect: x\r\n\r\n":                   other,
		"Host: a\r\nUpgrade: x\r\n\r\n":                  other,
		"Host: a\r\nTrailer: x\r\n\r\n":                  other,
		"Host: a\r\nContent-length: 0\r\n\r\n":           other,
		"Host: a\r\nTransfer-Encoding: x\r\n\r\n":        broken,
		"Host: a\r\ntransfer-Encoding: Chunked \r\n\r\n": other,
		"Host: a\r\nConnection: upgrade\r\n\r\n":         other,
		"Host: a\r\nContent-Length:0\r\nContent-Length:0\r\n\r\n":   broken,
		"Host: a\r\nA:0\r\n\r\n\r\n":                                plain, // with something behind it
		"Host: a\n\n":                                               broken,
		"Host: a\r\nContent-Length : 0\r\n\r\n":                     broken,
		"Host: a\r\n X: 0\r\n\r\n":                                  broken,
		"Host: a\r\nX\r\n\r\n":                                      broken,
		"\r\nHost: a\r\n\r\n":                                       other,
		"Host: a\r\nX: a\rb\r\n\r\n":                                broken,
		"Host: a\r\nTransfer-Encoding:a\r\nContent-Length:\r\n\r\n": broken,
	} {
		if got, _ := judged(t, start+raw, true); got != want {
			t.Errorf("%q: %v, want %v", raw, got, want)
		}
		if want == broken {
			want = other // for net/http to say what it says
		}
		if got, _ := judged(t, start+raw, false); got != want {
			t.Errorf("not strictly: %q: %v, want %v", raw, got, want)
		}
	}
	for value, want := range map[string]bool{"close": true, "CLOSE ": true, "keep-alive": false, "Keep-Alive": false} {
		if v, r := judged(t, start+"Host: a\r\nConnection: "+value+"\r\n\r\n", true); v != plain || r.closes != want {
			t.Errorf("%q: %v, closes %v", value, v, r.closes)
		}
	}
	for line, want := range map[string]verdict{
		"GET /abc HTTP/1.1\r\n": plain, "HEAD /abc HTTP/1.1\r\n": plain,
		"GET /abc HTTP/1.1\n": broken, "\n": broken, "\r\n": other, "GET /abc\r\n": other, "GET  HTTP/1.1\r\n": other, "GET HTTP/1.1\r\n": other,
		" HTTP/1.1\r\n": other, "HEAD HTTP/1.1\r\n": other, "get /abc HTTP/1.1\r\n": other, "GET /abc HTTP/1.0\r\n": other, "POST /abc HTTP/1.1\r\n": other,
		"GET  /abc HTTP/1.1\r\n": other, "GET /abc  HTTP/1.1\r\n": other, "GET\t/abc HTTP/1.1\r\n": other, "GET /abc HTTP/1.1 \r\n": other,
		"GET HEAD /abc HTTP/1.1\r\n": other, "\r\nGET /abc HTTP/1.1\r\n": broken,
	} {
		v, r := judged(t, line+"Host: a\r\n\r\n", true)
		if v != want || v == plain && (string(r.code([]byte(line))) != "abc" || r.head != strings.HasPrefix(line, "HEAD")) {
			t.Errorf("%q: %v, want %v", line, v, want)
		}
		if v, r := judged(t, line, false); want != plain && (v != other || r.seen > len(line)) {
			t.Errorf("not strictly: %q: %v after %d bytes", line, v, r.seen)
		}
	}
}

// net/http's server looks at more than its parser: what it refuses afterwards must not be plain either.
func TestNoByteIsPlainThatNetHTTPRefuses(t *testing.T) {
	for c := range 256 {
		odd := "a" + string([]byte{byte(c)}) + "b"
		for header, allowed := range map[string]bool{
			"Host: a\r\nX: " + odd + "\r\n\r\n": httpguts.ValidHeaderFieldValue(odd),
			"Host: a\r\n" + odd + ": a\r\n\r\n": httpguts.ValidHeaderFieldName(odd) || c == ':',
			"Host: " + odd + "\r\n\r\n":         httpguts.ValidHostHeader(odd),
		} {
			for _, strict := range []bool{false, true} {
				if v, _ := judged(t, start+header, strict); v == plain && !allowed {
					t.Errorf("%q is plain", header)
				}
			}
		}
	}
}

// FuzzPlainIsPlainToNetHTTP holds both readers against each other: what is answered here is, to net/http, the same request, without a
// body, and ends at the same byte.
func FuzzPlainIsPlainToNetHTTP(f *testing.F) {
	for _, raw := range []string{
		"GET /abc HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD /abc?x HTTP/1.1\nHost: a\r\nConnection: close\r\n\r\nGET", "GET / HTTP/1.0\n\n",
		"GET /abc HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "GET /abc HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", "GET /abc HTTP/1.1\r\nHost: a\n\n",
		"GET /abc HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "GET /abc HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
		"A:\r\n\t\r\n \r\n\r\n", "GET /abc HTTP/1.1\r\nHost: a\r\nX: \x01\xff\r\n\r\n", "GET /abc HTTP/1.1\r\nHost:a\r\nCookie: a\r\ncookie: b\r\n\r\n",
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, strict := range []bool{false, true} {
			if v, r := judged(t, string(raw), strict); v == plain {
				plainToNetHTTP(t, raw, r)
			}
		}
	})
}

// plainToNetHTTP reads a plain request as net/http does.
func plainToNetHTTP(t *testing.T, raw []byte, seen request) {
	t.Helper()
	theirs := bufio.NewReader(bytes.NewReader(raw))
	r, err := http.ReadRequest(theirs)
	if err != nil {
		t.Fatalf("net/http refuses it: %v", err)
	}
	left, _ := io.ReadAll(theirs)
	method := http.MethodGet
	if seen.head {
		method = http.MethodHead
	}
	if r.Method != method || r.URL.Path != "/"+string(seen.code(raw)) || r.ProtoMinor != 1 || !httpguts.ValidHostHeader(r.Host) ||
		r.ContentLength != 0 || len(r.TransferEncoding) != 0 || len(r.Trailer) != 0 || r.Close != seen.closes || len(left) != len(raw)-seen.seen {
		t.Fatalf("to net/http it is %s %s of %s, length %d, close %v, with %d bytes behind it instead of %d",
			r.Method, r.URL, r.Host, r.ContentLength, r.Close, len(left), len(raw)-seen.seen)
	}
	for name, values := range r.Header {
		for _, value := range values {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
				t.Fatalf("net/http's server refuses %q: %q", name, value)
			}
		}
	}
}
