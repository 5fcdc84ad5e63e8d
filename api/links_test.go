package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

const links = "/api/v1/links"

// longURL makes a target of n bytes.
func longURL(n int) string {
	const start = "https://example.com/"
	return start + strings.Repeat("a", n-len(start))
}

func TestCreateAnswersWithTheWholeLink(t *testing.T) {
	f := newFixture(t)
	w := f.do("POST", links, `{"longUrl":"https://example.com/a?b=<c>&d=é","customSlug":"home","validUntil":"2031-02-03T05:06:07.8919+01:00"}`)
	if w.Code != http.StatusCreated {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	want := `{"shortCode":"home","shortUrl":"https://sho.rt/home","longUrl":"https://example.com/a?b=<c>&d=é","title":"","tags":[],"owner":null,` +
		`"createdAt":"2030-01-31T12:00:00.123Z","updatedAt":"2030-01-31T12:00:00.123Z","validSince":null,"validUntil":"2031-02-03T04:06:07.891Z",` +
		`"maxVisits":null,"redirectStatus":302,"forwardQuery":true,"enabled":true,"hasPassword":false,"visits":{"total":0,"nonBots":0,"bots":0},"version":1}` + "\n"
	if got := w.Body.String(); got != want {
		t.Errorf("body\n%swant\n%s", got, want)
	}
	for name, want := range map[string]string{
		"Location": links + "/home", "Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
}

func TestCreateTakesSynonyms(t *testing.T) {
	for _, target := range []string{"longUrl", "url", "long_url", "target"} {
		for _, slug := range []string{"customSlug", "alias", "slug", "keyword", "customurl"} {
			f := newFixture(t)
			w := f.do("POST", links, `{"`+target+`":"https://example.com","`+slug+`":"mine"}`)
			if got := decode[v1.Link](t, w, http.StatusCreated); got.ShortCode != "mine" || got.LongURL != "https://example.com" {
				t.Errorf("%s, %s: %+v", target, slug, got)
			}
		}
	}
}

func TestSynonymsThatAgreeAreTaken(t *testing.T) {
	w := newFixture(t).do("POST", links, `{"url":"https://example.com","target":"https://example.com","slug":"a","alias":"a"}`)
	decode[v1.Link](t, w, http.StatusCreated)
}

func TestCreateTakesTheLongestURLAndExpiry(t *testing.T) {
	f := newFixture(t)
	body := `{"longUrl":"` + longURL(8192) + `","expiresIn":"1.5s","customSlug":"` + strings.Repeat("s", 128) + `"}`
	got := decode[v1.Link](t, f.do("POST", links, body), http.StatusCreated)
	if len(got.LongURL) != 8192 || !got.ValidUntil.Equal(noon.Add(1500*time.Millisecond)) {
		t.Errorf("link of %d bytes until %v", len(got.LongURL), got.ValidUntil)
	}
}

func TestCreateKeepsTheURLByteForByte(t *testing.T) {
	for _, target := range []string{
		"https://example.com/%zz", "HTTP://Example.COM:80/../a//b?x=1&y=\"<>\"#f", "https://münchen.example/straße?q=ß",
		"https://example.com/\U0001f600", "https://user:pw@example.com/\u2028x", "https://example.com/\ufffd",
	} {
		body, err := json.Marshal(map[string]string{"longUrl": target}) // escapes < > & and U+2028
		if err != nil {
			t.Fatal(err)
		}
		f := newFixture(t)
		got := decode[v1.Link](t, f.do("POST", links, string(body)), http.StatusCreated)
		if got.LongURL != target || string(f.service.drafts[0].Target) != target {
			t.Errorf("%q came back as %q, was kept as %q", target, got.LongURL, f.service.drafts[0].Target)
		}
	}
}

func TestErrorsOfTheServiceAreMapped(t *testing.T) {
	tests := []struct {
		err    error
		status int
		code   v1.Code
	}{
		{link.ErrNotFound, 404, v1.NotFound},
		{link.ErrGone, 410, v1.Gone},
		{link.ErrSlugTaken, 409, v1.SlugTaken},
		{link.ErrSlugReserved, 422, v1.SlugReserved},
		{link.ErrInvalidSlug, 422, v1.InvalidSlug},
		{link.ErrInvalidTarget, 422, v1.InvalidURL},
		{link.ErrInvalidField, 422, v1.InvalidField},
		{link.ErrKeyReused, 422, v1.KeyReused},
		{link.ErrTargetDenied, 422, v1.TargetDenied},
		{link.ErrUnauthorized, 401, v1.Unauthorized},
		{link.ErrPrecondition, 412, v1.PreconditionFailed},
		{link.ErrNoLeader, 503, v1.NoLeader},
		{link.ErrOverloaded, 503, v1.Overloaded},
		{link.ErrDiskFull, 507, v1.DiskFull},
		{errUnheardOf, 500, v1.Internal},
	}
	for _, test := range tests {
		t.Run(string(test.code), func(t *testing.T) {
			f := newFixture(t)
			f.service.fail, f.forced = &secretError{test.err}, true
			for _, w := range []struct{ method, path, body string }{
				{"POST", links, `{"longUrl":"https://example.com"}`},
				{"POST", links + "/bulk", `{"links":[{"longUrl":"https://example.com"}]}`},
				{"GET", links + "/abc", ""},
				{"GET", links, ""},
				{"GET", links + "/abc/qr", ""},
				{"GET", "/api/v1/tags", ""},
				{"PATCH", links + "/abc", `{}`},
				{"PATCH", links + "/abc", `{"title":"x"}`},
				{"DELETE", links + "/abc", ""},
				{"POST", "/api/v1/cluster/leave", ""},
			} {
				answer := f.do(w.method, w.path, w.body)
				f.refused(answer, test.status, test.code)
				if strings.Contains(answer.Body.String(), "10.0.0.2") {
					t.Errorf("%s %s leaks: %s", w.method, w.path, answer.Body)
				}
			}
			if logged := strings.Contains(f.log.String(), "10.0.0.2"); logged != (test.status == 500) {
				t.Errorf("logged: %v, with status %d", logged, test.status)
			}
		})
	}
}

// secretError wraps an error with words that are nobody's business.
type secretError struct{ err error }

func (e *secretError) Error() string { return "peer 10.0.0.2: " + e.err.Error() }
func (e *secretError) Unwrap() error { return e.err }

func TestGetShowsLinkAndVersion(t *testing.T) {
	f := newFixture(t)
	f.add("old", "https://example.com", func(l *link.Link) { l.Version, l.ValidUntil = 7, noon.Add(-time.Hour) })
	w := f.do("GET", links+"/old", "")
	if got := decode[v1.Link](t, w, http.StatusOK); got.Version != 7 || got.ShortURL != "https://sho.rt/old" {
		t.Errorf("link %+v", got)
	}
	if w.Header().Get("ETag") != `"7"` || f.service.local {
		t.Errorf("ETag %s, local %v", w.Header().Get("ETag"), f.service.local)
	}
}

func TestGetMayBeLocalAndSaysHowLateItIs(t *testing.T) {
	f := newFixture(t)
	f.add("abc", "https://example.com")
	f.service.late = 1500 * time.Microsecond
	w := f.do("GET", links+"/abc?consistency=local", "")
	if w.Code != http.StatusOK || !f.service.local || w.Header().Get("Tinyurl-Staleness-Ms") != "2" {
		t.Errorf("status %d, local %v, header %v", w.Code, f.service.local, w.Header())
	}
	w = f.do("GET", links+"/abc?consistency=linearizable", "")
	if w.Code != http.StatusOK || f.service.local || w.Header().Get("Tinyurl-Staleness-Ms") != "" {
		t.Errorf("status %d, local %v, header %v", w.Code, f.service.local, w.Header())
	}
}

func TestReadsRefuseBadQueriesAndCodes(t *testing.T) {
	tests := []struct {
		method, path string
		status       int
		code         v1.Code
	}{
		{"GET", links + "/abc?consistency=eventual", 422, v1.InvalidField},
		{"GET", links + "/abc?consistency=", 422, v1.InvalidField},
		{"GET", links + "/abc?consistency=local&consistency=local", 422, v1.InvalidField},
		{"GET", links + "/abc?consistancy=local", 422, v1.InvalidField},
		{"GET", links + "/abc?a;b", 422, v1.InvalidField},
		{"GET", links + "/abc?%zz", 422, v1.InvalidField},
		{"GET", links + "/abc/qr?consistency=eventual", 422, v1.InvalidField},
		{"GET", links + "?consistency=eventual", 422, v1.InvalidField},
		{"GET", "/api/v1/tags?consistency=eventual", 422, v1.InvalidField},
		{"PATCH", links + "/abc?title=x", 422, v1.InvalidField},
		{"DELETE", links + "/abc?force=true", 422, v1.InvalidField},
		{"POST", links + "?longUrl=x", 422, v1.InvalidField},
		{"GET", links + "/missing", 404, v1.NotFound},
		{"GET", links + "/a.b", 404, v1.NotFound},
		{"GET", links + "/%00", 404, v1.NotFound},
		{"GET", links + "/" + strings.Repeat("a", 2000), 404, v1.NotFound},
		{"GET", links + "/" + strings.Repeat("%ff", 700), 404, v1.NotFound},
		{"GET", links + "/buried", 410, v1.Gone},
		{"DELETE", links + "/missing", 404, v1.NotFound},
		{"DELETE", links + "/ü", 404, v1.NotFound},
		{"DELETE", links + "/buried", 410, v1.Gone},
	}
	for _, test := range tests {
		t.Run(test.method+" "+clip(test.path, 60), func(t *testing.T) {
			f := newFixture(t)
			f.add("abc", "https://example.com")
			f.service.deleted["buried"] = true
			f.refused(f.do(test.method, test.path, ""), test.status, test.code)
			if f.service.deleted["abc"] {
				t.Error("the link was deleted")
			}
		})
	}
}

func TestDeleteLeavesNothingToRead(t *testing.T) {
	f := newFixture(t)
	f.add("abc", "https://example.com")
	if w := f.do("DELETE", links+"/abc", ""); w.Code != http.StatusNoContent || w.Body.Len() != 0 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	f.refused(f.do("GET", links+"/abc", ""), 410, v1.Gone)
	f.refused(f.do("DELETE", links+"/abc", ""), 410, v1.Gone)
	f.refused(f.do("POST", links, `{"longUrl":"https://example.com","customSlug":"abc"}`), 409, v1.SlugTaken)
}
