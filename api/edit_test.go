package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

// fullLink has every field.
func fullLink(l *link.Link) {
	l.Fields = link.Fields{
		Target: l.Target, Title: "Home", Tags: "a\nb", ValidSince: noon.Add(-time.Hour), ValidUntil: noon.Add(time.Hour), MaxVisits: 10,
		Redirect: 301, DropQuery: true, Disabled: true, Password: "$fake$00",
	}
	l.Version, l.Visits, l.Owner = 7, 3, "u1"
}

func TestEditChangesWhatIsGivenAndNothingElse(t *testing.T) {
	at := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	for body, change := range map[string]func(*link.Fields){
		`{"longUrl":"https://example.org/?ü"}`:        func(f *link.Fields) { f.Target = "https://example.org/?ü" },
		`{"url":"https://example.org"}`:               func(f *link.Fields) { f.Target = "https://example.org" },
		`{"title":"Other"}`:                           func(f *link.Fields) { f.Title = "Other" },
		`{"title":null}`:                              func(f *link.Fields) { f.Title = "" },
		`{"title":""}`:                                func(f *link.Fields) { f.Title = "" },
		`{"tags":["z","c"]}`:                          func(f *link.Fields) { f.Tags = "c\nz" },
		`{"tags":[]}`:                                 func(f *link.Fields) { f.Tags = "" },
		`{"tags":null}`:                               func(f *link.Fields) { f.Tags = "" },
		`{"validSince":"2030-01-31T12:30:00Z"}`:       func(f *link.Fields) { f.ValidSince = time.Date(2030, 1, 31, 12, 30, 0, 0, time.UTC) },
		`{"validSince":null}`:                         func(f *link.Fields) { f.ValidSince = time.Time{} },
		`{"validUntil":"2031-01-01T01:00:00+01:00"}`:  func(f *link.Fields) { f.ValidUntil = at },
		`{"validUntil":"2030-01-31T11:30:00Z"}`:       func(f *link.Fields) { f.ValidUntil = time.Date(2030, 1, 31, 11, 30, 0, 0, time.UTC) }, // over: the link ends
		`{"validUntil":null}`:                         func(f *link.Fields) { f.ValidUntil = time.Time{} },
		`{"expiresIn":"24h"}`:                         func(f *link.Fields) { f.ValidUntil = noon.Add(24 * time.Hour) },
		`{"maxVisits":1}`:                             func(f *link.Fields) { f.MaxVisits = 1 },
		`{"maxVisits":null}`:                          func(f *link.Fields) { f.MaxVisits = 0 },
		`{"redirectStatus":302}`:                      func(f *link.Fields) { f.Redirect = 0 },
		`{"redirectStatus":307}`:                      func(f *link.Fields) { f.Redirect = 307 },
		`{"redirectStatus":null}`:                     func(f *link.Fields) { f.Redirect = 0 },
		`{"forwardQuery":true}`:                       func(f *link.Fields) { f.DropQuery = false },
		`{"forwardQuery":false}`:                      func(f *link.Fields) { f.DropQuery = true },
		`{"forwardQuery":null}`:                       func(f *link.Fields) { f.DropQuery = false },
		`{"enabled":true}`:                            func(f *link.Fields) { f.Disabled = false },
		`{"enabled":false}`:                           func(f *link.Fields) { f.Disabled = true },
		`{"enabled":null}`:                            func(f *link.Fields) { f.Disabled = false },
		`{"password":"sesame"}`:                       func(f *link.Fields) { f.Password = "$fake$736573616d65" },
		`{"password":null}`:                           func(f *link.Fields) { f.Password = "" },
		`{"customSlug":null,"title":"Other"}`:         func(f *link.Fields) { f.Title = "Other" },
		`{"title":"T","tags":["t"],"maxVisits":null}`: func(f *link.Fields) { f.Title, f.Tags, f.MaxVisits = "T", "t", 0 },
	} {
		f := newFixture(t)
		f.add("abc", "https://example.com", fullLink)
		want := f.service.links["abc"]
		change(&want.Fields)
		want.Version++
		w := f.do("PATCH", links+"/abc", body)
		shown := decode[v1.Link](t, w, http.StatusOK)
		if diff := cmp.Diff(want, f.service.links["abc"]); diff != "" {
			t.Errorf("%s: link (-want +got):\n%s", body, diff)
		}
		if diff := cmp.Diff(*f.links.shown(want), shown); diff != "" || w.Header().Get("ETag") != `"8"` {
			t.Errorf("%s: ETag %s, answer (-want +got):\n%s", body, w.Header().Get("ETag"), diff)
		}
	}
}

func TestAnEditOfNothingChangesNothing(t *testing.T) {
	for _, body := range []string{`{}`, ` { } `, `{"customSlug":null}`} {
		f := newFixture(t)
		f.add("abc", "https://example.com", fullLink)
		for _, match := range []string{"", `"7"`, "*"} {
			w := f.do("PATCH", links+"/abc", body, "If-Match", match)
			if got := decode[v1.Link](t, w, http.StatusOK); got.Version != 7 || w.Header().Get("ETag") != `"7"` || len(f.service.edits) != 0 || f.service.local {
				t.Errorf("%s, %s: %+v", body, match, got)
			}
		}
		f.refused(f.do("PATCH", links+"/abc", body, "If-Match", `"6"`), 412, v1.PreconditionFailed, "If-Match")
		f.refused(f.do("PATCH", links+"/missing", body), 404, v1.NotFound)
	}
}

// badEdits are bodies that PATCH must refuse, beside those that a create must.
func badEdits() []badBody {
	return []badBody{
		{"longUrl null", `{"longUrl":null}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"longUrl null by a synonym", `{"target":null}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"customSlug", `{"customSlug":"other"}`, 422, v1.InvalidField, []string{"customSlug"}},
		{"customSlug by a synonym", `{"alias":"other"}`, 422, v1.InvalidField, []string{"customSlug"}},
		{"its own slug", `{"slug":"abc"}`, 422, v1.InvalidField, []string{"customSlug"}},
		{"findIfExists", `{"findIfExists":true}`, 422, v1.InvalidJSON, []string{"findIfExists"}},
		{"expiresIn null", `{"expiresIn":null}`, 422, v1.InvalidField, []string{"expiresIn"}},
		{"no end and an end", `{"validUntil":null,"expiresIn":"1h"}`, 422, v1.InvalidField, []string{"validUntil", "expiresIn"}},
		{"a beginning behind the end there is", `{"validSince":"2031-01-01T00:00:00Z"}`, 422, v1.InvalidField, []string{"validSince", "validUntil"}},
		{"an end before the beginning there is", `{"validUntil":"2029-01-01T00:00:00Z"}`, 422, v1.InvalidField, []string{"validSince", "validUntil"}},
		{"version", `{"version":8}`, 422, v1.InvalidJSON, []string{"version"}},
		{"owner", `{"owner":"u2"}`, 422, v1.InvalidJSON, []string{"owner"}},
		{"JSON patch", `[{"op":"remove","path":"/title"}]`, 422, v1.InvalidJSON, nil},
	}
}

func TestEditRefusesBadBodies(t *testing.T) {
	tests := badEdits()
	for _, test := range append(badShapes(), badFields()...) {
		switch {
		case strings.HasPrefix(test.name, "slug"), strings.HasPrefix(test.name, "two slugs"), strings.Contains(test.name, "leader"):
		case test.name == "no longUrl", strings.HasPrefix(test.name, "findIfExists"): // no fields of an edit, or not needed
		case test.name == "validUntil over": // ends the link
		default:
			tests = append(tests, test)
		}
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.add("abc", "https://example.com", fullLink)
			before := f.service.links["abc"]
			f.refused(f.do("PATCH", links+"/abc", test.body), test.status, test.code, test.elements...)
			if f.service.links["abc"] != before || f.service.hashed != 0 {
				t.Errorf("the link became %+v", f.service.links["abc"])
			}
			if behind := strings.HasSuffix(test.name, "there is"); len(f.service.edits) != 0 && !behind {
				t.Errorf("the service was asked for %+v", f.service.edits)
			}
		})
	}
}

func TestIfMatchMakesAnEditACompareAndSet(t *testing.T) {
	for match, status := range map[string]int{
		``: 200, `*`: 200, `"7"`: 200,
		`"6"`: 412, `"8"`: 412, `"0"`: 412, `"07"`: 412, `"+7"`: 412, `"abc"`: 412, `""`: 412, `"18446744073709551616"`: 412,
		`7`: 422, `W/"7"`: 422, `"7", "8"`: 422, `"7","7"`: 422, `"7`: 422, `7"`: 422, `"`: 422, `*, "7"`: 422, `**`: 422, `'7'`: 422, `"7 "`: 422, `"a"b"`: 422,
	} {
		f := newFixture(t)
		f.add("abc", "https://example.com", fullLink)
		w := f.do("PATCH", links+"/abc", `{"title":"x"}`, "If-Match", match)
		switch changed := f.service.links["abc"].Title == "x"; {
		case w.Code != status || changed != (status == 200):
			t.Errorf("%s: status %d, changed %v", match, w.Code, changed)
		case status == 412:
			f.refused(w, 412, v1.PreconditionFailed, "If-Match")
		case status == 422:
			f.refused(w, 422, v1.InvalidField, "If-Match")
		}
	}
	f := newFixture(t)
	f.add("abc", "https://example.com", fullLink)
	for _, lines := range [][]string{{`"7"`, `"7"`}, {`"7"`, ""}, {"", ""}, {""}} {
		w := f.doWith("PATCH", links+"/abc", `{"title":"x"}`, http.Header{"If-Match": lines})
		f.refused(w, 422, v1.InvalidField, "If-Match")
	}
	// Of a link that is not there no version can be wrong.
	f.service.deleted["buried"] = true
	f.refused(f.do("PATCH", links+"/missing", `{"title":"x"}`, "If-Match", `"7"`), 404, v1.NotFound)
	f.refused(f.do("PATCH", links+"/buried", `{"title":"x"}`, "If-Match", `"7"`), 410, v1.Gone)
	f.refused(f.do("PATCH", links+"/a.b", `{"title":"x"}`), 404, v1.NotFound)
	f.refused(f.do("PATCH", links+"/a.b", `{"title":1}`), 422, v1.InvalidJSON)
}

// FuzzEditBody holds PATCH to its promises: whatever is sent, the answer is the link as it is then, or a whole problem and the link
// as it was, and never a 500.
func FuzzEditBody(f *testing.F) {
	for _, bad := range append(badEdits(), badFields()...) {
		f.Add([]byte(bad.body), "")
	}
	for _, body := range []string{
		`{}`, `{"title":"Other","tags":["z","c"],"maxVisits":1e2}`, `{"title":null,"tags":null,"maxVisits":null,"enabled":null,"password":null}`,
		`{"expiresIn":"24h","redirectStatus":301.0,"forwardQuery":false,"password":"sesame"}`,
	} {
		f.Add([]byte(body), `"7"`)
	}
	f.Fuzz(func(t *testing.T, body []byte, match string) {
		x := newFixture(t)
		x.add("abc", "https://example.com", fullLink)
		before := x.service.links["abc"]
		w := x.doWith("PATCH", links+"/abc", string(body), http.Header{"If-Match": {match}})
		after := x.service.links["abc"]
		if w.Code == http.StatusOK {
			got := decode[v1.Link](t, w, http.StatusOK)
			if got.Version != after.Version || got.LongURL != string(after.Target) || !json.Valid(body) || after.Check() != nil {
				t.Fatalf("%q made %+v, shown %+v", body, after, got)
			}
			return
		}
		var p v1.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Code == "" || p.Status != w.Code || w.Code >= 500 || after != before {
			t.Fatalf("answer %d %s to %q, If-Match %q; link %+v", w.Code, w.Body, body, match, after)
		}
	})
}
