package api

import (
	"cmp"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
)

// operation is one that needs a key, with a request that would do and the one scope it asks for.
type operation struct {
	method, path, body string
	scope              access.Scopes
}

// operations are all of them, each feature's from its own function.
func operations() []operation {
	return slices.Concat(linkOperations(), clusterOperations(), keyOperations(), userOperations(), denialOperations(), reportOperations(), statisticsOperations())
}

func linkOperations() []operation {
	return []operation{
		{"POST", links, oneLink, access.LinksCreate},
		{"POST", bulk, rowsBody(1), access.LinksCreate},
		{"GET", links + "/abc", "", access.LinksRead},
		{"GET", links, "", access.LinksRead},
		{"PATCH", links + "/abc", `{"title":"x"}`, access.LinksWrite},
		{"GET", links + "/abc/qr", "", access.LinksRead},
		{"GET", tagsPath, "", access.LinksRead},
		{"DELETE", links + "/abc", "", access.LinksWrite},
	}
}

func clusterOperations() []operation {
	return []operation{
		{"GET", "/api/v1/cluster", "", access.AnyKey},
		{"POST", "/api/v1/cluster/leave", "", access.Admin},
		{"POST", "/api/v1/cluster/members/n2-90b1d4/remove", "", access.Admin},
		{"POST", "/api/v1/cluster/transfer", "", access.Admin},
		{"GET", "/api/v1/cluster/autopilot", "", access.Admin},
	}
}

func TestWithoutTheRightKeyNothingIsDone(t *testing.T) {
	headers := map[string]http.Header{
		"none":             {"Authorization": nil},
		"empty":            {"Authorization": {""}},
		"bearer of naught": {"Authorization": {"Bearer "}},
		"wrong":            {"Authorization": {"Bearer " + strings.Repeat("x", len(testKey))}},
		"a prefix":         {"Authorization": {"Bearer " + testKey[:len(testKey)-1]}},
		"more":             {"Authorization": {"Bearer " + testKey + "x"}},
		"other case":       {"Authorization": {"Bearer " + strings.ToUpper(testKey)}},
		"bare":             {"Authorization": {testKey}},
		"basic":            {"Authorization": {"Basic " + testKey}},
		"two that differ":  {"Authorization": {"Bearer " + testKey}, "X-Api-Key": {"other"}},
		"two of one kind":  {"Authorization": nil, "X-Api-Key": {testKey, "other"}},
		"other header":     {"Authorization": nil, "X-Key": {testKey}},
	}
	for name, header := range headers {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.add("abc", "https://example.com")
			for _, o := range operations() {
				w := f.doWith(o.method, o.path, o.body, header)
				f.refused(w, 401, v1.Unauthorized)
				if w.Header().Get("WWW-Authenticate") == "" {
					t.Error("no WWW-Authenticate")
				}
			}
			if len(f.service.drafts) != 0 || len(f.service.links) != 1 || f.service.left != 0 || len(f.service.removed)+len(f.service.heirs)+f.kept.changes != 0 {
				t.Error("something was done")
			}
		})
	}
}

func TestTheKeyIsTakenFromEitherHeader(t *testing.T) {
	for name, header := range map[string]http.Header{
		"bearer":             {"Authorization": {"Bearer " + testKey}},
		"bearer in any case": {"Authorization": {"bEARER   " + testKey + " "}},
		"x-api-key":          {"Authorization": nil, "X-Api-Key": {testKey}},
		"both":               {"Authorization": {"Bearer " + testKey}, "X-Api-Key": {testKey}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			decode[v1.Link](t, f.doWith("POST", links, oneLink, header), http.StatusCreated)
		})
	}
}

func TestEveryOperationAsksForItsScope(t *testing.T) {
	for _, o := range operations() {
		f := newFixture(t, func(c *Config) {
			c.Authenticator = scopedKeys{"with": o.scope, "without": access.AllScopes &^ o.scope}
		})
		f.add("abc", "https://example.com")
		w := f.do(o.method, o.path, o.body, "Authorization", "Bearer without")
		if o.scope != access.AnyKey {
			f.refused(w, 403, v1.Forbidden)
		}
		if w := f.do(o.method, o.path, o.body, "Authorization", "Bearer with"); w.Code >= 300 {
			t.Errorf("%s %s: status %d with the one scope it asks for", o.method, o.path, w.Code)
		}
	}
}

// chunked hides the length of a body.
type chunked struct{ io.Reader }

func TestJudgementComesInThePromisedOrder(t *testing.T) {
	huge := `{"longUrl":"` + strings.Repeat("a", 2<<20) + `"`
	tests := []struct {
		name, key, body string
		chunked         bool
		status          int
		code            v1.Code
	}{
		{"size before key", "nobody", huge, false, 413, v1.TooLarge},
		{"size before key, length unknown", "nobody", huge, true, 413, v1.TooLarge},
		{"size before scope", "reader", huge, false, 413, v1.TooLarge},
		{"size before JSON", "maker", huge, false, 413, v1.TooLarge},
		{"size before JSON, length unknown", "maker", huge, true, 413, v1.TooLarge},
		{"key before JSON", "nobody", "{", false, 401, v1.Unauthorized},
		{"key before JSON, length unknown", "nobody", "{", true, 401, v1.Unauthorized},
		{"scope before JSON", "reader", "{", false, 403, v1.Forbidden},
		{"JSON before fields", "maker", `{"longUrl":"","x":1}`, false, 422, v1.InvalidJSON},
		{"fields", "maker", `{"longUrl":""}`, true, 422, v1.InvalidURL},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, func(c *Config) { c.Authenticator = scopedKeys{"maker": access.LinksCreate, "reader": access.LinksRead} })
			var body io.Reader = strings.NewReader(test.body)
			if test.chunked {
				body = chunked{body}
			}
			r := httptest.NewRequest("POST", links, body)
			r.Header.Set("X-Api-Key", test.key)
			w := httptest.NewRecorder()
			f.ServeHTTP(w, r)
			f.refused(w, test.status, test.code)
		})
	}
}

func TestBodiesMayBeAsLongAsTheLimitAndNoLonger(t *testing.T) {
	pad := func(body string, size int) string { return body + strings.Repeat(" ", size-len(body)) }
	f := newFixture(t)
	for _, test := range []struct {
		path, body string
		limit      int
	}{{links, oneLink, 1 << 20}, {bulk, rowsBody(2), 16 << 20}} {
		if w := f.do("POST", test.path, pad(test.body, test.limit)); w.Code >= 300 {
			t.Errorf("%s: status %d for a body of just the limit", test.path, w.Code)
		}
		w := f.do("POST", test.path, pad(test.body, test.limit+1))
		f.refused(w, 413, v1.TooLarge)
		if w.Header().Get("Connection") != "close" {
			t.Error("the connection would be used again, with a body still on it")
		}
	}
	if w := f.do("PATCH", links+"/abc", pad(`{}`, 1<<20)); w.Code != http.StatusNotFound {
		t.Errorf("status %d for a body of just the limit", w.Code)
	}
	for _, o := range operations()[2:] {
		f.refused(f.do(o.method, o.path, pad("", 2<<20)), 413, v1.TooLarge)
	}
}

func TestHandlersHaveADeadline(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.Limits.Call, c.Limits.BulkCall, c.Limits.Leave = time.Millisecond, time.Millisecond, time.Millisecond
		c.Limits.Status = time.Millisecond
	})
	f.service.wait = make(chan struct{})
	for _, o := range operations() {
		w := f.do(o.method, o.path, o.body)
		if o.path == "/api/v1/cluster" {
			decode[v1.Cluster](t, w, http.StatusOK) // what it knows by then
			continue
		}
		f.refused(w, 503, v1.NoLeader)
	}
}

func TestTheDefaultDeadlinesKeepThePromises(t *testing.T) {
	f := newFixture(t)
	f.add("abc", "https://example.com")
	most := map[string]time.Duration{
		bulk: 30 * time.Second, "/api/v1/cluster": time.Second, "/api/v1/cluster/leave": time.Minute,
		"/api/v1/cluster/members/n2-90b1d4/remove": time.Minute, "/api/v1/cluster/transfer": time.Minute,
	}
	for _, o := range operations() {
		f.service.deadlines = nil
		f.do(o.method, o.path, o.body)
		limit := cmp.Or(most[o.path], 6*time.Second)
		if len(f.service.deadlines) != 1 || f.service.deadlines[0] > limit {
			t.Errorf("%s %s: deadlines %v, want one of %v at most", o.method, o.path, f.service.deadlines, limit)
		}
	}
}
