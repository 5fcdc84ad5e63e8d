package api

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

// Visitors with an Accept as browsers send it, as programs send it, and as nobody should.
func TestRefusedVisitorsGetAPageOrAProblem(t *testing.T) {
	f := newFixture(t)
	f.add("past", "https://example.com", func(l *link.Link) { l.ValidUntil = noon })
	f.service.deleted["buried"] = true
	visits := []struct {
		path   string
		status int
		code   v1.Code
		says   string
	}{
		{"/missing", 404, v1.NotFound, "Page not found"},
		{"/a.b", 404, v1.NotFound, "Page not found"},
		{"/a/b", 404, v1.NotFound, "Page not found"},
		{"/missing/", 404, v1.NotFound, "Page not found"},
		{"/a%2Fb", 404, v1.NotFound, "Page not found"},
		{"/%3Cscript%3E", 404, v1.NotFound, "Page not found"},
		{"//evil.example", 404, v1.NotFound, "Page not found"},
		{"/past", 410, v1.Gone, "has expired"},
		{"/buried", 410, v1.Gone, "is gone"},
	}
	accepts := map[string]bool{ // whether a problem is wanted
		"":    false,
		"*/*": false,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": false,
		"application/json":                               true,
		"application/problem+json":                       true,
		"APPLICATION/JSON ; Q=0.5":                       true,
		"application/*":                                  true,
		"text/html;q=0.1, application/json":              true,
		"text/html, application/json;q=0.9":              false,
		"text/html;q=0, */*":                             true,
		"application/json, */*":                          false,
		"application/json, */*;q=0.1":                    true,
		"image/png":                                      false,
		";;;=,,,q=":                                      false,
		"application/json;q=banana":                      true,
		"application/json;q=0":                           false,
		strings.Repeat("a/b,", 100) + "application/json": false,
	}
	for _, visit := range visits {
		for accept, problem := range accepts {
			w := f.do("GET", visit.path, "", "Authorization", "", "Accept", accept)
			if problem {
				f.refused(w, visit.status, visit.code)
			} else if w.Code != visit.status || !strings.Contains(w.Body.String(), visit.says) ||
				w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("%s, Accept %q: status %d, header %v", visit.path, accept, w.Code, w.Header())
			}
			if strings.Contains(w.Body.String(), "<script>") {
				t.Errorf("%s: the request speaks in the answer: %s", visit.path, w.Body)
			}
		}
	}
}

func TestWithoutProofVisitorsAreAskedToComeAgain(t *testing.T) {
	f := newFixture(t)
	f.service.fail = link.ErrNoLeader
	f.refused(f.do("GET", "/unknown", "", "Accept", "application/json"), 503, v1.NoLeader)
	w := f.do("GET", "/unknown", "", "Accept", "text/html")
	if w.Code != 503 || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "in a moment") {
		t.Errorf("status %d, header %v", w.Code, w.Header())
	}
	f.service.fail = errUnheardOf
	f.refused(f.do("GET", "/unknown", "", "Accept", "application/json"), 500, v1.Internal)
	w = f.do("GET", "/unknown", "")
	if w.Code != 500 || strings.Contains(w.Body.String(), "10.0.0.2") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestRedirectsNeedNoKey(t *testing.T) {
	f := newFixture(t)
	f.add("abc", "https://example.com/?a=1&b=ü")
	f.service.late = 20 * time.Millisecond
	for _, method := range []string{"GET", "HEAD"} {
		for _, path := range []string{"/abc", "/%61bc", "/abc?", "/abc?&&"} {
			w := f.do(method, path, "", "Authorization", "")
			h := w.Header()
			if w.Code != 302 || h.Get("Location") != "https://example.com/?a=1&b=ü" || h.Get("Cache-Control") != "private, no-store" ||
				h.Get("X-Robots-Tag") != "noindex" || h.Get("Tinyurl-Staleness-Ms") != "20" || w.Body.Len() != 0 {
				t.Errorf("%s %s: status %d, header %v", method, path, w.Code, h)
			}
		}
	}
}

func TestWrongMethodsSayWhichAreRight(t *testing.T) {
	f := newFixture(t)
	for path, allowed := range map[string]string{
		links:                   "GET HEAD POST",
		bulk:                    "DELETE GET HEAD PATCH POST", // all but POST take "bulk" for a slug
		links + "/abc":          "DELETE GET HEAD PATCH",
		links + "/abc/qr":       "GET HEAD",
		tagsPath:                "GET HEAD",
		keysPath:                "GET HEAD POST",
		keysPath + "/a":         "DELETE",
		usersPath:               "GET HEAD POST",
		usersPath + "/a":        "DELETE PATCH",
		denyPath:                "GET HEAD POST",
		denyPath + "/a.b":       "DELETE",
		reportPath:              "POST",
		reportsPath:             "GET HEAD",
		reportsPath + "/a":      "DELETE",
		"/api/v1/cluster":       "GET HEAD",
		"/api/v1/cluster/leave": "POST",
		"/abc":                  "GET HEAD",
		"/":                     "GET HEAD",
		"/healthz":              "GET HEAD",
		"/readyz":               "GET HEAD",
		"/metrics":              "GET HEAD",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get"} {
			if slices.Contains(strings.Fields(allowed), method) {
				continue
			}
			w := f.do(method, path, "", "Authorization", "")
			f.refused(w, 405, v1.MethodNotAllowed)
			got := strings.Split(w.Header().Get("Allow"), ", ")
			slices.Sort(got)
			if strings.Join(got, " ") != allowed {
				t.Errorf("%s %s: Allow %q, want %q", method, path, got, allowed)
			}
		}
	}
}

func TestUnknownAPIPathsAreProblems(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/api", "/api/", "/api/v1", "/api/v2/links", "/api/v1/", links + "/", links + "/a/b", "/api/v1/cluster/", tagsPath + "/", tagsPath + "/a", keysPath + "/", keysPath + "/a/b", usersPath + "/", denyPath + "/", denyPath + "/a/b", reportPath + "/", reportPath + "/a", reportsPath + "/", links + "/abc/qr/", links + "/bulk/a"} {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
			f.refused(f.do(method, path, "", "Authorization", "", "Accept", "text/html"), 404, v1.NotFound)
		}
	}
}

func TestRequestsWithoutAPathAreRefused(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"", "*", "abc"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		if w.Code != http.StatusNotFound {
			t.Errorf("%q: status %d", path, w.Code)
		}
	}
}

// Whoever may choose slugs must not be able to take a path of the service away, now or when a route is added.
func TestNoLinkCanStandBeforeARoute(t *testing.T) {
	f := newFixture(t)
	words := link.WordsFor(1)
	for _, route := range f.engine.Routes() {
		first, _, _ := strings.Cut(strings.TrimPrefix(route.Path, "/"), "/")
		if first == "" || strings.HasPrefix(first, ":") {
			continue
		}
		if _, err := link.ParseSlug(first, words); err == nil {
			t.Errorf("%q of %s %s can be chosen as a slug", first, route.Method, route.Path)
		}
	}
}

func TestTheFrontPage(t *testing.T) {
	f := newFixture(t)
	w := f.do("GET", "/", "", "Authorization", "")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "tinyurl") || w.Header().Get("Content-Security-Policy") == "" {
		t.Errorf("status %d, header %v", w.Code, w.Header())
	}
}
