package api

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

// form sends a form of a visitor.
func (f *fixture) form(path, form string, header ...string) *httptest.ResponseRecorder {
	f.t.Helper()
	return f.do("POST", path, form, append([]string{"Authorization", "", "Content-Type", formType}, header...)...)
}

func TestAProtectedLinkShowsAForm(t *testing.T) {
	f := newVisited(t)
	for _, path := range []string{"/locked", "/locked+", "/locked?a=1"} {
		for _, method := range []string{"GET", "HEAD"} {
			w := f.do(method, path, "", "Authorization", "")
			h := w.Header()
			if w.Code != 401 || h["Location"] != nil || h.Get("Cache-Control") != "private, no-store" || h.Get("X-Robots-Tag") != "noindex" ||
				h.Get("WWW-Authenticate") != `Form realm="link"` || h.Get("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("%s %s: status %d, header %v", method, path, w.Code, h)
			}
			// No action: it is posted to where it stands, with the query. And no form-action, which browsers apply to the redirect too.
			if !strings.Contains(w.Body.String(), `<form method="post">`) || !strings.Contains(w.Body.String(), `name="password"`) ||
				strings.Contains(h.Get("Content-Security-Policy"), "form-action") {
				t.Errorf("%s %s: %s", method, path, w.Body)
			}
		}
	}
	problem := f.do("GET", "/locked", "", "Authorization", "", "Accept", "application/json")
	if problem.Code != 401 || problem.Header().Get("Content-Type") != v1.ProblemType || problem.Header().Get("WWW-Authenticate") != `Form realm="link"` {
		t.Errorf("status %d, header %v", problem.Code, problem.Header())
	}
	if wrong := f.form("/locked", "password=x"); wrong.Code != 401 || !strings.Contains(wrong.Body.String(), "That is not the password") ||
		!strings.Contains(wrong.Body.String(), `<form method="post">`) {
		t.Errorf("status %d: %s", wrong.Code, wrong.Body)
	}
	right := f.form("/locked?a=9", "password=open+sesame")
	if right.Code != 302 || right.Header().Get("Location") != "https://example.com/?b=2&b=3&a=9#top" || right.Body.Len() != 0 {
		t.Errorf("status %d, header %v", right.Code, right.Header())
	}
}

// Whatever a link says, a browser must not post the password to the target.
func TestAPasswordIsNeverPostedOn(t *testing.T) {
	f := newVisited(t)
	for _, status := range []link.Redirect{0, 301, 307, 308} {
		f.add("abc", "https://example.com/", func(l *link.Link) {
			l.Redirect, l.Password = status, f.service.links["locked"].Password
		})
		w := f.form("/abc", "password=open+sesame")
		if w.Code != http.StatusFound || w.Header().Get("Cache-Control") != "private, no-store" {
			t.Errorf("%d: status %d, header %v", status, w.Code, w.Header())
		}
	}
}

func TestPasswordsAreTriedTenTimesAMinute(t *testing.T) {
	now := noon
	f := newVisited(t, func(c *Config) { c.Now = func() time.Time { return now } })
	for range 10 {
		f.refused(f.form("/locked", "password=x", "Accept", "application/json"), 401, v1.Unauthorized)
	}
	now = noon.Add(15 * time.Second)
	page := f.form("/locked", "password=open+sesame")
	if page.Code != 429 || page.Header().Get("Retry-After") != "45" || !strings.Contains(page.Body.String(), "Too many passwords") {
		t.Errorf("status %d, header %v, body %s", page.Code, page.Header(), page.Body)
	}
	f.refused(f.form("/locked+", "password=open+sesame", "Accept", "application/json", "X-Forwarded-For", "198.51.100.2"), 429, v1.RateLimited)
	if got := f.service.checked.Load(); got != 10 {
		t.Errorf("%d passwords were checked", got)
	}
	now = noon.Add(time.Minute)
	if w := f.form("/locked", "password=open+sesame"); w.Code != 302 {
		t.Errorf("a minute later: status %d", w.Code)
	}
}

func TestOnlySmallFormsAreTakenFromVisitors(t *testing.T) {
	f := newVisited(t)
	for name, c := range map[string]struct {
		body   string
		header []string
		status int
	}{
		"a form":          {"password=open+sesame", nil, 302},
		"with a charset":  {"password=open+sesame", []string{"Content-Type", formType + "; charset=UTF-8"}, 302},
		"in capitals":     {"password=open%20sesame&x=1", []string{"Content-Type", strings.ToUpper(formType)}, 302},
		"of another type": {"password=open+sesame", []string{"Content-Type", "text/plain"}, 405},
		"multipart":       {"password=open+sesame", []string{"Content-Type", "multipart/form-data; boundary=x"}, 405},
		"of no type":      {"password=open+sesame", []string{"Content-Type", ""}, 405},
		"of a wrong type": {"password=open+sesame", []string{"Content-Type", ";"}, 405},
		"as long as any":  {"password=" + strings.Repeat("x", maxForm-9), nil, 401},
		"too long":        {"password=" + strings.Repeat("x", maxForm-8), nil, 413},
		"half readable":   {"%zz=1&password=open+sesame", nil, 302},
		"given twice":     {"password=open+sesame&password=x", nil, 302},
		"in the query":    {"", nil, 401},
	} {
		path := "/locked"
		if name == "in the query" {
			path += "?password=open+sesame"
		}
		w := f.form(path, c.body, c.header...)
		if w.Code != c.status {
			t.Errorf("%s: status %d, want %d; header %v", name, w.Code, c.status, w.Header())
		}
		if c.status == 405 && w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: Allow %q", name, w.Header().Get("Allow"))
		}
	}
}

func TestFormsForOtherRoutesAreNoPasswords(t *testing.T) {
	f := newVisited(t)
	for code := range f.namesakes() {
		want := map[string]int{"api": 404, "rest": 404, "api-create.php": 401, "yourls-api.php": 403}[code]
		if w := f.form("/"+code, "password=x"); w.Code != cmp.Or(want, 405) {
			t.Errorf("/%s: status %d", code, w.Code)
		}
	}
	if got := f.service.inside.Load(); got != 0 {
		t.Errorf("%d were looked up", got)
	}
}

func TestPasswordsHaveNoRoomWhereVisitsHaveNone(t *testing.T) {
	f := newVisited(t, func(c *Config) { c.Limits.Redirects = 1 })
	f.visits.enter()
	if w := f.form("/locked", "password=open+sesame"); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("status %d", w.Code)
	}
	f.visits.leave()
	if w := f.form("/locked", "password=open+sesame"); w.Code != 302 || f.visits.inside.Load() != 0 {
		t.Errorf("status %d, %d inside", w.Code, f.visits.inside.Load())
	}
}

// A Server without a checker of its own understands what is kept.
func TestWithoutACheckerThereIsOne(t *testing.T) {
	f := newVisited(t, func(c *Config) { c.Passwords = nil })
	// "password", made by the reference implementation.
	f.add("abc", "https://example.com/", func(l *link.Link) {
		l.Password = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$ZVrRXqxlLcWfcXCnMyv0m4Rpvh/bnCi7"
	})
	for password, status := range map[string]int{"password": 302, "Password": 401} {
		if w := f.form("/abc", "password="+password); w.Code != status {
			t.Errorf("%s: status %d", password, w.Code)
		}
	}
	if w := f.form("/locked", "password=x"); w.Code != 500 || strings.Contains(w.Body.String(), "fake") || !strings.Contains(f.log.String(), "cannot be read") {
		t.Errorf("what nobody can check: status %d, %s", w.Code, f.log)
	}
}
