package api

import (
	"net"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"tinyurl/api/redirect"
	"tinyurl/api/redirect/lean"
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

// What reads visits before net/http does knows the connection alone: behind a proxy that is not the client.
func TestBehindATrustedProxyTheFrontTellsGuessersApart(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.MissLimit, c.Now = 1, func() time.Time { return noon }
		c.Admission.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	})
	f.add("home", "https://example.com/")
	visits := f.front(NewHTTPServer(f.Server, Limits{}, nil, nil), nil).Visits
	guess := func(remote, client string) int {
		host, _, err := net.SplitHostPort(remote)
		if err != nil {
			t.Fatal(err)
		}
		_, _, write := visits.Visit(t.Context(), &net.TCPAddr{IP: net.ParseIP(host), Port: 5}, lean.Asked{Code: "nothing"})
		r := httptest.NewRequest("GET", "/nothing", nil)
		r.RemoteAddr = remote
		r.Header.Set("X-Forwarded-For", client)
		w := httptest.NewRecorder()
		write(w, r)
		return w.Code
	}
	for _, client := range []string{"198.51.100.1", "198.51.100.2"} {
		for i, want := range []int{404, 404, 429} {
			if got := guess("10.0.0.1:5", client); got != want {
				t.Errorf("guess %d of %s: status %d", i, client, got)
			}
		}
	}
	for i, want := range []int{404, 404, 429} { // whatever strangers write
		if got := guess("203.0.113.1:5", "198.51.100."+strconv.Itoa(100+i)); got != want {
			t.Errorf("guess %d of a stranger: status %d", i, got)
		}
	}
	if target, _, write := visits.Visit(t.Context(), &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}, lean.Asked{Code: "home"}); target != "https://example.com/" || write != nil {
		t.Errorf("a hit through the proxy: %q", target)
	}
	if got := f.metric("tinyurl_redirects_total"); got != 9+1 {
		t.Errorf("%v visits are counted", got)
	}
}
