//go:build linux

package load

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tinyurl/test/bench/processors"
)

// serve starts a server and gives its host:port.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// gets asks for /0, /1, … on every connection.
func gets(host string) func(int) Source {
	before, after := Get(host, "/")
	return func(int) Source {
		n := 0
		return func(dst []byte) []byte {
			n++
			return append(fmt.Appendf(append(dst, before...), "%d", n), after...)
		}
	}
}

// short is a load of a fraction of a second.
func short(host string) Config {
	return Config{
		Targets: []string{host}, Connections: 5, Warm: 20 * time.Millisecond, For: 150 * time.Millisecond,
		Source: gets(host), Status: 302, Location: true,
	}
}

func TestRightAnswersAreCountedAndTimed(t *testing.T) {
	var served atomic.Int64
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		w.Header().Set("Location", "https://example.org"+r.URL.Path)
		w.WriteHeader(http.StatusFound)
	})
	var begun, ended atomic.Bool
	c := short(host)
	all, err := processors.Allowed()
	if err != nil {
		t.Fatal(err)
	}
	c.Processors = all[:1]
	c.Begin, c.End = func() { begun.Store(true) }, func() { ended.Store(true) }
	got, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if got.Done == 0 || got.Wrong != 0 || int64(got.Done) > served.Load() {
		t.Errorf("%+v, served %d", got, served.Load())
	}
	if got.Median <= 0 || got.Tail < got.Median || got.Took < c.For || got.CPU <= 0 || got.Longest < got.Tail/2 {
		t.Errorf("%+v", got)
	}
	if !begun.Load() || !ended.Load() {
		t.Error("nobody was told of the beginning and the end")
	}
}

func TestALoadOnAProcessorThatIsNotThereFails(t *testing.T) {
	c := short(serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) }))
	c.Processors = []int{1000}
	if r, err := Run(t.Context(), c); err == nil {
		t.Errorf("%+v", r)
	}
}

func TestWrongAnswersAreCountedApart(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"another status": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such thing", http.StatusNotFound) },
		"no Location":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) },
	} {
		got, err := Run(t.Context(), short(serve(t, h)))
		if err != nil {
			t.Fatal(err)
		}
		if got.Done != 0 || got.Wrong == 0 || !strings.HasPrefix(got.FirstWrong, "HTTP/1.1 ") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestLongRequestsAndChunkedAnswersPassWhole(t *testing.T) {
	body := strings.Repeat("x", 3<<20)
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err != nil || len(sent) != len(body) || r.Header.Get("Authorization") != "Bearer key" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusOK)
		for range 100 {
			fmt.Fprint(w, strings.Repeat("y", 1000))
			_ = http.NewResponseController(w).Flush()
		}
	})
	post := NewPost(host, "/", "key")
	c := short(host)
	c.Connections, c.Status, c.Location = 2, 200, false
	c.For = 3 * time.Second // megabytes take their time under the race detector
	c.Source = func(int) Source { return func(dst []byte) []byte { return post.Append(dst, []byte(body)) } }
	c.Good = func(b []byte) bool { return string(b) == strings.Repeat("y", 100_000) }
	got, err := Run(t.Context(), c)
	if err != nil || got.Done == 0 || got.Wrong != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestConnectionsAreDealtOutAmongTheTargets(t *testing.T) {
	var first, second atomic.Int64
	count := func(n *atomic.Int64) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			n.Add(1)
			w.WriteHeader(http.StatusNoContent)
		}
	}
	a, b := serve(t, count(&first)), serve(t, count(&second))
	c := short(a)
	c.Targets, c.Status, c.Location, c.Rate = []string{a, b}, 204, false, 400
	c.Connections = 4
	if got, err := Run(t.Context(), c); err != nil || got.Wrong != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	if first.Load() == 0 || second.Load() == 0 {
		t.Errorf("%d and %d requests", first.Load(), second.Load())
	}
}

func TestALoneClientGoesRound(t *testing.T) {
	var served [3]atomic.Int64
	var flying, most atomic.Int64
	var hosts []string
	for i := range served {
		hosts = append(hosts, serve(t, func(w http.ResponseWriter, _ *http.Request) {
			most.Store(max(most.Load(), flying.Add(1)))
			served[i].Add(1)
			flying.Add(-1)
			w.WriteHeader(http.StatusNoContent)
		}))
	}
	for _, rate := range []float64{0, 300} {
		c := short(hosts[0])
		c.Targets, c.Connections, c.Status, c.Location, c.Rate = hosts, 1, 204, false, rate
		if got, err := Run(t.Context(), c); err != nil || got.Wrong != 0 || got.Done == 0 {
			t.Fatalf("%+v, %v", got, err)
		}
		a, b, d := served[0].Load(), served[1].Load(), served[2].Load()
		if a == 0 || a-b > 1 || b-d > 1 || d > a || most.Load() > 1 {
			t.Errorf("%d, %d and %d requests, %d at once", a, b, d, most.Load())
		}
		for i := range served {
			served[i].Store(0)
		}
	}
}

func TestAPacedLoadIsNotFasterThanAsked(t *testing.T) {
	host := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	c := short(host)
	c.Status, c.Location, c.Rate, c.For = 204, false, 200, 500*time.Millisecond
	got, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if got.Done < 10 || got.Rate() > 250 {
		t.Errorf("%.0f a second were sent instead of 200: %+v", got.Rate(), got)
	}
}

func TestAConnectionThatBreaksEndsTheLoad(t *testing.T) {
	host := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusFound)
	})
	if _, err := Run(t.Context(), short(host)); err == nil {
		t.Error("a load without connections went on")
	}
	if _, err := Run(t.Context(), short("127.0.0.1:1")); err == nil {
		t.Error("nobody listens, and the load ran")
	}
}

func TestALoadEndsWithItsContext(t *testing.T) {
	host := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	c := short(host)
	c.For = time.Minute
	began := time.Now()
	if _, err := Run(ctx, c); err == nil || time.Since(began) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestAnswersThatNeverComeAreAnError(t *testing.T) {
	release := make(chan struct{})
	host := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	c := short(host)
	c.Drain = 50 * time.Millisecond
	if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "have no answer") {
		t.Errorf("error = %v", err)
	}
}
