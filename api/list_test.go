package api

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

const tagsPath = "/api/v1/tags"

func TestAListIsAskedForAsTheQuerySays(t *testing.T) {
	for query, want := range map[string]Listing{
		"":                                    {Limit: 20, Examine: 1000, Count: true},
		"?limit=100":                          {Limit: 100, Examine: 1000, Count: true},
		"?limit=1&orderBy=createdAt-asc":      {Limit: 1, Examine: 1000, Count: true, OldestFirst: true},
		"?orderBy=createdAt-desc":             {Limit: 20, Examine: 1000, Count: true},
		"?search=":                            {Limit: 20, Examine: 1000, Count: true},
		"?consistency=local":                  {Limit: 20, Examine: 1000, Count: true, Local: true},
		"?consistency=linearizable":           {Limit: 20, Examine: 1000, Count: true},
		"?tag=a":                              {Limit: 20, Examine: 1000, Count: true, Tags: []string{"a"}},
		"?tag=a&tag=a&tagsMode=any":           {Limit: 20, Examine: 1000, Count: true, Tags: []string{"a"}},
		"?tag=b&tag=a%20%C3%BC":               {Limit: 20, Examine: 1000, Tags: []string{"a ü", "b"}},
		"?tag=b&tag=a&tagsMode=all":           {Limit: 20, Examine: 1000, Tags: []string{"a", "b"}, AllTags: true},
		"?search=x":                           {Limit: 20, Examine: 1000},
		"?search=x&tag=a":                     {Limit: 20, Examine: 1000, Tags: []string{"a"}},
		"?" + strings.Repeat("tag=a&", 20):    {Limit: 20, Examine: 1000, Count: true, Tags: []string{"a"}},
		"?search=" + strings.Repeat("x", 256): {Limit: 20, Examine: 1000},
	} {
		f := newFixture(t)
		f.service.page.Total = 5
		got := decode[map[string]any](t, f.do("GET", links+query, ""), http.StatusOK)
		asked := f.service.listings[0]
		if diff := cmp.Diff(want, asked, cmpopts.IgnoreFields(Listing{}, "Match"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
		if searched := strings.Contains(query, "search=x"); (asked.Match != nil) != searched {
			t.Errorf("%s: searched %v", query, asked.Match != nil)
		}
		if _, ok := got["total"]; !ok || len(got) != 3 || got["nextCursor"] != nil || (got["total"] == 5.0) != want.Count {
			t.Errorf("%s: %v", query, got)
		}
	}
}

func TestAListShowsLinks(t *testing.T) {
	f := newFixture(t)
	f.service.page = Page{Total: 1 << 40, Links: []link.Link{
		{Code: "b", Fields: link.Fields{Target: "https://b.example", Tags: "x"}, CreatedAt: noon, UpdatedAt: noon, Version: 2},
		{Code: "a", Fields: link.Fields{Target: "https://a.example"}, CreatedAt: noon, UpdatedAt: noon, Version: 1},
	}}
	f.service.late = time.Second
	w := f.do("GET", links+"?consistency=local", "")
	got := decode[v1.LinkPage](t, w, http.StatusOK)
	if len(got.Data) != 2 || got.Data[0].ShortURL != "https://sho.rt/b" || got.Data[1].ShortCode != "a" || *got.Total != 1<<40 || got.NextCursor != nil {
		t.Errorf("page %s", w.Body)
	}
	if w.Header().Get("Tinyurl-Staleness-Ms") != "1000" || f.do("GET", links, "").Header().Get("Tinyurl-Staleness-Ms") != "" {
		t.Errorf("header %v", w.Header())
	}
	f.service.page = Page{}
	if body := f.do("GET", links+"?search=x", "").Body.String(); body != `{"data":[],"nextCursor":null,"total":null}`+"\n" {
		t.Errorf("an empty page is %s", body)
	}
}

func TestReadsOfListsRefuseBadQueries(t *testing.T) {
	for query, element := range map[string]string{
		"limit=0": "limit", "limit=101": "limit", "limit=-1": "limit", "limit=": "limit", "limit=ten": "limit", "limit=1.0": "limit", "limit=5&limit=5": "limit",
		"limit=99999999999999999999": "limit", "page=2": "page", "offset=20": "offset", "Limit=5": "Limit",
		"search=" + strings.Repeat("x", 257): "search", "search=%00": "search", "search=a%0Ab": "search", "search=%ff": "search", "search=a&search=b": "search",
		"tag=": "tag", "tag=a&tag=": "tag", "tag=a%0A": "tag", "tag=%20a": "tag", "tag=%ff": "tag", "tag=" + strings.Repeat("t", 65): "tag",
		strings.Repeat("tag=a&", 21): "tag",
		"tagsMode=some":              "tagsMode", "tagsMode=": "tagsMode", "tagsMode=ALL": "tagsMode", "tagsMode=any&tagsMode=all": "tagsMode",
		"orderBy=createdAt": "orderBy", "orderBy=": "orderBy", "orderBy=visits-desc": "orderBy",
		"consistency=strong": "consistency",
	} {
		f := newFixture(t)
		f.refused(f.do("GET", links+"?"+query, ""), 422, v1.InvalidField, element)
		if len(f.service.listings) != 0 {
			t.Errorf("%s: asked for %+v", query, f.service.listings)
		}
	}
	for query, element := range map[string]string{
		"limit=0": "limit", "limit=1001": "limit", "limit=x": "limit", "search=a": "search", "tag=a": "tag", "consistency=": "consistency", "limit=1&limit=1": "limit",
	} {
		f := newFixture(t)
		f.refused(f.do("GET", tagsPath+"?"+query, ""), 422, v1.InvalidField, element)
	}
}

// page asks for a page that has another behind it, and gives its cursor.
func (f *fixture) page(query string, next Place) string {
	f.t.Helper()
	f.service.page = Page{Next: &next}
	got := decode[v1.LinkPage](f.t, f.do("GET", links+query, ""), http.StatusOK)
	if got.NextCursor == nil {
		f.t.Fatalf("%s: no cursor", query)
	}
	return *got.NextCursor
}

func TestACursorGoesOnWhereThePageEnded(t *testing.T) {
	f := newFixture(t)
	for _, query := range []string{"", "?search=%C3%BC&tag=b&tag=a&tagsMode=all&orderBy=createdAt-asc", "?limit=7"} {
		for _, place := range []Place{{Created: 1, Code: "a"}, {Created: 1<<64 - 1, Code: link.Code(strings.Repeat("z", 128))}, {}} {
			cursor := f.page(query, place)
			if url.QueryEscape(cursor) != cursor {
				t.Errorf("cursor %q cannot stand in a URL", cursor)
			}
			f.page("?"+strings.TrimPrefix(query+"&cursor="+cursor, "?"), place)
			if got := f.service.listings[len(f.service.listings)-1].After; got != place {
				t.Errorf("%s: %v became %v", query, place, got)
			}
		}
	}
	// A page may have another length than the one before, another order of the same tags, and another consistency.
	cursor := f.page("?tag=a&tag=b", Place{5, "x"})
	decode[v1.LinkPage](t, f.do("GET", links+"?tag=b&tag=a&limit=3&consistency=local&tagsMode=any&cursor="+cursor, ""), http.StatusOK)
}

func TestACursorOfAnotherQueryIsRefused(t *testing.T) {
	f := newFixture(t)
	queries := []string{"", "?search=a", "?search=b", "?tag=a", "?tag=b", "?tag=a&tag=b", "?tag=a&tag=b&tagsMode=all", "?orderBy=createdAt-asc", "?search=%22%20%5B%22a"}
	f.service.tagPage = TagPage{Tags: []TagCount{{Tag: "a"}}, More: true}
	tags := decode[v1.TagPage](t, f.do("GET", tagsPath, ""), http.StatusOK)
	for _, first := range queries {
		cursor := f.page(first, Place{5, "x"})
		for _, second := range queries {
			w := f.do("GET", links+"?"+strings.TrimPrefix(second+"&cursor="+cursor, "?"), "")
			if first == second {
				decode[v1.LinkPage](t, w, http.StatusOK)
				continue
			}
			f.refused(w, 422, v1.InvalidCursor, "cursor")
		}
		f.refused(f.do("GET", tagsPath+"?cursor="+cursor, ""), 422, v1.InvalidCursor, "cursor")
		f.refused(f.do("GET", links+"?cursor="+*tags.NextCursor, ""), 422, v1.InvalidCursor, "cursor")
	}
}

func TestACursorThatWasChangedIsRefused(t *testing.T) {
	f := newFixture(t)
	cursor := f.page("", Place{1_900_000_000_000, "abc"})
	bad := []string{"", "x", "AA", "null", "2", cursor + "A", cursor + "=", cursor[1:], cursor + cursor, cursor + "\n", " " + cursor, strings.Repeat("A", 100_00), "%00", "../../x"}
	token, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		t.Fatal(err)
	}
	for i := range cursor {
		bad = append(bad, cursor[:i], cursor[:i]+"-"+cursor[i:])
	}
	for bit := range len(token) * 8 {
		changed := slices.Clone(token)
		changed[bit/8] ^= 1 << (bit % 8)
		bad = append(bad, base64.RawURLEncoding.EncodeToString(changed))
	}
	for n := range len(token) + 1 {
		bad = append(bad, base64.RawURLEncoding.EncodeToString(make([]byte, n)))
	}
	// The same bytes in other words.
	bad = append(bad, base64.URLEncoding.EncodeToString(token)+"====", base64.StdEncoding.EncodeToString(token)+"=")
	// A sum that is right, over what is too short to be a place.
	bad = append(bad, seal(`links "" [] false false`, []byte("short")))
	for _, one := range bad {
		f.refused(f.do("GET", links+"?cursor="+url.QueryEscape(one), ""), 422, v1.InvalidCursor, "cursor")
		f.refused(f.do("GET", tagsPath+"?cursor="+url.QueryEscape(one), ""), 422, v1.InvalidCursor, "cursor")
	}
}

// FuzzCursor holds cursors to what seal makes.
func FuzzCursor(f *testing.F) {
	f.Add(seal("q", []byte("place")))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if place, err := unseal("q", text); err == nil && seal("q", place) != text {
			t.Errorf("%q was taken for the cursor of %q", text, place)
		}
	})
}

func TestTagsComeWithTheirNumbers(t *testing.T) {
	f := newFixture(t)
	f.service.tagPage = TagPage{Tags: []TagCount{{"a", 1}, {"b \"ü\"", 1 << 40}}, More: true}
	w := f.do("GET", tagsPath+"?limit=2", "")
	got := decode[v1.TagPage](t, w, http.StatusOK)
	if diff := cmp.Diff([]v1.Tag{{Tag: "a", Links: 1}, {Tag: "b \"ü\"", Links: 1 << 40}}, got.Data); diff != "" || got.NextCursor == nil {
		t.Fatalf("page %s", w.Body)
	}
	f.service.tagPage = TagPage{}
	f.service.late = time.Second
	w = f.do("GET", tagsPath+"?limit=1000&consistency=local&cursor="+*got.NextCursor, "")
	if body := w.Body.String(); body != `{"data":[],"nextCursor":null}`+"\n" || w.Header().Get("Tinyurl-Staleness-Ms") != "1000" {
		t.Errorf("an empty page is %s, header %v", body, w.Header())
	}
	want := []TagListing{{Limit: 2}, {After: "b \"ü\"", Limit: 1000, Local: true}}
	if diff := cmp.Diff(want, f.service.tagListings); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	f.do("GET", tagsPath, "")
	if got := f.service.tagListings[2]; got != (TagListing{Limit: 100}) {
		t.Errorf("asked for %+v", got)
	}
}

func TestSearchFindsWhateverTheCase(t *testing.T) {
	l := link.Link{Code: "aBc-9", Fields: link.Fields{Target: "https://Example.com/Straße?q=ÄÖ", Title: "Ωμέγα \u212A", Tags: "eins\nzwei"}}
	for text, want := range map[string]bool{
		"example": true, "EXAMPLE.COM": true, "STRASSE": false, "straße": true, "äö": true, "ab": true, "ABC-9": true, "abc9": false,
		"ωΜΈΓΑ": true, "k": true, "K": true, "EINS": true, "zWei": true, "eins zwei": false, "einszwei": false, "com/str": true, "x?": false,
		"https://": true, "\u017f": true, "%": false,
	} {
		if got := newFinder(text).finds(l); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	finder := newFinder("zwei")
	for range 3 {
		if !finder.finds(l) || finder.finds(link.Link{Code: "x"}) {
			t.Error("what was looked at before counts")
		}
	}
}

// FuzzFold holds folding to what package strings says of two texts that differ in case alone.
func FuzzFold(f *testing.F) {
	f.Add("Straße", "STRASSE")
	f.Add("\u212a", "k")
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = strings.ToValidUTF8(a, "?"), strings.ToValidUTF8(b, "?")
		if same := string(appendFolded(nil, a)) == string(appendFolded(nil, b)); same != strings.EqualFold(a, b) {
			t.Errorf("%q and %q: %v", a, b, same)
		}
	})
}

func TestAListTakesNoMoreMemoryThanThereIs(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.HeldBodies = 5*rowBytes - 1 })
	f.refused(f.do("GET", links+"?limit=5", ""), 503, v1.Overloaded)
	decode[v1.LinkPage](t, f.do("GET", links+"?limit=4", ""), http.StatusOK)
	if used := f.bodies.used.Load(); used != 0 || len(f.service.listings) != 1 {
		t.Errorf("%d bytes are still reserved", used)
	}
}

func BenchmarkSearchPage(b *testing.B) {
	examined := make([]link.Link, maxExamined)
	for i := range examined {
		examined[i] = link.Link{Code: "abcdefg", Fields: link.Fields{Target: link.Target(fmt.Sprintf("https://example.com/some/path/%d?and=query", i)), Title: "A title"}}
	}
	b.ReportAllocs()
	for b.Loop() {
		finder := newFinder("nowhere")
		for _, l := range examined {
			if finder.finds(l) {
				b.Fatal("found")
			}
		}
	}
}
