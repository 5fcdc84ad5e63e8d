package api

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
	"tinyurl/fsm/visit"
)

const (
	statsPath   = "/api/v1/stats"
	orphansPath = statsPath + "/orphans"
)

func statisticsOperations() []operation {
	return []operation{
		{"GET", links + "/abc/stats", "", access.StatsRead},
		{"GET", statsPath, "", access.StatsRead},
		{"GET", orphansPath, "", access.StatsRead},
		{"GET", tagsPath + "/red/stats", "", access.StatsRead},
	}
}

// fakeStatistics answers with what it is given, and keeps what it is asked.
type fakeStatistics struct {
	// service is entered by calls for visits that did not ask it for a link before.
	service *fakeService
	parts   []visit.Part
	totals  map[string]visit.Counts
	fail    error
	queries []visit.Query
	local   bool
	asked   [][]visit.Subject
}

func (f *fakeStatistics) Visits(ctx context.Context, _ access.Holder, q visit.Query, local bool) ([]visit.Part, error) {
	if f.service != nil && q.Of.Kind != visit.OfLink {
		if err := f.service.enter(ctx); err != nil {
			return nil, err
		}
	}
	f.queries, f.local = append(f.queries, q), local
	return f.parts, f.fail
}

func (f *fakeStatistics) Totals(_ context.Context, _ access.Holder, of []visit.Subject, _ bool) ([]visit.Counts, error) {
	f.asked = append(f.asked, of)
	totals := make([]visit.Counts, len(of))
	for i, subject := range of {
		totals[i] = f.totals[subject.Name]
	}
	return totals, f.fail
}

// visited is a fixture with visits of two days: noon's, and the day before.
func visited(t *testing.T) (*fixture, *fakeStatistics) {
	fake := &fakeStatistics{totals: make(map[string]visit.Counts)}
	f := newFixture(t, func(c *Config) { c.Statistics = fake })
	f.add("abc", "https://example.com")
	f.service.deleted["buried"] = true
	for i := range 2 {
		var b visit.Builder
		for n := range 12 {
			values := visit.Values{
				visit.Referrer: fmt.Sprintf("r%02d.example", n), visit.Country: "DE", visit.Browser: "Firefox", visit.System: "Linux",
				visit.Device: "desktop", visit.Language: "de", visit.Status: "302",
			}
			b.Human(&values, uint64(n+1))
			b.Visitor(uint64(n) * 0x9e3779b97f4a7c15)
		}
		b.Bots(5)
		fake.parts = append(fake.parts, visit.Part{Period: uint32(visit.DayOf(noon)) - 1 + uint32(i), Stats: b.Stats()})
	}
	return f, fake
}

func TestVisitsAreToldByDays(t *testing.T) {
	f, fake := visited(t)
	got := decode[v1.Statistics](t, f.do("GET", links+"/abc/stats?from=2030-01-29&top=2", ""), 200)
	all := func(value string) v1.Ranking { return v1.Ranking{Top: []v1.Ranked{{Value: value, Visits: 156}}} }
	day := func(of int) v1.Time { return v1.Time{Time: time.Date(2030, 1, of, 0, 0, 0, 0, time.UTC)} }
	half := v1.Visits{Total: 83, NonBots: 78, Bots: 5}
	want := v1.Statistics{
		ShortCode: "abc", From: day(29), To: day(32), Interval: "day", Visits: v1.Visits{Total: 166, NonBots: 156, Bots: 10}, Visitors: 12,
		Series:    []v1.Interval{{Start: day(29)}, {Start: day(30), Visits: half, Visitors: 12}, {Start: day(31), Visits: half, Visitors: 12}},
		Referrers: v1.Ranking{Top: []v1.Ranked{{Value: "r11.example", Visits: 24}, {Value: "r10.example", Visits: 22}}, Other: 110},
		Countries: all("DE"), Browsers: all("Firefox"), Systems: all("Linux"), Devices: all("desktop"), Languages: all("de"), Statuses: all("302"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	q := visit.Query{Of: visit.Subject{Kind: visit.OfLink, Name: "abc"}, Step: visit.Daily, From: uint32(visit.DayOf(noon)) - 2, To: uint32(visit.DayOf(noon)) + 1}
	if !cmp.Equal(fake.queries, []visit.Query{q}) {
		t.Errorf("asked for %+v", fake.queries)
	}
}

func TestVisitsAreToldAsCSV(t *testing.T) {
	f, _ := visited(t)
	w := f.do("GET", links+"/abc/stats?from=2030-01-29&to=2030-01-31&format=csv", "")
	const want = "start,total,humans,bots,visitors\n" +
		"2030-01-29T00:00:00Z,0,0,0,0\n" +
		"2030-01-30T00:00:00Z,83,78,5,12\n" +
		"2030-01-31T00:00:00Z,83,78,5,12\n"
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/csv; charset=utf-8" || w.Body.String() != want {
		t.Errorf("status %d, header %v:\n%s", w.Code, w.Header(), w.Body)
	}
}

func TestWhereThereWereNoVisitsTheListsAreEmpty(t *testing.T) {
	f, fake := visited(t)
	fake.parts = nil
	body := f.do("GET", orphansPath, "").Body.String()
	for _, part := range []string{`"visits":{"total":0,"nonBots":0,"bots":0},"visitors":0,"series":[{"start"`, `"referrers":{"top":[],"other":0}`, `"shortCodes":{"top":[],"other":0}`} {
		if !strings.Contains(body, part) {
			t.Errorf("no %s in %s", part, body)
		}
	}
	if got := decode[v1.Statistics](t, f.do("GET", statsPath, ""), 200); len(got.Series) != 31 || got.ShortCodes != nil {
		t.Errorf("%d days, codes %v", len(got.Series), got.ShortCodes)
	}
}

func TestVisitsAreOfWhatWasAskedFor(t *testing.T) {
	f, fake := visited(t)
	for path, want := range map[string]visit.Subject{
		links + "/abc/stats":              {Kind: visit.OfLink, Name: "abc"},
		statsPath:                         {Kind: visit.OfAll},
		orphansPath:                       {Kind: visit.OfOrphans},
		tagsPath + "/red/stats":           {Kind: visit.OfTag, Name: "red"},
		tagsPath + "/%72ed+1/stats":       {Kind: visit.OfTag, Name: "red+1"},
		tagsPath + "/a%20%C3%BC%3F/stats": {Kind: visit.OfTag, Name: "a ü?"},
		tagsPath + "/a%252Fb/stats":       {Kind: visit.OfTag, Name: "a%2Fb"},
		tagsPath + "/stats/stats":         {Kind: visit.OfTag, Name: "stats"},
	} {
		fake.queries = nil
		if w := f.do("GET", path+"?consistency=local", ""); w.Code != 200 || len(fake.queries) != 1 || fake.queries[0].Of != want || !fake.local {
			t.Errorf("%s: status %d, asked for %+v", path, w.Code, fake.queries)
		}
	}
}

func TestATagMayHaveSlashes(t *testing.T) {
	f, fake := visited(t)
	f.forced = true // the judge of the contract knows no escapes
	for _, tag := range []string{"a/b", "/", "a/stats", "../x", "a%2F/b"} {
		fake.queries = nil
		w := f.do("GET", tagsPath+"/"+url.PathEscape(tag)+"/stats", "")
		if got := decode[v1.Statistics](t, w, 200); got.Tag != tag || fake.queries[0].Of.Name != tag {
			t.Errorf("%q: %q, asked for %+v", tag, got.Tag, fake.queries)
		}
	}
	for _, path := range []string{tagsPath + "/a/b/stats", tagsPath + "/a%2Fb", tagsPath + "/a%2Fb/stats/", tagsPath + "/a%0A%2Fb/stats", links + "/a%2Fb/stats"} {
		f.refused(f.do("GET", path, ""), 404, v1.NotFound)
	}
	f.refused(f.do("GET", tagsPath+"/a%2Fb/stats", "", "Authorization", ""), 401, v1.Unauthorized)
	f.refused(f.do("POST", tagsPath+"/a%2Fb/stats", ""), 404, v1.NotFound)
}

func TestPeriodsAreWholeIntervals(t *testing.T) {
	f, fake := visited(t)
	fake.parts = nil
	for query, want := range map[string][3]string{ // from, to, number of intervals
		"":                               {"2030-01-01T00:00:00Z", "2030-02-01T00:00:00Z", "31"},
		"?interval=hour":                 {"2030-01-01T12:00:00Z", "2030-01-31T13:00:00Z", "721"},
		"?interval=month":                {"2030-01-01T00:00:00Z", "2030-02-01T00:00:00Z", "1"},
		"?from=2030-01-31":               {"2030-01-31T00:00:00Z", "2030-02-01T00:00:00Z", "1"},
		"?from=2030-01-02&to=2030-01-02": {"2030-01-02T00:00:00Z", "2030-01-03T00:00:00Z", "1"},
		"?from=2030-01-02T23:30:00-01:00&to=2030-01-04":      {"2030-01-03T00:00:00Z", "2030-01-05T00:00:00Z", "2"},
		"?from=2030-01-02T00:00:00Z&to=2030-01-03T00:00:00Z": {"2030-01-02T00:00:00Z", "2030-01-03T00:00:00Z", "1"},
		"?interval=hour&from=2030-01-02&to=2030-01-02":       {"2030-01-02T00:00:00Z", "2030-01-03T00:00:00Z", "24"},
		"?interval=month&from=1970-01-01&to=2050-12-31":      {"1970-01-01T00:00:00Z", "2051-01-01T00:00:00Z", "972"},
		"?interval=month&from=9990-01-01&to=9998-12-31":      {"9990-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "108"},
		"?to=2029-03-31T12:00:00Z":                           {"2029-03-01T00:00:00Z", "2029-04-01T00:00:00Z", "31"},
	} {
		got := decode[v1.Statistics](t, f.do("GET", statsPath+query, ""), 200)
		shown := [3]string{got.From.Format(time.RFC3339), got.To.Format(time.RFC3339), fmt.Sprint(len(got.Series))}
		if shown != want || !got.Series[0].Start.Equal(got.From.Time) {
			t.Errorf("%s: %v, want %v", query, shown, want)
		}
	}
}

func TestWhatCannotBeAskedOfVisits(t *testing.T) {
	f, fake := visited(t)
	for query, elements := range map[string][]string{
		"from=": {"from"}, "from=yesterday": {"from"}, "from=2030-02-30": {"from"}, "from=1969-12-31": {"from"}, "from=2030-01-01T00:00:00": {"from"},
		"to=": {"to"}, "to=2030": {"to"}, "to=9999-01-01": {"to"}, "to=9998-12-31T23:59:59-12:00": {"to"},
		"from=2030-01-02&to=2030-01-01": {"from", "to"}, "from=2030-02-01": {"from", "to"},
		"from=2030-01-02T00:00:00Z&to=2030-01-02T00:00:00Z": {"from", "to"},
		"from=2027-01-01": {"from", "to"}, "interval=hour&from=2029-12-01": {"from", "to"}, "interval=month&from=1970-01-01&to=2060-01-01": {"from", "to"},
		"interval=": {"interval"}, "interval=week": {"interval"}, "interval=Day": {"interval"},
		"top=0": {"top"}, "top=51": {"top"}, "top=x": {"top"}, "top=": {"top"},
		"format=xml": {"format"}, "format=": {"format"}, "consistency=none": {"consistency"},
		"limit=1": {"limit"}, "top=1&top=2": {"top"},
	} {
		for _, path := range []string{links + "/abc/stats", statsPath, orphansPath, tagsPath + "/red/stats"} {
			f.refused(f.do("GET", path+"?"+query, ""), 422, v1.InvalidField, elements...)
		}
	}
	for path, status := range map[string]v1.Code{
		links + "/none/stats": v1.NotFound, links + "/buried/stats": v1.Gone, links + "/a.b/stats": v1.NotFound, links + "/bulk/stats": v1.NotFound,
		tagsPath + "/%0A/stats": v1.NotFound, tagsPath + "/%20x/stats": v1.NotFound, tagsPath + "/" + strings.Repeat("x", 65) + "/stats": v1.NotFound,
	} {
		f.refused(f.do("GET", path, ""), map[v1.Code]int{v1.NotFound: 404, v1.Gone: 410}[status], status)
	}
	if len(fake.queries) != 0 {
		t.Errorf("asked for %+v", fake.queries)
	}
	fake.fail = link.ErrNoLeader
	f.refused(f.do("GET", statsPath, ""), 503, v1.NoLeader)
	f.refused(f.do("GET", links+"/abc", ""), 503, v1.NoLeader)
}

// ownOnly is an Authenticator of somebody who sees only their own links.
type ownOnly struct{ scopedKeys }

func (o ownOnly) Authenticate(ctx context.Context, key string, local bool) (access.Holder, error) {
	by, err := o.scopedKeys.Authenticate(ctx, key, local)
	by.Owner, by.OwnOnly = "u1", true
	return by, err
}

func TestCreatorsSeeTheVisitsOfTheirLinksAlone(t *testing.T) {
	fake := &fakeStatistics{}
	f := newFixture(t, func(c *Config) {
		c.Statistics, c.Authenticator = fake, ownOnly{scopedKeys{"stats": access.StatsRead, "links": access.AllScopes &^ access.StatsRead &^ access.Admin}}
	})
	f.add("abc", "https://example.com")
	get := func(path, key string) *httptest.ResponseRecorder {
		return f.do("GET", path, "", "Authorization", "Bearer "+key)
	}
	if w := get(links+"/abc/stats", "stats"); w.Code != 200 {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	f.refused(get(links+"/others/stats", "stats"), 404, v1.NotFound)
	for _, path := range []string{statsPath, orphansPath, tagsPath + "/red/stats"} {
		f.refused(get(path, "stats"), 403, v1.Forbidden)
	}
	for _, path := range []string{links + "/abc/stats", statsPath, orphansPath, tagsPath + "/red/stats"} {
		f.refused(get(path, "links"), 403, v1.Forbidden)
	}
}

func TestLinksShowTheirVisits(t *testing.T) {
	f, fake := visited(t)
	f.add("brought", "https://example.com", func(l *link.Link) { l.Visits = 7 })
	f.add("limited", "https://example.com", func(l *link.Link) { l.Visits, l.MaxVisits = 7, 9 })
	f.add("behind", "https://example.com", func(l *link.Link) { l.Visits, l.MaxVisits = 7, 9 })
	for code, c := range map[string]visit.Counts{"abc": {Humans: 2, Bots: 1}, "brought": {Humans: 3, Bots: 4}, "limited": {Humans: 8, Bots: 2}, "behind": {Humans: 5}} {
		fake.totals[code] = c
	}
	want := map[string]v1.Visits{
		"abc": {Total: 3, NonBots: 2, Bots: 1}, "brought": {Total: 14, NonBots: 10, Bots: 4}, "limited": {Total: 10, NonBots: 8, Bots: 2},
		"behind": {Total: 7, NonBots: 7},
	}
	for code, visits := range want {
		if got := decode[v1.Link](t, f.do("GET", links+"/"+code, ""), 200); got.Visits != visits {
			t.Errorf("%s: %+v, want %+v", code, got.Visits, visits)
		}
		if got := decode[v1.Link](t, f.do("PATCH", links+"/"+code, `{"title":"x"}`), 200); got.Visits != visits {
			t.Errorf("%s, changed: %+v, want %+v", code, got.Visits, visits)
		}
		f.service.page.Links = append(f.service.page.Links, f.service.links[link.Code(code)])
	}
	fake.asked = nil
	for _, got := range decode[v1.LinkPage](t, f.do("GET", links, ""), 200).Data {
		if got.Visits != want[got.ShortCode] {
			t.Errorf("%s in the list: %+v, want %+v", got.ShortCode, got.Visits, want[got.ShortCode])
		}
	}
	if len(fake.asked) != 1 || len(fake.asked[0]) != len(want) {
		t.Errorf("asked for %v", fake.asked)
	}
	fake.fail = errors.New("damage")
	f.refused(f.do("GET", links, ""), 500, v1.Internal)
	if got := decode[v1.Link](t, f.do("PATCH", links+"/brought", `{"title":"y"}`), 200); got.Title != "y" || got.Visits.Total != 7 {
		t.Errorf("changed: %+v", got)
	}
}

func TestWithoutStatisticsLinksShowWhatTheyCounted(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Statistics = nil })
	f.add("abc", "https://example.com", func(l *link.Link) { l.Visits = 7 })
	if got := decode[v1.Link](t, f.do("GET", links+"/abc", ""), 200); got.Visits != (v1.Visits{Total: 7, NonBots: 7}) {
		t.Errorf("%+v", got.Visits)
	}
	f.forced = true // without them there is no such operation
	for _, path := range []string{statsPath, tagsPath + "/a%2Fb/stats", links + "/abc/stats"} {
		f.refused(f.do("GET", path, ""), 404, v1.NotFound)
	}
}
