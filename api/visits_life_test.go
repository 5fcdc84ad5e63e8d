package api

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tinyurl/api/redirect/lean"
	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

func TestVisitsOfAllListenersGoThroughOneGate(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.Redirects = 1 })
	f.add("abc", "https://example.com")
	f.service.wait = make(chan struct{})
	main, front, lean := f.listenBare(t), f.listen(t, Limits{}, nil), f.listenLean(t, nil)
	var waiting sync.WaitGroup
	waiting.Go(func() { f.quiet("GET", "/abc", "") })
	until(t, "a redirect is in flight", func() bool { return f.service.inside.Load() == 1 })
	want := exchange(t, main, "", getting("/abc"))
	for name, address := range map[string]string{"front": front, "lean": lean} {
		got := exchange(t, address, "", getting("/abc"))
		if got.status != 503 || got.header.Get("Retry-After") != "1" || got.text() != want.text() {
			t.Errorf("the %s listener says\n%s\nnet/http\n%s", name, got.text(), want.text())
		}
	}
	close(f.service.wait)
	waiting.Wait()
	if a := exchange(t, lean, "", getting("/abc")); a.status != 302 {
		t.Errorf("afterwards: status %d", a.status)
	}
}

func TestAVisitIsCountedOnceOnEitherListener(t *testing.T) {
	for _, v := range []rawVisit{
		{name: "redirected", raw: getting("/abc"), status: 302},
		{name: "not_found", raw: getting("/unknown"), status: 404},
		{name: "gone", raw: getting("/buried"), status: 410},
		{name: "expired", raw: getting("/past", wantsJSON), status: 410},
		{name: "redirected", raw: getting("/%61bc"), status: 302},
		{name: "unproven", raw: getting("/unknown"), status: 503, prepare: func(s *fakeService) { s.fail = link.ErrNoLeader }},
	} {
		for _, listen := range []func(*fixture) string{
			func(f *fixture) string { return f.listenLean(t, nil) },
			func(f *fixture) string { return f.listen(t, Limits{}, nil) },
		} {
			f := newVisited(t)
			if v.prepare != nil {
				v.prepare(f.service)
			}
			conn := dial(t, listen(f))
			if _, err := io.WriteString(conn, v.raw); err != nil {
				t.Fatal(err)
			}
			answerOn(t, conn)
			class := fmt.Sprintf("%dxx", v.status/100)
			until(t, "the request is counted", func() bool {
				return f.metric("tinyurl_http_requests_total", "route", "/:code", "method", "GET", "status", class) == 1
			})
			for name, want := range map[string]float64{"tinyurl_redirects_total": 1, "tinyurl_http_requests_total": 1, "tinyurl_http_request_seconds": 1} {
				if got := f.metric(name); got != want {
					t.Errorf("%s: %s is %v, want %v", v.raw, name, got, want)
				}
			}
			if got := f.metric("tinyurl_redirects_total", "outcome", v.name); got != 1 {
				t.Errorf("%s: %v counted as %s", v.raw, got, v.name)
			}
		}
	}
}

func TestWhoGuessesCodesIsToldToWaitOnTheLeanListenerToo(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.MissLimit = 1
		c.Now = func() time.Time { return noon }
	})
	address := f.listenLean(t, nil)
	for _, want := range []int{404, 404, 429} {
		conn := dial(t, address) // of another port each time
		if _, err := io.WriteString(conn, getting("/nothing", wantsJSON)); err != nil {
			t.Fatal(err)
		}
		response, body := answerOn(t, conn)
		checkProblem(t, response.Header, body, want, map[int]v1.Code{404: v1.NotFound, 429: v1.RateLimited}[want])
	}
}

func TestTheLeanListenerSpeaksTLSAndNoHTTP2(t *testing.T) {
	f := newVisited(t)
	current := newCertificate(t, "one.example")
	address := f.listenLean(t, func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current, nil })
	for _, name := range []string{"one.example", "two.example"} {
		current = newCertificate(t, name)
		roots := x509.NewCertPool()
		roots.AddCert(current.Leaf)
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name}, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		for path, want := range map[string]int{"/odd": 302, "/unknown": 404, "/a.b": 404} {
			request, _ := http.NewRequest("GET", "https://"+address+path, nil)
			response, err := transport.RoundTrip(request)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			_ = response.Body.Close()
			if response.ProtoMajor != 1 || response.TLS.NegotiatedProtocol != "http/1.1" || response.StatusCode != want {
				t.Errorf("HTTP/%d (%s): status %d", response.ProtoMajor, response.TLS.NegotiatedProtocol, response.StatusCode)
			}
			if location := response.Header.Get("Location"); path == "/odd" && location != longTarget {
				t.Errorf("location %q", location)
			}
		}
	}
	if _, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}); err == nil {
		t.Error("HTTP/2 was agreed on")
	}
}

func TestAStopAnswersWhatIsUnderWay(t *testing.T) {
	for name, newServer := range map[string]func(*fixture) *lean.Server{
		"front":    func(f *fixture) *lean.Server { return NewFrontServer(f.Server, f.config.Logger) },
		"redirect": func(f *fixture) *lean.Server { return NewRedirectServer(f.Server, nil, f.config.Logger) },
	} {
		for _, path := range []string{"/abc", "/%61bc"} { // answered here, and by net/http
			t.Run(name+path, func(t *testing.T) { stopsInOrder(t, newServer, path) })
		}
	}
}

// stopsInOrder stops a server that is asked for path.
func stopsInOrder(t *testing.T, newServer func(*fixture) *lean.Server, path string) {
	f := newVisited(t)
	f.service.wait = make(chan struct{}, 1)
	f.service.wait <- struct{}{} // one visit need not wait
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(f)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	idle := []net.Conn{dial(t, listener.Addr().String()), dial(t, listener.Addr().String())}
	for i, path := range []string{"/abc", "/nothing/here"} {
		if _, err := io.WriteString(idle[i], getting(path)); err != nil {
			t.Fatal(err)
		}
		if a, ok := readTold(t, bufio.NewReader(idle[i]), "GET"); !ok || a.status != []int{302, 404}[i] {
			t.Fatalf("%v, %s", ok, a.text())
		}
	}
	busy := dial(t, listener.Addr().String())
	if _, err := io.WriteString(busy, getting(path)); err != nil {
		t.Fatal(err)
	}
	until(t, "a visit is under way", func() bool { return f.service.inside.Load() == 2 })

	short, cancel := context.WithCancel(t.Context())
	cancel()
	if err := server.Shutdown(short); !errors.Is(err, context.Canceled) {
		t.Errorf("a stop that must not wait: %v", err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve = %v", err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Shutdown(t.Context()) }()
	closed(t, idle[0])
	closed(t, idle[1])
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("a new connection was taken")
	}
	close(f.service.wait)
	if a, ok := readTold(t, bufio.NewReader(busy), "GET"); !ok || a.status != 302 {
		t.Errorf("%s: %v, status %d", path, ok, a.status)
	}
	closed(t, busy)
	if err := <-stopped; err != nil {
		t.Errorf("Shutdown = %v", err)
	}
	if err := errors.Join(server.Shutdown(t.Context()), server.Close()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve after a stop = %v", err)
	}
}

// Buffers are used again: nobody may be sent where somebody else wanted to go.
func TestEveryVisitorGetsTheirOwnTarget(t *testing.T) {
	f := newFixture(t)
	for i := range 100 {
		f.add(fmt.Sprintf("code%d", i), fmt.Sprintf("https://example.com/%d/%s", i, strings.Repeat("x", i*17)))
	}
	address := f.listenLean(t, nil)
	var visitors sync.WaitGroup
	for visitor := range 16 {
		conn := dial(t, address)
		visitors.Go(func() {
			reader := bufio.NewReader(conn)
			for n := range 200 {
				i := (visitor*31 + n*7) % 120 // some are unknown
				if _, err := io.WriteString(conn, getting(fmt.Sprintf("/code%d", i), "X: "+strings.Repeat("y", i*3)+"\r\n")); err != nil {
					t.Error(err)
					return
				}
				response, err := http.ReadResponse(reader, nil)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				want := string(f.service.links[link.Code(fmt.Sprintf("code%d", i))].Target)
				if got := response.Header.Get("Location"); got != want {
					t.Errorf("code%d leads to %q", i, got)
				}
			}
		})
	}
	visitors.Wait()
}
