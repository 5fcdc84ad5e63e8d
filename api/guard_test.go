package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
)

func TestPanicsAreToldAsInternalAndLogged(t *testing.T) {
	f := newFixture(t)
	f.service.panics = errUnheardOf
	for _, o := range append(operations(), operation{"GET", "/abc", "", access.AnyKey}) {
		f.log.text = nil
		w := f.do(o.method, o.path, o.body)
		f.refused(w, 500, v1.Internal)
		if strings.Contains(w.Body.String(), "10.0.0.2") {
			t.Errorf("%s %s leaks: %s", o.method, o.path, w.Body)
		}
		if log := f.log.String(); !strings.Contains(log, "10.0.0.2") || !strings.Contains(log, "stack=") {
			t.Errorf("%s %s: log %q", o.method, o.path, log)
		}
	}
	if got := f.metric("tinyurl_http_requests_total", "route", links, "method", "POST", "status", "5xx"); got != 1 {
		t.Errorf("%v panics counted as 5xx", got)
	}
}

func TestAHandlerMayBreakOff(t *testing.T) {
	f := newFixture(t)
	f.service.panics = http.ErrAbortHandler
	defer func() {
		if cause := recover(); cause != http.ErrAbortHandler { //nolint:errorlint // a panic's value is no error chain
			t.Errorf("recovered %v", cause)
		}
		if f.log.String() != "" {
			t.Errorf("logged %s", f.log)
		}
	}()
	f.do("GET", "/abc", "")
}

func TestCallsBeyondTheLimitAreShedAndRedirectsGoOn(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.Calls, c.Limits.Redirects = 2, 1 })
	f.add("abc", "https://example.com")
	f.service.wait = make(chan struct{})
	var waiting sync.WaitGroup
	codes := make(chan int, 3)
	for _, path := range []string{links, links} {
		waiting.Go(func() { codes <- f.quiet("POST", path, oneLink).Code })
	}
	until(t, "two calls are in flight", func() bool { return f.service.inside.Load() == 2 })

	f.refused(f.do("POST", links, oneLink), 503, v1.Overloaded)
	f.refused(f.do("GET", "/api/v1/cluster", ""), 503, v1.Overloaded)
	if w := f.do("GET", "/healthz", ""); w.Code != http.StatusOK {
		t.Errorf("healthz: status %d", w.Code)
	}
	waiting.Go(func() { codes <- f.quiet("GET", "/abc", "").Code })
	until(t, "a redirect is in flight", func() bool { return f.service.inside.Load() == 3 })
	f.refused(f.do("GET", "/abc", "", "Accept", "application/json"), 503, v1.Overloaded)

	close(f.service.wait)
	waiting.Wait()
	close(codes)
	for code := range codes {
		if code != http.StatusCreated && code != http.StatusFound {
			t.Errorf("a request that was in flight got %d", code)
		}
	}
	if w := f.do("GET", "/abc", ""); w.Code != http.StatusFound {
		t.Errorf("afterwards: status %d", w.Code)
	}
	if shed := f.metric("tinyurl_http_shed_total", "kind", "call"); shed != 2 {
		t.Errorf("%v calls counted as shed, want 2", shed)
	}
}

func TestConfigsThatCannotWorkAreRefused(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no links":                 func(c *Config) { c.Links = nil },
		"no resolver":              func(c *Config) { c.Resolver = nil },
		"no cluster":               func(c *Config) { c.Cluster = nil },
		"no health":                func(c *Config) { c.Health = nil },
		"no key":                   func(c *Config) { c.RootKey = "" },
		"short key":                func(c *Config) { c.RootKey = strings.Repeat("k", 31) },
		"key with a line break":    func(c *Config) { c.RootKey = strings.Repeat("k", 32) + "\n" },
		"key with a space at ends": func(c *Config) { c.RootKey = strings.Repeat("k", 32) + " " },
		"no public URL":            func(c *Config) { c.PublicURL = "" },
		"public URL with a slash":  func(c *Config) { c.PublicURL = "https://sho.rt/" },
		"public URL without host":  func(c *Config) { c.PublicURL = "sho.rt" },
		"public URL of ftp":        func(c *Config) { c.PublicURL = "ftp://sho.rt" },
		"public URL with a query":  func(c *Config) { c.PublicURL = "https://sho.rt?a" },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			c := f.config
			c.Registerer, c.Authenticator = nil, nil
			change(&c)
			if s, err := New(c); err == nil || s != nil {
				t.Errorf("New took it: %v", err)
			}
		})
	}
}

func TestMetricsAreRegisteredOnce(t *testing.T) {
	f := newFixture(t)
	if _, err := New(f.config); err == nil {
		t.Error("a second server counts into the metrics of the first")
	}
}

func TestLimitsGivenAreKept(t *testing.T) {
	given := Limits{
		Body: 1, BulkBody: 2, BulkRows: 3, HeldBodies: 4, Header: 5, Calls: 6, Redirects: 7,
		ReadHeader: 8, Read: 9, Write: 10, Idle: 11, Call: 12, BulkCall: 13, Status: 14, Leave: 15,
	}
	if got := given.withDefaults(); got != given {
		t.Errorf("%+v", got)
	}
}

// quiet is do for goroutines: it fails no test.
func (f *fixture) quiet(method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-Api-Key", testKey)
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}
