package lean

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tinyurl/fsm/link"
)

// fakeVisits answers from a map.
type fakeVisits map[string]string

func (f fakeVisits) Visit(_ context.Context, _ net.Addr, a Asked) (link.Target, time.Duration, http.HandlerFunc) {
	switch a.Code {
	case "panic":
		panic("against the contract")
	case "badrefusal":
		return "", 0, func(http.ResponseWriter, *http.Request) { panic("in a refusal") }
	}
	if target, ok := f[a.Code]; ok && !a.Query {
		return link.Target(target), 1500 * time.Microsecond, nil
	}
	return "", 0, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_ = r.Write(w)
	}
}

// sharedLog keeps what is logged while a test reads it.
type sharedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *sharedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *sharedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newServer(visits Visits, log io.Writer) *Server {
	return New(Config{
		Visits: visits,
		Rest: &http.Server{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, "rest "+r.RequestURI)
			}),
			ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, IdleTimeout: 5 * time.Second,
		},
		Others: map[string]bool{"healthz": true}, Header: 16 << 10,
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
}

// run serves on a loopback listener, which wrap may change, and gives its address.
func run(t testing.TB, s *Server, wrap func(net.Listener) net.Listener) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(wrap(listener)) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve = %v", err)
		}
	})
	return listener.Addr().String()
}

func same(l net.Listener) net.Listener { return l }

// ask sends raw on a connection of its own and gives all that comes back until the other side hangs up.
func ask(t *testing.T, address, raw string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Fatalf("still open after %q", text)
	}
	return string(text)
}

const closing = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

func TestARedirectIsThisAndNoByteMore(t *testing.T) {
	address := run(t, newServer(fakeVisits{"abc": "https://example.com/ü"}, io.Discard), same)
	got := ask(t, address, "GET /abc"+closing)
	head, rest, _ := strings.Cut(got, "Date: ")
	_, rest, _ = strings.Cut(rest, "\r\n")
	if want := "HTTP/1.1 302 Found\r\nCache-Control: private, no-store\r\nLocation: https://example.com/ü\r\nTinyurl-Staleness-Ms: 2\r\n" +
		"X-Robots-Tag: noindex\r\n"; head != want {
		t.Errorf("%q, want %q", head, want)
	}
	if want := "Content-Length: 0\r\nConnection: close\r\n\r\n"; rest != want {
		t.Errorf("%q, want %q", rest, want)
	}
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil)
	if err != nil {
		t.Fatal(err)
	}
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil || time.Since(date).Abs() > time.Minute {
		t.Errorf("date %v, %v", date, err)
	}
}

func TestATargetCannotEndTheHeader(t *testing.T) {
	address := run(t, newServer(fakeVisits{"abc": "https://a.example/\r\nSet-Cookie: a=b"}, io.Discard), same)
	if got := ask(t, address, "GET /abc"+closing); strings.Contains(got, "\nSet-Cookie") {
		t.Errorf("%q", got)
	}
}

func TestRefusalsSeeTheWholeRequest(t *testing.T) {
	address := run(t, newServer(fakeVisits{}, io.Discard), same)
	got := ask(t, address, "GET /unknown?a=1&b HTTP/1.1\r\nHost: sho.rt:8080\r\nX-One: 1\r\nx-one: 2\r\nUser-Agent: me\r\nCookie: a=b\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 418 ") {
		t.Fatalf("%q", got)
	}
	for _, line := range []string{"GET /unknown?a=1&b HTTP/1.1", "Host: sho.rt:8080", "X-One: 1", "X-One: 2", "User-Agent: me", "Cookie: a=b"} {
		if !strings.Contains(got, "\r\n"+line+"\r\n") {
			t.Errorf("%q is missing in\n%s", line, got)
		}
	}
}

func TestAPanicCostsOneConnection(t *testing.T) {
	log := &sharedLog{}
	address := run(t, newServer(fakeVisits{"abc": "https://example.com"}, log), same)
	for path, says := range map[string]string{"/panic": "against the contract", "/badrefusal": "in a refusal"} {
		if got := ask(t, address, "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n"); got != "" {
			t.Errorf("%s: %q", path, got)
		}
		if !strings.Contains(log.String(), says) {
			t.Errorf("%s: logged %s", path, log)
		}
	}
	if got := ask(t, address, "GET /abc"+closing); !strings.HasPrefix(got, "HTTP/1.1 302 ") {
		t.Errorf("%q", got)
	}
}

func TestNetHTTPGoesOnWithTheConnection(t *testing.T) {
	address := run(t, newServer(fakeVisits{"abc": "https://example.com"}, io.Discard), same)
	for _, path := range []string{"/a.b", "/healthz"} {
		got := ask(t, address, "GET /abc HTTP/1.1\r\nHost: a\r\n\r\nGET "+path+" HTTP/1.1\r\nHost: a\r\n\r\nGET /abc"+closing)
		if !strings.HasPrefix(got, "HTTP/1.1 302 ") || strings.Count(got, "HTTP/1.1 ") != 3 ||
			!strings.Contains(got, "rest "+path) || !strings.HasSuffix(got, "rest /abc") {
			t.Errorf("%q", got)
		}
	}
}

// failingListener cannot accept for a while.
type failingListener struct {
	net.Listener
	failures []error
}

func (l *failingListener) Accept() (net.Conn, error) {
	if len(l.failures) == 0 {
		return l.Listener.Accept()
	}
	err := l.failures[0]
	l.failures = l.failures[1:]
	return nil, &net.OpError{Op: "accept", Err: err}
}

func TestTooFewFilesEndNothing(t *testing.T) {
	log := &sharedLog{}
	address := run(t, newServer(fakeVisits{"abc": "https://example.com"}, log), func(l net.Listener) net.Listener {
		return &failingListener{l, []error{syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED}}
	})
	if got := ask(t, address, "GET /abc"+closing); !strings.HasPrefix(got, "HTTP/1.1 302 ") {
		t.Errorf("%q", got)
	}
	if strings.Count(log.String(), "could not be accepted") != 3 {
		t.Errorf("logged %s", log)
	}
}

func TestAListenerThatFailsForGoodEndsTheServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(fakeVisits{}, io.Discard)
	if err := s.Serve(&failingListener{listener, []error{syscall.EBADF}}); !errors.Is(err, syscall.EBADF) {
		t.Errorf("Serve = %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestCloseCutsWhatIsThere(t *testing.T) {
	s := newServer(fakeVisits{"abc": "https://example.com"}, io.Discard)
	address := run(t, s, same)
	var conns []net.Conn
	for _, path := range []string{"/abc", "/a.b"} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, conn := range conns {
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, context.DeadlineExceeded) || err == nil {
			t.Errorf("still open: %v", err)
		}
	}
}
