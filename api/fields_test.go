package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

func TestCreateTakesEveryField(t *testing.T) {
	f := newFixture(t)
	w := f.do("POST", links, `{"longUrl":"https://example.com","customSlug":"all","title":"Ünï <b>","tags":["b","a","b"],"validSince":"2030-06-01T00:00:00Z",`+
		`"expiresIn":"8760h","maxVisits":10,"redirectStatus":308,"forwardQuery":false,"enabled":false,"password":"sesame","findIfExists":false}`)
	got := decode[v1.Link](t, w, http.StatusCreated)
	limit := uint64(10)
	want := v1.Link{
		ShortCode: "all", ShortURL: "https://sho.rt/all", LongURL: "https://example.com", Title: "Ünï <b>", Tags: []string{"a", "b"},
		CreatedAt: v1.Time{Time: noon}, UpdatedAt: v1.Time{Time: noon}, ValidSince: &v1.Time{Time: time.Date(2030, 6, 1, 0, 0, 0, 0, time.UTC)},
		ValidUntil: &v1.Time{Time: noon.Add(8760 * time.Hour)}, MaxVisits: &limit, RedirectStatus: 308, HasPassword: true, Version: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("link (-want +got):\n%s", diff)
	}
	if kept := f.service.links["all"].Password; kept != "$fake$736573616d65" || strings.Contains(w.Body.String(), string(kept)) || f.service.drafts[0].Find != nil {
		t.Errorf("kept %q, answered %s", kept, w.Body)
	}
}

func TestCreateTakesTheLongestOfEveryField(t *testing.T) {
	many := make([]string, 20)
	for i := range many {
		many[i] = strings.Repeat("t", 62) + fmt.Sprintf("%02d", i)
	}
	body, err := json.Marshal(map[string]any{
		"longUrl": "https://example.com", "title": strings.Repeat("t", 512), "tags": many, "maxVisits": 1<<53 - 1, "password": strings.Repeat("p", 1024),
		"validSince": "1970-01-01T00:00:00Z", "validUntil": "9999-12-31T23:59:59.999Z",
	})
	if err != nil {
		t.Fatal(err)
	}
	got := decode[v1.Link](t, newFixture(t).do("POST", links, string(body)), http.StatusCreated)
	if len(got.Title) != 512 || len(got.Tags) != 20 || *got.MaxVisits != 1<<53-1 || !got.HasPassword || got.ValidSince.Year() != 1970 || got.ValidUntil.Year() != 9999 {
		t.Errorf("link %+v", got)
	}
}

func TestCreateTakesWholeNumbersAsJSONMayWriteThem(t *testing.T) {
	for text, want := range map[string]uint64{"1": 1, "10.0": 10, "1e2": 100, "9007199254740991": 1<<53 - 1} {
		got := decode[v1.Link](t, newFixture(t).do("POST", links, `{"url":"https://example.com","maxVisits":`+text+`}`), http.StatusCreated)
		if *got.MaxVisits != want {
			t.Errorf("%s became %d", text, *got.MaxVisits)
		}
	}
}

// Whoever gives a field as null does not speak of it.
func TestCreateTakesNullForNothing(t *testing.T) {
	f := newFixture(t)
	body := `{"longUrl":"https://example.com"`
	for _, name := range inputNames[1:] {
		body += `,"` + name + `":null`
	}
	got := decode[map[string]any](t, f.do("POST", links, body+"}"), http.StatusCreated)
	if got["validUntil"] != nil || got["maxVisits"] != nil || got["owner"] != nil || got["enabled"] != true || len(got) != 17 {
		t.Errorf("link %v", got)
	}
}

func TestAPasswordThatIsNotHashedMakesNoLink(t *testing.T) {
	for _, test := range []struct {
		err    error
		status int
		code   v1.Code
	}{{link.ErrOverloaded, 503, v1.Overloaded}, {errUnheardOf, 500, v1.Internal}} {
		f := newFixture(t)
		f.add("abc", "https://example.com")
		f.service.hashing = func(context.Context) error { return test.err }
		f.refused(f.do("POST", links, `{"url":"https://example.com","password":"sesame"}`), test.status, test.code)
		f.refused(f.do("PATCH", links+"/abc", `{"password":"sesame"}`), test.status, test.code)
		if len(f.service.drafts)+len(f.service.edits) != 0 {
			t.Error("the cluster was asked")
		}
	}
	f := newFixture(t, func(c *Config) { c.Limits.Call = time.Millisecond })
	f.service.hashing = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	f.refused(f.do("POST", links, `{"url":"https://example.com","password":"sesame"}`), 503, v1.Overloaded)
}

func TestFindIfExistsFindsByTheFieldsGiven(t *testing.T) {
	f := newFixture(t)
	f.add("old", "https://example.com", func(l *link.Link) { l.Title, l.Tags, l.Version = "Home", "a\nb", 7 })
	for body, find := range map[string]link.FieldSet{
		`{"url":"https://example.com","findIfExists":true}`:                                             link.TargetField,
		`{"url":"https://example.com","findIfExists":true,"title":null}`:                                link.TargetField,
		`{"url":"https://example.com","findIfExists":true,"title":"Home"}`:                              link.TargetField | link.TitleField,
		`{"url":"https://example.com","findIfExists":true,"tags":["b","a"]}`:                            link.TargetField | link.TagsField,
		`{"url":"https://example.com","findIfExists":true,"enabled":true,"forwardQuery":true}`:          link.TargetField | link.DisabledField | link.DropQueryField,
		`{"url":"https://example.com","findIfExists":true,"redirectStatus":302}`:                        link.TargetField | link.RedirectField,
		`{"url":"https://example.com","findIfExists":true,"alias":null,"validUntil":null,"title":null}`: link.TargetField,
	} {
		w := f.do("POST", links, body)
		if got := decode[v1.Link](t, w, http.StatusOK); got.ShortCode != "old" || got.Version != 7 || w.Header().Get("Location") != "" {
			t.Errorf("%s: %+v", body, got)
		}
		if got := f.service.drafts[len(f.service.drafts)-1].Find; got == nil || *got != find {
			t.Errorf("%s: find %v, want %v", body, got, find)
		}
	}
	for body, find := range map[string]link.FieldSet{
		`{"url":"https://example.com","findIfExists":true,"title":"Other"}`:                           link.TargetField | link.TitleField,
		`{"url":"https://example.com","findIfExists":true,"expiresIn":"1h"}`:                          link.TargetField | link.ValidUntilField,
		`{"url":"https://example.com","findIfExists":true,"maxVisits":3}`:                             link.TargetField | link.MaxVisitsField,
		`{"url":"https://example.com","findIfExists":true,"validSince":"2031-01-01T00:00:00Z"}`:       link.TargetField | link.ValidSinceField,
		`{"url":"https://example.com","findIfExists":true,"password":"x","enabled":false,"slug":"s"}`: link.TargetField | link.PasswordField | link.DisabledField,
	} {
		f.service.drafts = nil
		f.do("POST", links, body)
		if len(f.service.drafts) != 1 || *f.service.drafts[0].Find != find {
			t.Errorf("%s: drafts %+v", body, f.service.drafts)
		}
	}
}
