package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

func TestHalvesOfSurrogatePairsAreFound(t *testing.T) {
	for text, at := range map[string]int{
		`"plain"`:                    -1,
		`"\u00e9\n\\\""`:             -1,
		`"\ud83d\ude00"`:             -1,
		`"\uD83D\uDE00\ud83d\ude00"`: -1,
		`"\\ud83d"`:                  -1, // a backslash, then text
		`"\\\ud83d"`:                 3,
		`"\ud83d"`:                   1,
		`"\ude00"`:                   1,
		`"\ud83d\ud83d\ude00"`:       1,
		`"\ud83dx\ude00"`:            1,
		`"\ud83d\n"`:                 1,
		`"\ude00\ud83d"`:             1,
		`"\ud83d\ude00\udbff"`:       13,
		`"\ufffd\ue000\ud7ff"`:       -1,
	} {
		if !json.Valid([]byte(text)) {
			t.Fatalf("%s is no JSON", text)
		}
		if got := loneSurrogate([]byte(text)); got != at {
			t.Errorf("%s: %d, want %d", text, got, at)
		}
	}
}

func TestClippingKeepsCharactersWhole(t *testing.T) {
	for n := range 12 {
		if got := clip("aüß€\U0001f600z", n); !utf8.ValidString(got) || len(got) > n+len("…") {
			t.Errorf("%d: %q", n, got)
		}
	}
	if got := clip("short", 5); got != "short" {
		t.Errorf("%q", got)
	}
	for pad := range 4 {
		path := strings.Repeat("a", pad) + strings.Repeat("%c3", 300)
		got := clipPath(path)
		if len(got) > maxInstance || (len(got)-pad)%3 != 0 {
			t.Errorf("%d bytes, of which %d pad", len(got), pad)
		}
	}
}

// FuzzCreateBody holds POST /links to its promises: whatever is sent, the answer is a link made of just what was asked for
// or a whole problem, and never a 500.
func FuzzCreateBody(f *testing.F) {
	for _, bad := range append(badShapes(), badFields()...) {
		if len(bad.body) < 1000 {
			f.Add([]byte(bad.body))
		}
	}
	f.Add([]byte(`{"longUrl":"https://example.com/\ud83d\ude00","customSlug":"a-b_C","expiresIn":"24h"}`))
	f.Add([]byte(`{"url":"https://example.com","title":"Home","tags":["b","a"],"validSince":"2030-01-01T00:00:00Z","maxVisits":1e1,"password":"x","findIfExists":true}`))
	f.Add([]byte(`{"url":"https://example.com","redirectStatus":307.0,"forwardQuery":false,"enabled":null,"tags":[]}`))
	f.Add([]byte(`{"url":"http://[::1]:80/","alias":null,"validUntil":"2031-01-01T00:00:00.5+01:30"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		x := newFixture(t)
		w := x.do("POST", links, string(body))
		if w.Code == http.StatusInternalServerError {
			t.Fatalf("500 for %q", body)
		}
		if w.Code != http.StatusCreated {
			var p v1.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Code == "" || p.Status != w.Code || w.Header().Get("Content-Type") != v1.ProblemType {
				t.Fatalf("answer %d %s to %q", w.Code, w.Body, body)
			}
			if len(x.service.links) > 0 {
				t.Fatalf("refused with %d, and made %v of %q", w.Code, x.service.links, body)
			}
			return
		}
		got := decode[v1.Link](t, w, http.StatusCreated)
		if !json.Valid(body) || !utf8.Valid(body) {
			t.Fatalf("made a link of %q", body)
		}
		if got.LongURL != string(x.service.drafts[0].Target) || got.ShortCode != string(x.service.links[link.Code(got.ShortCode)].Code) {
			t.Fatalf("shown %+v, made of %+v", got, x.service.drafts[0])
		}
		var loose map[string]any // encoding/json's own reading must find the same URL
		if err := json.Unmarshal(body, &loose); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"longUrl", "url", "long_url", "target"} {
			if value, ok := loose[name].(string); ok && value != got.LongURL {
				t.Fatalf("%q became %q", value, got.LongURL)
			}
		}
	})
}

// FuzzBulkBody holds the bulk to one result a row.
func FuzzBulkBody(f *testing.F) {
	f.Add([]byte(rowsBody(3)))
	f.Add([]byte(`{"links":[1,null,"a",{},[],{"url":"https://example.com"}]}`))
	f.Add([]byte(`{"links":[{"url":"https://example.com","url":""}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		x := newFixture(t)
		w := x.do("POST", bulk, string(body))
		if w.Code != http.StatusOK {
			if w.Code == http.StatusInternalServerError {
				t.Fatalf("500 for %q", body)
			}
			if len(x.service.links) > 0 {
				t.Fatalf("refused with %d, and made %v of %q", w.Code, x.service.links, body)
			}
			return
		}
		var asked struct{ Links []json.RawMessage }
		if err := json.Unmarshal(body, &asked); err != nil {
			t.Fatal(err)
		}
		got := decode[v1.Results](t, w, http.StatusOK)
		if len(got.Results) != len(asked.Links) {
			t.Fatalf("%d results for %d rows of %q", len(got.Results), len(asked.Links), body)
		}
		for _, r := range got.Results {
			if (r.Link == nil) == (r.Error == nil) || r.Error != nil && r.Error.Status != r.Status {
				t.Fatalf("result %+v", r)
			}
		}
	})
}

// FuzzTakingApart holds the cursor to encoding/json's reading of the same bytes.
func FuzzTakingApart(f *testing.F) {
	for _, seed := range []string{
		`[]`, ` [ 1 , "a]" , [ [ ] , { } ] , null ] `, `{"a":"\\","b\"}":[{"c":"]"}] , "" : -1.5e3}`, `[{"url":"\u00e9"},true,"\\\""]`, `17`, `"["`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		found, _, err := elements(body, len(body)+1)
		if wellFormed(body, &patience{ctx: t.Context()}) != nil {
			return // anything will do, as long as it comes to an end
		}
		var list []json.RawMessage
		if json.Unmarshal(body, &list) == nil && list != nil {
			if err != nil || !slices.EqualFunc(found, list, func(a, b json.RawMessage) bool { return string(a) == string(b) }) {
				t.Errorf("%q has the elements %q, found %q, %v", body, list, found, err)
			}
			return
		}
		if err == nil {
			t.Errorf("%q has the elements %q", body, found)
		}
		checkMembers(t, body)
	})
}

// checkMembers compares members with encoding/json's reading.
func checkMembers(t *testing.T, body []byte) {
	got, err := members(body, func(string) bool { return true })
	var want map[string]json.RawMessage
	if json.Unmarshal(body, &want) != nil || want == nil {
		if err == nil {
			t.Errorf("%q has the members %q", body, got)
		}
		return
	}
	if err != nil && !strings.Contains(err.Error(), "given twice") || err == nil && len(got) != len(want) {
		t.Errorf("%q has the members %q, found %q, %v", body, want, got, err)
	}
	for _, m := range got {
		if string(want[m.name]) != string(m.value) {
			t.Errorf("%q: %q is %q, found %q", body, m.name, want[m.name], m.value)
		}
	}
}

// FuzzRedirectRequest sends any path and Accept to the redirect route.
func FuzzRedirectRequest(f *testing.F) {
	f.Add("/abc", "text/html")
	f.Add("/a.b", "application/json;q=0.3,*/*")
	f.Add("/api", "")
	f.Fuzz(func(t *testing.T, path, accept string) {
		x := newFixture(t)
		x.add("abc", "https://example.com")
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		x.ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError || w.Code == http.StatusFound && path != "/abc" {
			t.Fatalf("%q: status %d", path, w.Code)
		}
	})
}

func TestEveryRowOfTheTableIsWhole(t *testing.T) {
	seen := make(map[error]bool)
	for _, row := range refusals() {
		if row.status < 400 || row.code == "" || row.title == "" || row.err == nil || seen[row.err] {
			t.Errorf("row %+v", row)
		}
		if row.retry != (row.status == http.StatusServiceUnavailable || row.status == http.StatusTooManyRequests) {
			t.Errorf("%s: retry %v with status %d", row.code, row.retry, row.status)
		}
		seen[row.err] = true
	}
	for _, sentinel := range []error{
		link.ErrNotFound, link.ErrGone, link.ErrSlugTaken, link.ErrSlugReserved, link.ErrInvalidSlug, link.ErrInvalidTarget,
		link.ErrInvalidField, link.ErrKeyReused, link.ErrNoLeader, link.ErrOverloaded, link.ErrDiskFull, link.ErrPrecondition,
		link.ErrTargetDenied, link.ErrUnauthorized, link.ErrExhausted,
	} {
		if !seen[sentinel] {
			t.Errorf("%v has no row", sentinel)
		}
	}
	if last := refusals()[len(refusals())-1]; !errors.Is(last.err, errInternal) {
		t.Errorf("the last row is %+v", last)
	}
}
