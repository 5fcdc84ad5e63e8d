package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// watch is a clock that tests set, and whoever is called by it.
type watch struct{ now time.Time }

func (w *watch) read() time.Time { return w.now }

// countedKeys are keys of every scope but that of administrators, and how often one was looked up.
type countedKeys struct {
	known map[string]bool
	// elsewhere are those that another node knows.
	elsewhere map[string]bool
	fail      error
	lookups   int // that cost the cluster something
}

func (*countedKeys) Confirm(_ context.Context, by access.Holder, _ bool) (access.Holder, error) {
	return by, nil
}

func (k *countedKeys) Authenticate(_ context.Context, key string, local bool) (access.Holder, error) {
	if k.fail != nil {
		return access.Holder{}, k.fail
	}
	if !k.known[key] && !local {
		k.lookups++
	}
	if !k.known[key] && (local || !k.elsewhere[key]) {
		return access.Holder{}, ErrUnauthorized
	}
	return access.Holder{ID: "id-of-" + key, Scopes: access.AllScopes &^ access.Admin}, nil
}

// limited is a fixture with one call a second, and a link.
func limited(t *testing.T, change ...func(*Config)) (*fixture, *countedKeys, *watch) {
	t.Helper()
	clock, keys := &watch{noon}, &countedKeys{known: map[string]bool{"ann": true, "bob": true, "cy": true}, elsewhere: map[string]bool{"new": true}}
	f := newFixture(t, append([]func(*Config){func(c *Config) {
		c.Admission.RateLimit, c.Now, c.Authenticator = 1, clock.read, keys
		c.Admission.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	}}, change...)...)
	f.add("abc", "https://example.com")
	return f, keys, clock
}

// from sends a call with a key, unless that is empty, from an address behind a proxy.
func (f *fixture) from(address, key, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr = "10.0.0.1:4711"
	r.Header.Set("X-Forwarded-For", address)
	if key != "" {
		r.Header.Set("X-Api-Key", key)
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// toldLimit checks what an answer says of a limit.
func toldLimit(t *testing.T, w *httptest.ResponseRecorder, status int, limit, remaining, reset, retry string) {
	t.Helper()
	h := w.Header()
	if w.Code != status || h.Get("RateLimit-Limit") != limit || h.Get("RateLimit-Remaining") != remaining || h.Get("RateLimit-Reset") != reset || h.Get("Retry-After") != retry {
		t.Errorf("status %d, want %d; header %v", w.Code, status, h)
	}
}

const one = "198.51.100.1"

func TestAKeyMayCallSoOftenWhereverItIsUsed(t *testing.T) {
	f, _, clock := limited(t)
	get := func(address, key string) *httptest.ResponseRecorder {
		return f.from(address, key, "GET", links+"/abc", "")
	}
	toldLimit(t, get(one, "ann"), 200, "2", "1", "1", "")
	clock.now = clock.now.Add(100 * time.Millisecond)
	toldLimit(t, get("198.51.100.2", "ann"), 200, "2", "0", "2", "")
	refused := get("198.51.100.3", "ann")
	toldLimit(t, refused, 429, "2", "0", "2", "1")
	f.refused(refused, 429, v1.RateLimited)
	toldLimit(t, get(one, "bob"), 200, "2", "1", "1", "")
	clock.now = clock.now.Add(900 * time.Millisecond)
	toldLimit(t, get(one, "ann"), 200, "2", "0", "2", "")
	clock.now = clock.now.Add(time.Hour)
	toldLimit(t, get(one, "ann"), 200, "2", "1", "1", "")
}

func TestRefusedCallsOfAKeyCountToo(t *testing.T) {
	for name, call := range map[string]struct {
		method, path, body string
		status             int
	}{
		"without the scope": {"POST", "/api/v1/cluster/leave", "", 403},
		"bad JSON":          {"POST", links, "{", 422},
		"unknown":           {"GET", links + "/missing", "", 404},
		"bad query":         {"GET", links + "?x=1", "", 422},
	} {
		f, _, _ := limited(t)
		for _, remaining := range []string{"1", "0"} {
			if w := f.from(one, "ann", call.method, call.path, call.body); w.Code != call.status || w.Header().Get("RateLimit-Remaining") != remaining {
				t.Errorf("%s: status %d, header %v", name, w.Code, w.Header())
			}
		}
		f.refused(f.from(one, "ann", call.method, call.path, call.body), 429, v1.RateLimited)
		if f.service.left != 0 || len(f.service.drafts) != 0 {
			t.Errorf("%s: something was done", name)
		}
	}
}

func TestWhoGuessesKeysIsStoppedBeforeTheClusterIsAsked(t *testing.T) {
	f, keys, clock := limited(t)
	get := func(address, key string) *httptest.ResponseRecorder {
		return f.from(address, key, "GET", links+"/abc", "")
	}
	for range 10 { // a right key is not on the address's account
		for _, key := range []string{"ann", "bob", "cy"} {
			clock.now = clock.now.Add(time.Second)
			if w := get(one, key); w.Code != 200 {
				t.Fatalf("status %d", w.Code)
			}
		}
	}
	keys.lookups = 0
	toldLimit(t, get(one, "guess"), 401, "2", "1", "1", "")
	toldLimit(t, get(one, ""), 401, "2", "0", "2", "")
	for _, key := range []string{"guess", "", "other", "new"} {
		toldLimit(t, get(one, key), 429, "2", "0", "2", "1")
	}
	if keys.lookups != 1 {
		t.Errorf("%d keys were looked up", keys.lookups)
	}
	// Who guesses stops nobody whose key is known here.
	toldLimit(t, get(one, "ann"), 200, "2", "1", "1", "")
	toldLimit(t, get(one, "ann"), 200, "2", "0", "2", "")
	// A key of another node's is looked up on the address's account, which gets it back.
	for range 3 {
		clock.now = clock.now.Add(time.Second)
		toldLimit(t, get("198.51.100.2", "new"), 200, "2", "1", "1", "")
	}
	toldLimit(t, get("198.51.100.2", "guess"), 401, "2", "1", "1", "")
	// What nobody could look up was asked all the same.
	clock.now = clock.now.Add(time.Hour)
	keys.fail = link.ErrNoLeader
	toldLimit(t, get(one, "ann"), 503, "2", "1", "1", "1")
	toldLimit(t, get(one, "ann"), 503, "2", "0", "2", "1")
	toldLimit(t, get(one, "ann"), 429, "2", "0", "2", "1")
}

func TestOfIPv6ANetworkHasOneLimit(t *testing.T) {
	f, _, _ := limited(t)
	for i, address := range []string{"2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "[2001:db8:1:2::3]:80", "2001:db8:1:3::1"} {
		want := 401
		if i == 2 {
			want = 429
		}
		if w := f.from(address, "guess", "GET", links, ""); w.Code != want {
			t.Errorf("%s: status %d", address, w.Code)
		}
	}
}

func TestAHeaderOfStrangersIsNotBelieved(t *testing.T) {
	f, _, _ := limited(t)
	statuses := map[int]int{}
	for i := range 10 {
		r := httptest.NewRequest("GET", links, nil)
		r.RemoteAddr = "203.0.113.1:5"
		r.Header.Set("X-Forwarded-For", netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}).String())
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		statuses[w.Code]++
	}
	if statuses[401] != 2 || statuses[429] != 8 {
		t.Errorf("%v", statuses)
	}
}

func TestRedirectsAndHealthAreNeverLimited(t *testing.T) {
	f, _, _ := limited(t)
	for range 10 {
		f.from(one, "", "GET", links, "")
	}
	for _, path := range []string{"/abc", "/abc+", "/", "/healthz", "/readyz", "/metrics"} {
		for range 10 {
			if w := f.from(one, "", "GET", path, ""); w.Code >= 400 || w.Header().Get("RateLimit-Limit") != "" {
				t.Errorf("%s: status %d, header %v", path, w.Code, w.Header())
			}
		}
	}
}

func TestWithoutALimitNothingIsSaidOfOne(t *testing.T) {
	f, _, _ := limited(t, func(c *Config) { c.Admission.RateLimit = 0 })
	for range 20 {
		toldLimit(t, f.from(one, "ann", "GET", links+"/abc", ""), 200, "", "", "", "")
		toldLimit(t, f.from(one, "guess", "GET", links+"/abc", ""), 401, "", "", "", "")
	}
}

func TestAPanicTellsNothingOfALimit(t *testing.T) {
	f, _, _ := limited(t)
	f.service.panics = "at the disco"
	toldLimit(t, f.from(one, "ann", "GET", links+"/abc", ""), 500, "", "", "", "")
}

func TestARateLimitHasItsRange(t *testing.T) {
	for limit, taken := range map[int]bool{-1: false, 0: true, MaxRateLimit: true, MaxRateLimit + 1: false} {
		c := newFixture(t).config
		c.Registerer, c.Admission.RateLimit = nil, limit
		if _, err := New(c); (err == nil) != taken {
			t.Errorf("%d: %v", limit, err)
		}
	}
}

func TestTheAnonymousMakeLinksWhereTheyMay(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Admission.Anonymous = true })
	nobody := http.Header{"Authorization": nil}
	made := decode[v1.Link](t, f.doWith("POST", links, `{"longUrl":"https://example.com","customSlug":"mine","title":"x"}`, nobody), 201)
	if made.Owner != nil || made.ShortCode != "mine" {
		t.Errorf("%+v", made)
	}
	if by := f.service.by; by.ID != access.Anonymous || by.Scopes != access.LinksCreate || by.Actor() != "" || by.Owner != access.Anonymous {
		t.Errorf("made by %+v", by)
	}
	for _, o := range operations()[1:] {
		f.refused(f.doWith(o.method, o.path, o.body, nobody), 401, v1.Unauthorized)
	}
	// Who shows a key means it.
	for _, header := range []http.Header{
		{"Authorization": {"Bearer wrong"}}, {"Authorization": {""}}, {"Authorization": nil, "X-Api-Key": {""}}, {"Authorization": {"Basic eA=="}},
	} {
		f.refused(f.doWith("POST", links, oneLink, header), 401, v1.Unauthorized)
	}
	if f.do("POST", links, oneLink); f.service.by.ID != access.Root {
		t.Errorf("the root key makes links as %q", f.service.by.ID)
	}
	if len(f.service.drafts) != 2 {
		t.Errorf("%d links were asked for", len(f.service.drafts))
	}
}

func TestTheAnonymousShareNothing(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Admission.Anonymous = true })
	f.refused(f.doWith("POST", links, oneLink, http.Header{"Authorization": nil, "Idempotency-Key": {"k"}}), 422, v1.InvalidField, "Idempotency-Key")
	find := `{"longUrl":"https://example.com","findIfExists":true}`
	f.refused(f.doWith("POST", links, find, http.Header{"Authorization": nil}), 422, v1.InvalidField, "findIfExists")
	if len(f.service.drafts) != 0 {
		t.Error("something was done")
	}
}

func TestTheAnonymousAreLimitedByAddress(t *testing.T) {
	f, _, _ := limited(t, func(c *Config) { c.Admission.Anonymous = true })
	for _, want := range []int{201, 201, 429, 429} {
		if w := f.from(one, "", "POST", links, oneLink); w.Code != want {
			t.Errorf("status %d, want %d", w.Code, want)
		}
	}
	if w := f.from("198.51.100.2", "", "POST", links, oneLink); w.Code != 201 {
		t.Errorf("status %d from elsewhere", w.Code)
	}
}

func TestTheAnonymousLeaveRoomForKeys(t *testing.T) {
	body := oneLink + strings.Repeat(" ", 1000)
	f := newFixture(t, func(c *Config) {
		c.Admission.Anonymous = true
		c.Limits.HeldBodies, c.Limits.Calls = int64(strangersPart*bodyFactor*len(body)), 2*strangersPart
	})
	f.service.wait = make(chan struct{})
	statuses := make(chan int, 10)
	send := func(body, key string) {
		r := httptest.NewRequest("POST", links, strings.NewReader(body))
		if key != "" {
			r.Header.Set("X-Api-Key", key)
		}
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		statuses <- w.Code
	}
	nobody := http.Header{"Authorization": nil}
	go send(body, "")
	until(t, "a stranger is in flight", func() bool { return f.service.inside.Load() == 1 })
	// All the memory that strangers have is taken, and none of that of others.
	f.refused(f.doWith("POST", links, oneLink, nobody), 503, v1.Overloaded)
	go send(body, testKey)
	until(t, "a key is in flight", func() bool { return f.service.inside.Load() == 2 })
	close(f.service.wait)
	for range 2 {
		if status := <-statuses; status != 201 {
			t.Errorf("status %d", status)
		}
	}
	if used, strangers := f.bodies.used.Load(), f.bodies.strangers.Load(); used != 0 || strangers != 0 {
		t.Errorf("%d bytes are still reserved, %d of strangers", used, strangers)
	}

	f.service.wait = make(chan struct{})
	f.bodies.limit = 1 << 20
	for range 2 {
		go send(oneLink, "")
	}
	until(t, "two strangers are in flight", func() bool { return f.service.inside.Load() == 4 })
	f.refused(f.doWith("POST", links, oneLink, nobody), 503, v1.Overloaded)
	go send(oneLink, testKey)
	until(t, "a key is in flight", func() bool { return f.service.inside.Load() == 5 })
	close(f.service.wait)
	for range 3 {
		if status := <-statuses; status != 201 {
			t.Errorf("status %d", status)
		}
	}
	if shed := f.metric("tinyurl_http_shed_total", "kind", "stranger"); shed != 1 {
		t.Errorf("%v strangers were shed", shed)
	}
}

func TestWhatIsReservedForAStrangerIsGivenBackInWhole(t *testing.T) {
	b := budget{limit: 100}
	c := &call{}
	if b.hold(c, 50) != nil { // nobody knows yet who it is
		t.Fatal("no room")
	}
	c.by = access.AnonymousHolder()
	for n, held := range map[int64]bool{26: false, 101: false} {
		if err := b.hold(c, n); (err == nil) != held || b.used.Load() != 50 || b.strangers.Load() != 0 {
			t.Errorf("%d bytes: %v, %d and %d are reserved", n, err, b.used.Load(), b.strangers.Load())
		}
	}
	if err := b.hold(c, 25); err != nil || b.used.Load() != 25 || b.strangers.Load() != 25 {
		t.Errorf("%v, %d and %d are reserved", err, b.used.Load(), b.strangers.Load())
	}
	if b.free(c); b.used.Load() != 0 || b.strangers.Load() != 0 {
		t.Errorf("%d and %d are reserved", b.used.Load(), b.strangers.Load())
	}
}

func TestAKeyThatHoldsNoMoreIsRefusedLikeAWrongOne(t *testing.T) {
	for _, o := range operations() {
		f, keys, _ := limited(t, func(c *Config) { c.Admission.RateLimit = 0 })
		keys.fail = &secretError{link.ErrUnauthorized} // it has expired, or was revoked
		w := f.from(one, "ann", o.method, o.path, o.body)
		if f.refused(w, 401, v1.Unauthorized); w.Header().Get("WWW-Authenticate") == "" || strings.Contains(w.Body.String(), "10.0.0.2") {
			t.Errorf("%s %s: header %v, %s", o.method, o.path, w.Header(), w.Body)
		}
		if f.service.inside.Load() != 0 || f.kept.changes != 0 {
			t.Errorf("%s %s: something was asked", o.method, o.path)
		}
	}
}

func BenchmarkCreateUnderALimit(b *testing.B) {
	f := newFixture(b, func(c *Config) { c.Links, c.Admission.RateLimit = sameLink{}, MaxRateLimit })
	benchServe(b, f, "POST", links, benchBody)
}
