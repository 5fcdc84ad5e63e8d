package api

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tinyurl/api/redirect/lean"
	"tinyurl/api/v1"
	"tinyurl/test/bubble"
)

// listen serves f as the HTTP listener does and gives the address.
func (f *fixture) listen(t testing.TB, l Limits, certificate GetCertificate) string {
	t.Helper()
	listener := loopback(t)
	f.serveOn(t, listener, l, certificate)
	return listener.Addr().String()
}

// serveOn serves f as the HTTP listener does until the test ends.
func (f *fixture) serveOn(t testing.TB, listener net.Listener, l Limits, certificate GetCertificate) {
	t.Helper()
	rest := NewHTTPServer(f, l, certificate, f.config.Logger)
	if certificate != nil {
		runOn(t, rest, func() error { return rest.ServeTLS(listener, "", "") })
		return
	}
	front := lean.New(f.front(rest, f.config.Logger))
	runOn(t, front, func() error { return front.Serve(listener) })
}

// listenBare serves f by net/http alone.
func (f *fixture) listenBare(t testing.TB) string {
	t.Helper()
	server := NewHTTPServer(f, Limits{}, nil, f.config.Logger)
	return run(t, server, server.Serve)
}

// run serves on a real listener until the test ends, and gives its address.
func run(t testing.TB, server io.Closer, serve func(net.Listener) error) string {
	t.Helper()
	listener := loopback(t)
	runOn(t, server, func() error { return serve(listener) })
	return listener.Addr().String()
}

// runOn serves until the test ends.
func runOn(t testing.TB, server io.Closer, serve func() error) {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- serve() }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
}

// loopback is a listener of this machine alone.
func loopback(t testing.TB) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// dial opens a connection that gives a test up after ten seconds.
func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// answerOn reads one answer and its body.
func answerOn(t *testing.T, conn net.Conn) (*http.Response, []byte) {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("answer broken off: %v", err)
	}
	return response, body
}

// closed waits until the other side hangs up.
func closed(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, conn); err != nil {
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() { //nolint:errorlint // a connection's own error
			t.Fatal("the connection is still open")
		}
	}
}

const keyLine = "X-Api-Key: " + testKey + "\r\n"

func TestASlowBodyIsGivenUp(t *testing.T) {
	heads := map[string]string{
		"with a length":   "POST /api/v1/links HTTP/1.1\r\nHost: a\r\n" + keyLine + "Content-Length: 1000\r\n\r\n{\"longUrl\"",
		"chunked":         "POST /api/v1/links HTTP/1.1\r\nHost: a\r\n" + keyLine + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"lon",
		"chunked, no key": "POST /api/v1/links HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"lon",
		"bulk":            "POST /api/v1/links/bulk HTTP/1.1\r\nHost: a\r\n" + keyLine + "Content-Length: 1000\r\n\r\n",
		"waiting for 100": "POST /api/v1/links HTTP/1.1\r\nHost: a\r\n" + keyLine + "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n",
	}
	for name, head := range heads {
		inBubble(t, name, func(t *testing.T) {
			f := newFixture(t)
			conn := connect(t, f.inMemory(t, Limits{ReadHeader: time.Second, Read: 50 * time.Millisecond}, nil))
			if _, err := io.WriteString(conn, head); err != nil {
				t.Fatal(err)
			}
			reader := bufio.NewReader(conn)
			response, err := http.ReadResponse(reader, nil)
			if err == nil && response.StatusCode == http.StatusContinue {
				response, err = http.ReadResponse(reader, nil)
			}
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			body, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != http.StatusRequestTimeout {
				t.Fatalf("status %d, %v: %s", response.StatusCode, err, body)
			}
			checkProblem(t, response.Header, body, 408, v1.RequestTimeout)
			closed(t, conn)
			until(t, "nothing is held for the client", func() bool { return f.bodies.used.Load() == 0 })
		})
	}
}

func TestASlowHeaderIsGivenUp(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t)
		conn := connect(t, f.inMemory(t, Limits{ReadHeader: 50 * time.Millisecond}, nil))
		if _, err := io.WriteString(conn, "GET /abc HTTP/1.1\r\nHost: a\r\nX-Slow"); err != nil {
			t.Fatal(err)
		}
		closed(t, conn)
	})
}

func TestAnIdleConnectionIsClosed(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t)
		conn := connect(t, f.inMemory(t, Limits{Idle: 50 * time.Millisecond}, nil))
		if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if response, _ := answerOn(t, conn); response.StatusCode != http.StatusOK {
			t.Errorf("status %d", response.StatusCode)
		}
		closed(t, conn)
	})
}

// A body that nobody asked for must not hold the connection either.
func TestABodyThatIsNotReadIsNotWaitedFor(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.add("abc", "https://example.com")
		conn := connect(t, f.inMemory(t, Limits{Read: 50 * time.Millisecond}, nil))
		if _, err := io.WriteString(conn, "GET /abc HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx"); err != nil {
			t.Fatal(err)
		}
		if response, _ := answerOn(t, conn); response.StatusCode != http.StatusFound {
			t.Errorf("status %d", response.StatusCode)
		}
		closed(t, conn)
	})
}

// A client that does not read its answer is hung up on.
func TestASlowReaderIsGivenUp(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t)
		long := strings.Repeat("x", 1<<20) // more than is held on its way
		handlerDone := make(chan struct{})
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			defer close(handlerDone)
			_, _ = io.WriteString(w, long)
		})
		listener, way := memory(t)
		server := NewHTTPServer(handler, Limits{Write: 50 * time.Millisecond}, nil, f.config.Logger)
		runOn(t, server, func() error { return server.Serve(listener) })
		conn := connect(t, way)
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		select {
		case <-handlerDone:
		case <-time.After(10 * time.Second):
			t.Fatal("the handler is still writing")
		}
	})
}

func TestATwoMegabyteBodyIsRefusedOverTheWire(t *testing.T) {
	f := newFixture(t)
	address := f.listen(t, Limits{}, nil)
	for name, test := range map[string]struct {
		key, expect string
		chunked     bool
		status      int
		code        v1.Code
	}{
		"with a length":   {key: testKey, status: 413, code: v1.TooLarge},
		"chunked":         {key: testKey, chunked: true, status: 413, code: v1.TooLarge},
		"no key":          {status: 413, code: v1.TooLarge},
		"no key, chunked": {chunked: true, status: 413, code: v1.TooLarge},
		"waiting for 100": {key: testKey, expect: "100-continue", status: 413, code: v1.TooLarge},
	} {
		for _, closing := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, closing %v", name, closing), func(t *testing.T) {
				var body io.Reader = bytes.NewReader(make([]byte, 2<<20))
				if test.chunked {
					body = chunked{body}
				}
				request, err := http.NewRequest("POST", "http://"+address+links, body)
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("X-Api-Key", test.key)
				if test.expect != "" {
					request.Header.Set("Expect", test.expect)
				}
				transport := &http.Transport{DisableKeepAlives: closing, ExpectContinueTimeout: 10 * time.Second}
				defer transport.CloseIdleConnections()
				response, err := transport.RoundTrip(request)
				if err != nil {
					t.Fatalf("the client did not see why: %v", err)
				}
				text, _ := io.ReadAll(response.Body)
				_ = response.Body.Close()
				checkProblem(t, response.Header, text, test.status, test.code)
			})
		}
	}
}

func TestAWrongKeyIsToldToAClientThatIsStillSending(t *testing.T) {
	f := newFixture(t)
	address := f.listen(t, Limits{}, nil)
	for _, size := range []int{10, 100 << 10, 1 << 20} {
		request, err := http.NewRequest("POST", "http://"+address+links, bytes.NewReader(make([]byte, size)))
		if err != nil {
			t.Fatal(err)
		}
		response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		text, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		checkProblem(t, response.Header, text, 401, v1.Unauthorized)
	}
}

func TestAHeaderBeyondTheLimitIsRefused(t *testing.T) {
	f := newFixture(t)
	f.add("abc", "https://example.com")
	address := f.listen(t, Limits{}, nil)
	for size, want := range map[int]int{15 << 10: http.StatusFound, 17 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		conn := dial(t, address)
		if _, err := fmt.Fprintf(conn, "GET /abc HTTP/1.1\r\nHost: a\r\nX-Long: %s\r\n\r\n", strings.Repeat("x", size)); err != nil {
			t.Fatal(err)
		}
		if response, _ := answerOn(t, conn); response.StatusCode != want {
			t.Errorf("header of %d bytes: status %d, want %d", size, response.StatusCode, want)
		}
	}
}

// Whatever stands in a request line, an answer comes and no 500.
func TestOddRequestLines(t *testing.T) {
	f := newFixture(t)
	address := f.listen(t, Limits{}, nil)
	for _, line := range []string{
		"GET * HTTP/1.1", "OPTIONS * HTTP/1.1", "CONNECT example.com:443 HTTP/1.1", "GET http://other.example/abc HTTP/1.1",
		"GET /%zz HTTP/1.1", "GET /a%00b HTTP/1.1", "GET /../../etc/passwd HTTP/1.1", "GET //abc HTTP/1.1", "GET abc HTTP/1.1",
		"GET /\xff\xfe HTTP/1.1", "G\x00T / HTTP/1.1", "GET /abc HTTP/9.9", "GET ? HTTP/1.1", "GET /?%zz=; HTTP/1.1",
		"POST /api/v1/links?%zz HTTP/1.1", "GET /api/v1/links/%2e%2e HTTP/1.1", "GET /api/v1/links/%2F HTTP/1.1",
	} {
		conn := dial(t, address)
		if _, err := io.WriteString(conn, line+"\r\nHost: a\r\n"+keyLine+"Connection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		response, body := answerOn(t, conn)
		if response.StatusCode == http.StatusInternalServerError {
			t.Errorf("%q: status %d: %s", line, response.StatusCode, body)
		}
	}
	if f.log.String() != "" {
		t.Errorf("logged %s", f.log)
	}
}

// newCertificate makes a certificate of its own authority.
func newCertificate(t *testing.T, name string) *tls.Certificate {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private, Leaf: leaf}
}

func TestCertificatesMayBeReplacedWhileServing(t *testing.T) {
	f := newFixture(t)
	const target = "https://example.com/ü?a=1&b=\"x y\"#\U0001f600"
	f.add("abc", target)
	current := newCertificate(t, "one.example")
	address := f.listen(t, Limits{}, func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current, nil })
	for _, name := range []string{"one.example", "two.example"} {
		current = newCertificate(t, name)
		roots := x509.NewCertPool()
		roots.AddCert(current.Leaf)
		for _, protocol := range []int{1, 2} {
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name}, ForceAttemptHTTP2: protocol == 2}
			client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			response, err := client.Get("https://" + address + "/abc")
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			_ = response.Body.Close()
			transport.CloseIdleConnections()
			if response.ProtoMajor != protocol || response.StatusCode != http.StatusFound || response.Header.Get("Location") != target {
				t.Errorf("HTTP/%d: status %d, location %q", response.ProtoMajor, response.StatusCode, response.Header.Get("Location"))
			}
		}
	}
}
