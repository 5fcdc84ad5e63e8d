package api

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tinyurl/api/compat"
	"tinyurl/api/compat/compattest"
	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// newCompatFixture is a fixture with the links of the recordings.
func newCompatFixture(t testing.TB, change ...func(*Config)) *fixture {
	t.Helper()
	f := newFixture(t, change...)
	for _, shown := range compattest.Links() {
		l := link.Link{
			Code: link.Code(shown.ShortCode), CreatedAt: shown.CreatedAt.Time, UpdatedAt: shown.UpdatedAt.Time, Version: shown.Version, Visits: shown.Visits.Total,
			Fields: link.Fields{Target: link.Target(shown.LongURL), Title: shown.Title, DropQuery: !shown.ForwardQuery},
		}
		var err error
		if l.Tags, err = link.ParseTags(shown.Tags); err != nil {
			t.Fatal(err)
		}
		if shown.ValidSince != nil {
			l.ValidSince = shown.ValidSince.Time
		}
		if shown.MaxVisits != nil {
			l.MaxVisits = *shown.MaxVisits
		}
		f.service.links[l.Code] = l
		f.service.page.Links = append([]link.Link{l}, f.service.page.Links...)
	}
	f.service.page.Total = uint64(len(f.service.page.Links))
	for _, tag := range compattest.Tags() {
		f.service.tagPage.Tags = append(f.service.tagPage.Tags, TagCount{Tag: tag.Tag, Links: tag.Links})
	}
	f.service.deleted["buried"] = true
	return f
}

func TestOldClientsAreAnsweredAsByTheOriginals(t *testing.T) {
	cases, err := compattest.Read("compat/testdata")
	if err != nil || len(cases) == 0 {
		t.Fatal(len(cases), err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			f, w := newCompatFixture(t), httptest.NewRecorder()
			f.Server.ServeHTTP(w, c.Request())
			if err := c.Check(w); err != nil {
				t.Error(err)
			}
		})
	}
}

// asForeigner sends a request as it is.
func (f *fixture) asForeigner(method, target, body string, header ...string) *httptest.ResponseRecorder {
	f.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// foreignCalls are one of each operation, in the words of the three, with the scope that it asks for.
func foreignCalls() []operation {
	key := "?format=json&action="
	return []operation{
		{"GET", "/api-create.php?url=https://example.com/new", "", access.LinksCreate},
		{"POST", "/api-create.php", "url=https://example.com/new", access.LinksCreate},
		{"GET", "/yourls-api.php" + key + "shorturl&url=https://example.com/new", "", access.LinksCreate},
		{"POST", "/yourls-api.php", "format=json&action=shorturl&url=https://example.com/new", access.LinksCreate},
		{"GET", "/yourls-api.php" + key + "expand&shorturl=custom", "", access.LinksRead},
		{"GET", "/yourls-api.php" + key + "url-stats&shorturl=custom", "", access.LinksRead},
		{"GET", "/yourls-api.php" + key + "stats&filter=last&limit=5", "", access.LinksRead},
		{"GET", "/yourls-api.php" + key + "db-stats", "", access.LinksRead},
		{"GET", shlinkAt, "", access.LinksRead},
		{"POST", shlinkAt, `{"longUrl":"https://example.com/new"}`, access.LinksCreate},
		{"GET", shlinkAt + "/custom", "", access.LinksRead},
		{"PATCH", shlinkAt + "/custom", `{"title":"x"}`, access.LinksWrite},
		{"GET", "/rest/v3/tags", "", access.LinksRead},
		{"GET", "/rest/v3/tags/stats", "", access.LinksRead},
		{"DELETE", shlinkAt + "/custom", "", access.LinksWrite},
	}
}

func TestOldClientsNeedTheScopesOfThisAPI(t *testing.T) {
	for _, o := range foreignCalls() {
		f := newCompatFixture(t, func(c *Config) {
			c.Authenticator = scopedKeys{"with": o.scope, "without": access.AllScopes &^ o.scope}
		})
		if w := f.asForeigner(o.method, o.path, o.body, "X-Api-Key", "without"); w.Code != 403 {
			t.Errorf("%s %s: status %d without the scope", o.method, o.path, w.Code)
		}
		if w := f.asForeigner(o.method, o.path, o.body, "Authorization", "Bearer with"); w.Code >= 300 {
			t.Errorf("%s %s: status %d with the scope: %s", o.method, o.path, w.Code, w.Body)
		}
	}
}

func TestWhatTheClusterRefusesIsToldInTheClientsWords(t *testing.T) {
	for err, status := range map[error]int{link.ErrNoLeader: 503, link.ErrOverloaded: 503, link.ErrDiskFull: 507, errUnheardOf: 500} {
		for _, o := range foreignCalls() {
			f := newCompatFixture(t)
			f.service.fail = &secretError{err}
			f.forced = true
			w := f.asForeigner(o.method, o.path, o.body, "X-Api-Key", testKey)
			if w.Code != status || strings.Contains(w.Body.String(), "10.0.0.2") || w.Header().Get("Content-Type") == "text/html; charset=utf-8" {
				t.Errorf("%v: %s %s: status %d: %s", err, o.method, o.path, w.Code, w.Body)
			}
			if (w.Header().Get("Retry-After") != "") != (status == 503) {
				t.Errorf("%v: %s %s: Retry-After %q", err, o.method, o.path, w.Header().Get("Retry-After"))
			}
		}
	}
}

func TestOldClientsHaveDeadlinesAndWaitForNobody(t *testing.T) {
	for _, o := range foreignCalls() {
		f := newCompatFixture(t, func(c *Config) { c.Limits.Call = time.Millisecond })
		f.service.wait = make(chan struct{})
		if w := f.asForeigner(o.method, o.path, o.body, "X-Api-Key", testKey); w.Code != 503 {
			t.Errorf("%s %s: status %d", o.method, o.path, w.Code)
		}
		full := newCompatFixture(t, func(c *Config) { c.Limits.Calls = 1 })
		full.calls.enter()
		if w := full.asForeigner(o.method, o.path, o.body, "X-Api-Key", testKey); w.Code != 503 {
			t.Errorf("%s %s: status %d with all calls in flight", o.method, o.path, w.Code)
		}
	}
}

func TestAPanicOfAnOldClientsCallIsInternal(t *testing.T) {
	f := newCompatFixture(t)
	f.service.panics = "10.0.0.2"
	for _, o := range foreignCalls() {
		if w := f.asForeigner(o.method, o.path, o.body, "X-Api-Key", testKey); w.Code != 500 || strings.Contains(w.Body.String(), "10.0.0.2") {
			t.Errorf("%s %s: status %d: %s", o.method, o.path, w.Code, w.Body)
		}
	}
	if f.bodies.used.Load() != 0 || f.calls.inside.Load() != 0 {
		t.Error("something is held")
	}
}

func TestOldClientsAreCountedAsAllAre(t *testing.T) {
	f := newCompatFixture(t, func(c *Config) { c.Admission.RateLimit = 1; c.Now = func() time.Time { return noon } })
	for i, want := range []int{200, 200, 429} {
		w := f.asForeigner("GET", "/yourls-api.php?format=json&action=db-stats&signature="+testKey, "")
		if w.Code != want || (want == 429) != (w.Header().Get("Retry-After") != "") || w.Header().Get("RateLimit-Limit") == "" {
			t.Errorf("call %d: status %d, header %v", i, w.Code, w.Header())
		}
	}
	for _, path := range []string{"/api-create.php?url=x", shlinkAt} {
		w := f.asForeigner("GET", path, "", "X-Api-Key", testKey)
		if w.Code != 429 {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
	if w := f.asForeigner("GET", "/rest/health", ""); w.Code != 200 {
		t.Errorf("health: status %d", w.Code)
	}
}

func TestOldClientsAreMeasuredByRoute(t *testing.T) {
	f := newCompatFixture(t)
	f.asForeigner("GET", shlinkAt+"/custom", "", "X-Api-Key", testKey)
	f.asForeigner("GET", shlinkAt+"/other", "", "X-Api-Key", testKey)
	for status, want := range map[string]float64{"2xx": 1, "4xx": 1} {
		if got := f.metric("tinyurl_http_requests_total", "route", shlinkAt+"/:code", "method", "GET", "status", status); got != want {
			t.Errorf("%s: %v, want %v", status, got, want)
		}
	}
}

func TestLinksMayBeMadeWithoutAKeyOnlyWhereAnybodyMay(t *testing.T) {
	f := newCompatFixture(t, func(c *Config) { c.Admission.Anonymous = true })
	makes := []string{"/api-create.php?url=https://example.org/", "/yourls-api.php?action=shorturl&format=simple&url=https://example.org/"}
	for i, path := range makes {
		w := f.asForeigner("GET", path, "")
		// Strangers are not shown what others have made.
		if want := fmt.Sprintf("https://sho.rt/gen%04d", i+2); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: status %d: %s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{makes[0] + "&key=wrong", makes[1] + "&signature=wrong", "/yourls-api.php?action=db-stats", "/yourls-api.php?action=expand&shorturl=custom", shlinkAt} {
		if w := f.asForeigner("GET", path, ""); w.Code != 401 && w.Code != 403 {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
	if w := f.asForeigner("POST", shlinkAt, `{"longUrl":"https://example.org/new"}`); w.Code != 401 {
		t.Errorf("shlink: status %d: its clients always have a key", w.Code)
	}
}

// A script whose variable is not set, or whose way to log in is not supported here, must hear of it: its links would be nobody's.
func TestWhoShowsCredentialsIsNotTakenForAStranger(t *testing.T) {
	const tinyURL, yourls = "/api-create.php?url=https://a.example/", "/yourls-api.php?action=shorturl&format=json&url=https://a.example/"
	for shown, c := range map[string]struct {
		path, says string
		status     int
	}{
		"key=":                          {tinyURL, "Error", 401},
		"key=%20":                       {tinyURL, "Error", 401},
		"key=wrong":                     {tinyURL, "Error", 401},
		"signature=":                    {yourls, "Please log in", 403},
		"signature=wrong":               {yourls, "Invalid signature", 403},
		"signature[]=" + testKey:        {yourls, "Please log in", 403},
		"key=" + testKey:                {yourls, "Please log in", 403},
		"timestamp=1&signature=wrong":   {yourls, "Time-limited", 403},
		"timestamp=&signature=":         {yourls, "Please log in", 403},
		"hash=md5&signature=" + testKey: {yourls, "Time-limited", 403},
		"username=joe&password=wrong":   {yourls, "User names", 403},
		"username=":                     {yourls, "Please log in", 403},
		"password=wrong":                {yourls, "User names", 403},
	} {
		path, query, _ := strings.Cut(c.path, "?")
		for name, send := range map[string]func(f *fixture) *httptest.ResponseRecorder{
			"GET":  func(f *fixture) *httptest.ResponseRecorder { return f.asForeigner("GET", c.path+"&"+shown, "") },
			"form": func(f *fixture) *httptest.ResponseRecorder { return f.asForeigner("POST", path, query+"&"+shown) },
		} {
			f := newCompatFixture(t, func(c *Config) { c.Admission.Anonymous = true })
			if w := send(f); w.Code != c.status || !strings.Contains(w.Body.String(), c.says) || len(f.service.drafts) != 0 {
				t.Errorf("%s by %s: status %d, %d links: %s", shown, name, w.Code, len(f.service.drafts), w.Body)
			}
		}
	}
}

func TestAnIdempotencyKeyWorksForOldClients(t *testing.T) {
	f := newCompatFixture(t)
	const path = "/api-create.php?alias=mine&url=https://example.com/"
	f.asForeigner("GET", path+"a", "", "X-Api-Key", testKey, "Idempotency-Key", "k")
	if len(f.service.drafts) != 1 || f.service.drafts[0].Once == nil {
		t.Fatalf("drafts %+v", f.service.drafts)
	}
	w := f.asForeigner("GET", path+"b", "", "X-Api-Key", testKey, "Idempotency-Key", "k")
	if w.Code != 400 || w.Header().Get(compat.ErrorHeader) != string(v1.KeyReused) {
		t.Errorf("another body: status %d, header %v", w.Code, w.Header())
	}
}

func TestUnhealthyNodesSayThatTheyFail(t *testing.T) {
	f := newCompatFixture(t)
	f.service.checks = []Check{{Name: "raft", Err: link.ErrNoLeader}}
	w := f.asForeigner("GET", "/rest/v3/health", "")
	if w.Code != 503 || !strings.Contains(w.Body.String(), `"status":"fail"`) || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestARedirectListenerKnowsNoOldClients(t *testing.T) {
	f := newCompatFixture(t)
	router := f.redirectRoutes()
	for _, path := range []string{"/api-create.php?url=https://example.com", "/yourls-api.php?action=db-stats", "/rest", "/rest/health", shlinkAt} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			r, w := httptest.NewRequest(method, path, nil), httptest.NewRecorder()
			r.Header.Set("X-Api-Key", testKey)
			router.ServeHTTP(w, r)
			if w.Code != 404 && w.Code != 405 {
				t.Errorf("%s %s: status %d", method, path, w.Code)
			}
		}
	}
	if len(f.service.drafts) != 0 {
		t.Error("links were made")
	}
}

func TestNoCodeCanStandWhereOldClientsAsk(t *testing.T) {
	words := link.WordsFor(1)
	for _, o := range compat.New("https://sho.rt").Operations() {
		first, _, _ := strings.Cut(o.Path[1:], "/")
		for _, code := range []string{first, strings.ToUpper(first)} {
			if _, err := link.ParseSlug(code, words); err == nil {
				t.Errorf("%q can be chosen", code)
			}
			if !words.Reserved(link.Code(code)) {
				t.Errorf("%q may be generated", code)
			}
		}
	}
}

func TestFiltersOfListsAreTranslated(t *testing.T) {
	f := newCompatFixture(t)
	query := url.Values{"tags[]": {"foo", "bar"}, "tagsMode": {"all"}, "orderBy": {"dateCreated-ASC"}, "searchTerm": {"COOL"}, "itemsPerPage": {"30"}}
	w := f.asForeigner("GET", shlinkAt+"?"+query.Encode(), "", "X-Api-Key", testKey)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "abc123") || strings.Contains(w.Body.String(), `"custom"`) {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	l := f.service.listings[0]
	if !slices.Equal(l.Tags, []string{"bar", "foo"}) || !l.AllTags || !l.OldestFirst || l.Limit != 30 || l.Local || l.Match == nil {
		t.Errorf("listing %+v", l)
	}
}
