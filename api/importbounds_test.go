package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"tinyurl/api/v1"
)

// brokenWriter is a client that hangs up after some writes.
type brokenWriter struct {
	*httptest.ResponseRecorder
	left int
}

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, errors.New("hung up")
	}
	return w.ResponseRecorder.Write(p)
}

func TestWhoHangsUpIsNotWorkedForAnyLonger(t *testing.T) {
	f := newFixture(t)
	s := newShelf(f)
	r := httptest.NewRequest("POST", importPath, strings.NewReader(withoutCodes(100_000)))
	r.Header.Set("Authorization", "Bearer "+testKey)
	defer func() {
		if cause := recover(); cause != http.ErrAbortHandler { //nolint:errorlint // net/http compares so as well
			t.Errorf("recovered %v", cause)
		}
		if len(s.batches) > 20 {
			t.Errorf("%d batches for nobody", len(s.batches))
		}
		if used := f.bodies.used.Load() + f.transfers.inside.Load(); used != 0 {
			t.Errorf("%d are kept", used)
		}
	}()
	f.ServeHTTP(&brokenWriter{httptest.NewRecorder(), 2}, r)
}

func TestOnlySoManyImportsRunAtOnce(t *testing.T) {
	f := newFixture(t)
	s := newShelf(f)
	var inside, most atomic.Int64
	release := make(chan struct{})
	s.refuse = func(context.Context, int) error {
		most.Store(max(most.Load(), inside.Add(1)))
		<-release
		inside.Add(-1)
		return nil
	}
	done := make(chan *httptest.ResponseRecorder, maxTransfers)
	for range maxTransfers {
		go func() { done <- f.do("POST", importPath, withoutCodes(5000)) }()
	}
	until(t, "all batches are under way", func() bool { return inside.Load() == maxTransfers*importsInFlight })
	f.refused(f.do("POST", importPath, withoutCodes(1)), 503, v1.Overloaded)
	f.refused(f.do("GET", exportPath, ""), 503, v1.Overloaded)
	if f.metric("tinyurl_http_shed_total", "kind", "transfer") != 2 {
		t.Error("not counted")
	}
	close(release)
	for range maxTransfers {
		if got := readImport(t, <-done); got.counts().Created != 5000 {
			t.Errorf("%+v", got.counts())
		}
	}
	if most.Load() > maxTransfers*importsInFlight {
		t.Errorf("%d batches at once", most.Load())
	}
	if used := f.bodies.used.Load() + f.transfers.inside.Load(); used != 0 {
		t.Errorf("%d are kept", used)
	}
}

func TestAnImportNeedsItsMemory(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.HeldBodies = importMemory - 1 })
	f.refused(f.do("POST", importPath, csvOf(1)), 503, v1.Overloaded)
	if f.bodies.used.Load() != 0 || f.transfers.inside.Load() != 0 {
		t.Error("something is kept")
	}
	if w := f.do("GET", exportPath, "", "Authorization", "Bearer "+testKey); w.Code != 200 {
		t.Errorf("an export needs less: %d", w.Code)
	}
}
