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

// badBody is a body that POST /links must refuse.
type badBody struct {
	name, body string
	status     int
	code       v1.Code
	elements   []string
}

// badShapes are refused for what they are, before any field is looked at.
func badShapes() []badBody {
	return []badBody{
		{"empty", ``, 422, v1.InvalidJSON, nil},
		{"blank", " \n", 422, v1.InvalidJSON, nil},
		{"not JSON", `longUrl=https://example.com`, 422, v1.InvalidJSON, nil},
		{"cut off", `{"longUrl":"https://example.com`, 422, v1.InvalidJSON, nil},
		{"trailing comma", `{"longUrl":"https://example.com",}`, 422, v1.InvalidJSON, nil},
		{"trailing data", `{"longUrl":"https://example.com"} {}`, 422, v1.InvalidJSON, nil},
		{"comment", `{"longUrl":"https://example.com"} // home`, 422, v1.InvalidJSON, nil},
		{"byte order mark", "\ufeff" + `{"longUrl":"https://example.com"}`, 422, v1.InvalidJSON, nil},
		{"array", `["https://example.com"]`, 422, v1.InvalidJSON, nil},
		{"string", `"https://example.com"`, 422, v1.InvalidJSON, nil},
		{"null", `null`, 422, v1.InvalidJSON, nil},
		{"number", `17`, 422, v1.InvalidJSON, nil},
		{"deep", strings.Repeat("[", 100_000), 422, v1.InvalidJSON, nil},
		{"broken UTF-8", "{\"longUrl\":\"https://example.com/\xff\"}", 422, v1.InvalidJSON, nil},
		{"half a surrogate pair", `{"longUrl":"https://example.com/\ud83d"}`, 422, v1.InvalidJSON, nil},
		{"raw control character in a string", "{\"longUrl\":\"https://example.com/\n\"}", 422, v1.InvalidJSON, nil},
		{"unknown field", `{"longUrl":"https://example.com","colour":"red"}`, 422, v1.InvalidJSON, []string{"colour"}},
		{"field of a later version", `{"longUrl":"https://example.com","title":"Home"}`, 422, v1.InvalidJSON, []string{"title"}},
		{"field in another case", `{"LongURL":"https://example.com"}`, 422, v1.InvalidJSON, []string{"LongURL"}},
		{"empty field name", `{"longUrl":"https://example.com","":"x"}`, 422, v1.InvalidJSON, []string{""}},
		{"longUrl a number", `{"longUrl":5}`, 422, v1.InvalidJSON, []string{"longUrl"}},
		{"longUrl a list", `{"longUrl":["https://example.com"]}`, 422, v1.InvalidJSON, []string{"longUrl"}},
		{"longUrl an object", `{"longUrl":{"url":"https://example.com"}}`, 422, v1.InvalidJSON, []string{"longUrl"}},
		{"customSlug a boolean", `{"longUrl":"https://example.com","customSlug":true}`, 422, v1.InvalidJSON, []string{"customSlug"}},
		{"expiresIn a number", `{"longUrl":"https://example.com","expiresIn":3600}`, 422, v1.InvalidJSON, []string{"expiresIn"}},
		{"validUntil a number", `{"longUrl":"https://example.com","validUntil":1900000000}`, 422, v1.InvalidJSON, []string{"validUntil"}},
		{"synonym of a wrong type", `{"url":1}`, 422, v1.InvalidJSON, []string{"url"}},
		{"field given twice", `{"longUrl":"https://example.com","longUrl":"https://example.com"}`, 422, v1.InvalidJSON, []string{"longUrl"}},
		{"field given twice, once escaped", `{"longUrl":"https://example.com","long\u0055rl":"https://a.example"}`, 422, v1.InvalidJSON, []string{"longUrl"}},
		{"shape before fields", `{"longUrl":"javascript:alert(1)","colour":"red"}`, 422, v1.InvalidJSON, []string{"colour"}},
	}
}

// badFields are well-formed but ask for what cannot be.
func badFields() []badBody {
	const ok = `"longUrl":"https://example.com"`
	return []badBody{
		{"no longUrl", `{}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"longUrl null", `{"longUrl":null}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"longUrl empty", `{"longUrl":""}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"longUrl of 8193 bytes", `{"longUrl":"` + longURL(8193) + `"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"javascript", `{"longUrl":"javascript:alert(1)"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"javascript with slashes", `{"longUrl":"javascript://example.com/%0aalert(1)"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"data", `{"longUrl":"data:text/html,hi"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"ftp", `{"longUrl":"ftp://example.com"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"no scheme", `{"longUrl":"example.com"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"no host", `{"longUrl":"https:///path"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"line break", `{"longUrl":"https://example.com/\r\nSet-Cookie: a=b"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"NUL", `{"longUrl":"https://example.com/\u0000"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"C1 control character", `{"longUrl":"https://example.com/\u0085"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"own host", `{"longUrl":"https://sho.rt/abc"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"own host, shouting", `{"longUrl":"HTTPS://SHO.RT"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"two targets that disagree", `{"longUrl":"https://a.example","url":"https://b.example"}`, 422, v1.InvalidField, []string{"longUrl"}},
		{"two slugs that disagree", `{` + ok + `,"customSlug":"one","alias":"two"}`, 422, v1.InvalidField, []string{"customSlug"}},
		{"slug empty", `{` + ok + `,"customSlug":""}`, 422, v1.InvalidSlug, []string{"customSlug"}},
		{"slug with a slash", `{` + ok + `,"customSlug":"a/b"}`, 422, v1.InvalidSlug, []string{"customSlug"}},
		{"slug with a dash first", `{` + ok + `,"customSlug":"-a"}`, 422, v1.InvalidSlug, []string{"customSlug"}},
		{"slug with an umlaut", `{` + ok + `,"customSlug":"süd"}`, 422, v1.InvalidSlug, []string{"customSlug"}},
		{"slug with a space", `{` + ok + `,"customSlug":"a "}`, 422, v1.InvalidSlug, []string{"customSlug"}},
		{"slug of 129 bytes", `{` + ok + `,"customSlug":"` + strings.Repeat("a", 129) + `"}`, 422, v1.InvalidSlug, []string{"customSlug"}},
		{"slug reserved", `{` + ok + `,"customSlug":"healthz"}`, 422, v1.SlugReserved, []string{"customSlug"}},
		{"slug reserved in another case", `{` + ok + `,"customSlug":"API"}`, 422, v1.SlugReserved, []string{"customSlug"}},
		{"slug reserved by its end", `{` + ok + `,"customSlug":"index.PHP"}`, 422, v1.SlugReserved, []string{"customSlug"}},
		{"slug taken", `{` + ok + `,"customSlug":"taken"}`, 409, v1.SlugTaken, []string{"customSlug"}},
		{"slug of a deleted link", `{` + ok + `,"customSlug":"buried"}`, 409, v1.SlugTaken, []string{"customSlug"}},
		{"validUntil no time", `{` + ok + `,"validUntil":"tomorrow"}`, 422, v1.InvalidField, []string{"validUntil"}},
		{"validUntil without zone", `{` + ok + `,"validUntil":"2031-01-01T00:00:00"}`, 422, v1.InvalidField, []string{"validUntil"}},
		{"validUntil over", `{` + ok + `,"validUntil":"2030-01-31T12:00:00.123Z"}`, 422, v1.InvalidField, []string{"validUntil"}},
		{"validUntil beyond all years", `{` + ok + `,"validUntil":"9999-12-31T23:59:59-12:00"}`, 422, v1.InvalidField, []string{"validUntil"}},
		{"expiresIn no duration", `{` + ok + `,"expiresIn":"soon"}`, 422, v1.InvalidField, []string{"expiresIn"}},
		{"expiresIn in days", `{` + ok + `,"expiresIn":"1d"}`, 422, v1.InvalidField, []string{"expiresIn"}},
		{"expiresIn under a second", `{` + ok + `,"expiresIn":"999ms"}`, 422, v1.InvalidField, []string{"expiresIn"}},
		{"expiresIn negative", `{` + ok + `,"expiresIn":"-1h"}`, 422, v1.InvalidField, []string{"expiresIn"}},
		{"expiresIn beyond all durations", `{` + ok + `,"expiresIn":"99999999h"}`, 422, v1.InvalidField, []string{"expiresIn"}},
		{"both ends", `{` + ok + `,"validUntil":"2031-01-01T00:00:00Z","expiresIn":"1h"}`, 422, v1.InvalidField, []string{"validUntil", "expiresIn"}},
	}
}

func TestCreateRefusesBadBodies(t *testing.T) {
	for _, test := range append(badShapes(), badFields()...) {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.add("taken", "https://example.com")
			f.service.deleted["buried"] = true
			w := f.do("POST", links, test.body)
			p := f.refused(w, test.status, test.code, test.elements...)
			if p.Instance != links {
				t.Errorf("instance %q", p.Instance)
			}
			if test.status == 422 && len(f.service.drafts) != 0 {
				t.Errorf("the service was asked for %+v", f.service.drafts)
			}
		})
	}
}

func TestCreateAnswersWithTheWholeLink(t *testing.T) {
	f := newFixture(t)
	w := f.do("POST", links, `{"longUrl":"https://example.com/a?b=<c>&d=é","customSlug":"home","validUntil":"2031-02-03T05:06:07.8919+01:00"}`)
	if w.Code != http.StatusCreated {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	want := `{"shortCode":"home","shortUrl":"https://sho.rt/home","longUrl":"https://example.com/a?b=<c>&d=é",` +
		`"createdAt":"2030-01-31T12:00:00.123Z","updatedAt":"2030-01-31T12:00:00.123Z","validUntil":"2031-02-03T04:06:07.891Z","version":1}` + "\n"
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

func TestCreateWithoutEndSaysNull(t *testing.T) {
	w := newFixture(t).do("POST", links, `{"longUrl":"https://example.com","customSlug":null,"validUntil":null}`)
	if got := decode[map[string]any](t, w, http.StatusCreated); got["validUntil"] != nil || len(got) != 7 {
		t.Errorf("link %v", got)
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
		{link.ErrNoLeader, 503, v1.NoLeader},
		{link.ErrOverloaded, 503, v1.Overloaded},
		{link.ErrDiskFull, 507, v1.DiskFull},
		{errUnheardOf, 500, v1.Internal},
	}
	for _, test := range tests {
		t.Run(string(test.code), func(t *testing.T) {
			f := newFixture(t)
			f.service.fail = &secretError{test.err}
			for _, w := range []struct{ method, path, body string }{
				{"POST", links, `{"longUrl":"https://example.com"}`},
				{"POST", links + "/bulk", `{"links":[{"longUrl":"https://example.com"}]}`},
				{"GET", links + "/abc", ""},
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
