package lean

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
	"golang.org/x/net/http/httpguts"
)

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
		"Host: a\r\n\r\n":                                   plain,
		"Host: [::1]:80\r\n\r\n":                            plain,
		"hOST:\ta_b.example:1 \r\nX:\r\n\r\n":               plain,
		"":                                                  other,
		"Accept: a\r\n\r\n":                                 other,
		"Host: a\r\nHost: a\r\n\r\n":                        other,
		"Host: a/b\r\n\r\n":                                 other,
		"Host:\r\n\r\n":                                     other,
		"Host: a\r\nExpect: x\r\n\r\n":                      other,
		"Host: a\r\nUpgrade: x\r\n\r\n":                     other,
		"Host: a\r\nTrailer: x\r\n\r\n":                     other,
		"Host: a\r\nContent-length: 0\r\n\r\n":              other,
		"Host: a\r\ntransfer-Encoding: x\r\n\r\n":           other,
		"Host: a\r\nConnection: upgrade\r\n\r\n":            other,
		"Host: a\r\nContent-Length:0\r\nContent-Length:0":   broken,
		"Host: a\r\nA:0\r\n\r\n\r\n":                        broken,
		"Host: a\n\n":                                       broken,
		"Host: a\r\nContent-Length : 0\r\n\r\n":             broken,
		"Host: a\r\n X: 0\r\n\r\n":                          broken,
		"Host: a\r\nX\r\n\r\n":                              broken,
		"\r\nHost: a\r\n\r\n":                               broken,
		"Host: a\r\nX: a\rb\r\n\r\n":                        broken,
		"Host: a\r\nTransfer-Encoding:a\r\nContent-Length:": broken,
	} {
		if got, _ := judgeFields([]byte(raw)); got != want {
			t.Errorf("%q: %v, want %v", raw, got, want)
		}
	}
	for value, want := range map[string]bool{"close": true, "CLOSE ": true, "keep-alive": false, "Keep-Alive": false} {
		if v, closes := judgeFields([]byte("Host: a\r\nConnection: " + value + "\r\n\r\n")); v != plain || closes != want {
			t.Errorf("%q: %v, closes %v", value, v, closes)
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
			var h fasthttp.RequestHeader
			if err := h.Read(bufio.NewReader(strings.NewReader("GET /abc HTTP/1.1\r\n" + header))); err != nil {
				continue
			}
			if v, _ := judge(&h); v == plain && !allowed {
				t.Errorf("%q is plain", header)
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
		raw = bytes.TrimLeft(raw, "\r\n") // blank lines in front are skipped here, and refused there
		ours := bufio.NewReader(bytes.NewReader(raw))
		var h fasthttp.RequestHeader
		if err := h.Read(ours); err != nil {
			return
		}
		v, closes := judge(&h)
		if v != plain {
			return
		}
		theirs := bufio.NewReader(bytes.NewReader(raw))
		r, err := http.ReadRequest(theirs)
		if err != nil {
			t.Fatalf("net/http refuses it: %v", err)
		}
		left, _ := io.ReadAll(ours)
		leftThere, _ := io.ReadAll(theirs)
		if r.Method != string(h.Method()) || r.URL.Path != "/"+string(codeOf(h.RequestURI())) || r.Host != string(h.Host()) ||
			r.ContentLength != 0 || len(r.TransferEncoding) != 0 || r.Close != closes || !bytes.Equal(left, leftThere) {
			t.Fatalf("to net/http it is %s %s of %s, length %d, close %v, with %d bytes behind it instead of %d",
				r.Method, r.URL, r.Host, r.ContentLength, r.Close, len(leftThere), len(left))
		}
	})
}
