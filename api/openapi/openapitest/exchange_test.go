package openapitest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const aLink = `{"shortCode":"abc","shortUrl":"https://sho.rt/abc","longUrl":"https://example.com","title":"","tags":[],"owner":null,` +
	`"createdAt":"2030-01-31T12:00:00.123Z","updatedAt":"2030-01-31T12:00:00.123Z","validSince":null,"validUntil":null,"maxVisits":null,` +
	`"redirectStatus":302,"forwardQuery":true,"enabled":true,"hasPassword":false,"visits":{"total":0,"nonBots":0,"bots":0},"version":1}`

const aProblem = `{"type":"urn:tinyurl:problem:not_found","title":"Not found","status":404,"detail":"none","instance":"/","code":"not_found"}`

// exchange is a create that the description allows, changed.
func exchange(t *testing.T, change func(x *Exchange)) Exchange {
	t.Helper()
	x := Exchange{
		Method: "POST", URL: parseURL(t, "/api/v1/links"), Header: http.Header{"X-Api-Key": {"key"}}, Body: []byte(`{"longUrl":"https://example.com"}`),
		Status: 201, Answer: http.Header{"Content-Type": {"application/json"}, "Location": {"/api/v1/links/abc"}, "Cache-Control": {"no-store"}}, Content: []byte(aLink),
	}
	change(&x)
	return x
}

func parseURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func newContract(t *testing.T) *Contract {
	t.Helper()
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestExchangesThatTheDescriptionAllows(t *testing.T) {
	c := newContract(t)
	for name, change := range map[string]func(x *Exchange){
		"as it is":             func(*Exchange) {},
		"another key header":   func(x *Exchange) { x.Header = http.Header{"Authorization": {"Bearer key"}} },
		"no key":               func(x *Exchange) { x.Header = nil },
		"a header of a number": func(x *Exchange) { x.Answer.Set("RateLimit-Limit", "2") },
		"of a charset":         func(x *Exchange) { x.Answer.Set("Content-Type", "application/json; charset=utf-8") },
		"bad, and refused":     func(x *Exchange) { x.Body = nil; refuse(x, 404, aProblem); x.URL.Path = "/api/v1/nowhere" },
		"a method of no path":  func(x *Exchange) { notAllowed(x); x.Method = "PUT" },
		"a page that is nowhere": func(x *Exchange) {
			x.URL.Path = "/a/b"
			x.Status = 404
			x.Answer.Set("Content-Type", "text/html; charset=utf-8")
		},
		"a preview": func(x *Exchange) {
			x.Method, x.URL.Path, x.Status, x.Content = "GET", "/abc+", 200, []byte("<html>")
			x.Answer = http.Header{"Content-Type": {"text/html"}, "Cache-Control": {"no-store"}, "X-Robots-Tag": {"noindex"}}
		},
		"HEAD without a body": func(x *Exchange) {
			x.Method, x.Status, x.URL.Path, x.Content = "HEAD", 200, "/api/v1/links/abc", nil
			x.Answer.Set("ETag", `"1"`)
		},
	} {
		if err := c.Check(exchange(t, change)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n, successes := c.Seen(); n != 3 || successes != 7 {
		t.Errorf("%d operations were seen, with %d successes", n, successes)
	}
	if unseen := strings.Join(c.Unseen(), "\n"); strings.Contains(unseen, "POST /api/v1/links\n") || !strings.Contains(unseen, "DELETE /api/v1/links/{code}") {
		t.Errorf("unseen:\n%s", unseen)
	}
}

func refuse(x *Exchange, status int, problem string) {
	x.Status, x.Content = status, []byte(problem)
	x.Answer.Set("Content-Type", "application/problem+json")
}

func notAllowed(x *Exchange) {
	refuse(x, 405, strings.NewReplacer("not_found", "method_not_allowed", "404", "405").Replace(aProblem))
	x.Answer.Set("Allow", "GET")
}

func TestExchangesThatItForbids(t *testing.T) {
	c := newContract(t)
	for name, change := range map[string]func(x *Exchange){
		"a wrong field":            func(x *Exchange) { x.Body = []byte(`{"longUrl":1}`) },
		"a field too many":         func(x *Exchange) { x.Body = []byte(`{"longUrl":"x","more":1}`) },
		"no body":                  func(x *Exchange) { x.Body = nil },
		"no JSON":                  func(x *Exchange) { x.Body = []byte(`{`) },
		"two documents":            func(x *Exchange) { x.Body = []byte(`{"longUrl":"x"}{}`) },
		"a bad header":             func(x *Exchange) { x.Header.Set("Idempotency-Key", strings.Repeat("k", 256)) },
		"a header twice":           func(x *Exchange) { x.Header["Idempotency-Key"] = []string{"a", "b"} },
		"an unknown parameter":     func(x *Exchange) { x.URL.RawQuery = "x=1" },
		"a status of nobody":       func(x *Exchange) { x.Status = 202 },
		"a header that is missing": func(x *Exchange) { x.Answer.Del("Location") },
		"a header of no number":    func(x *Exchange) { x.Answer.Set("RateLimit-Limit", "many") },
		"another media type":       func(x *Exchange) { x.Answer.Set("Content-Type", "text/plain") },
		"no media type":            func(x *Exchange) { x.Answer.Del("Content-Type") },
		"an answer cut short":      func(x *Exchange) { x.Content = x.Content[:50] },
		"an unnamed field":         func(x *Exchange) { x.Content = []byte(strings.Replace(aLink, `{`, `{"more":1,`, 1)) },
		"a wrong value":            func(x *Exchange) { x.Content = []byte(strings.Replace(aLink, `302`, `303`, 1)) },
		"a body where none is":     func(x *Exchange) { x.Method, x.URL.Path, x.Status = "DELETE", "/api/v1/links/abc", 204 },
		"a path of no operation":   func(x *Exchange) { x.URL.Path = "/api/v1/nowhere" },
		"no key where one is due":  func(x *Exchange) { x.URL.Path, x.Status, x.Header = "/api/v1/links/bulk", 200, nil },
		"a problem of another status": func(x *Exchange) {
			refuse(x, 422, aProblem)
		},
		"a method without Allow": func(x *Exchange) { notAllowed(x); x.Method = "PUT"; x.Answer.Del("Allow") },
	} {
		if err := c.Check(exchange(t, change)); err == nil {
			t.Errorf("%s passed", name)
		}
	}
}

func TestTheMostExactPathIsMeant(t *testing.T) {
	c := newContract(t)
	for _, test := range []struct{ method, path, want string }{
		{"POST", "/api/v1/links/bulk", "createLinks"},
		{"GET", "/api/v1/links/bulk", "getLink"},
		{"GET", "/api/v1/links/bulk/qr", "getQR"},
		{"HEAD", "/docs", "docs"},
		{"GET", "/docs+", "preview"},
		{"GET", "/abc", "visit"},
		{"POST", "/abc", "unlock"},
		{"GET", "/", "getFrontPage"},
		{"GET", "/abc/", ""},
		{"GET", "//", ""},
		{"DELETE", "/abc", ""},
	} {
		op, _ := c.find(test.method, test.path)
		if op == nil && test.want == "" {
			continue
		}
		if op == nil || op.id != test.want {
			t.Errorf("%s %s is for %+v", test.method, test.path, op)
		}
	}
}

func TestLinesAreJudgedEach(t *testing.T) {
	c := newContract(t)
	x := exchange(t, func(x *Exchange) {
		x.URL.Path, x.Status, x.Body = "/api/v1/import", 200, []byte("any,file")
		x.Answer.Set("Content-Type", linesType)
		x.Content = []byte("{\"importId\":\"i\",\"format\":\"csv\"}\n{\"complete\":true}\n")
	})
	if err := c.Check(x); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"{\"complete\":1}\n", "{}\n{\"unheard\":1}\n", "{}\n\n", "{"} {
		x.Content = []byte(bad)
		if err := c.Check(x); err == nil {
			t.Errorf("%q passed", bad)
		}
	}
}
