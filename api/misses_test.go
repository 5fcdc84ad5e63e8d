package api

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tinyurl/api/redirect"
	"tinyurl/api/v1"
)

func TestWhoGuessesCodesIsToldToWait(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.MissLimit = 1
		c.Now = func() time.Time { return noon }
	})
	f.add("home", "https://example.com/")
	for range 2 {
		f.refused(f.do("GET", "/nothing", "", "Accept", "application/json"), 404, v1.NotFound)
	}
	f.refused(f.do("GET", "/nothing", "", "Accept", "application/json"), 429, v1.RateLimited)
	page := f.do("GET", "/nothing", "")
	if page.Code != 429 || page.Header().Get("Retry-After") != "1" || !strings.Contains(page.Body.String(), "in a moment") {
		t.Errorf("status %d, header %v, body %s", page.Code, page.Header(), page.Body)
	}
	if w := f.do("GET", "/home", ""); w.Code != 302 {
		t.Errorf("a hit from the same address: status %d", w.Code)
	}
	r := httptest.NewRequest("GET", "/nothing", nil)
	r.RemoteAddr = "198.51.100.1:1"
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	if w.Code != 404 {
		t.Errorf("another address: status %d", w.Code)
	}
	// Whatever a proxy or the visitor says, the address is the connection's.
	f.refused(f.do("GET", "/nothing", "", "Accept", "application/json", "X-Forwarded-For", "198.51.100.2"), 429, v1.RateLimited)
}

func TestAMissLimitHasItsRange(t *testing.T) {
	for limit, taken := range map[int]bool{-1: false, 0: true, redirect.MaxMissLimit: true, redirect.MaxMissLimit + 1: false} {
		c := newFixture(t).config
		c.Registerer, c.MissLimit = nil, limit
		if _, err := New(c); (err == nil) != taken {
			t.Errorf("%d: %v", limit, err)
		}
	}
}
