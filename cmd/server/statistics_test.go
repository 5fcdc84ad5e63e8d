package server

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
	"tinyurl/fsm/visit"
)

func TestStatisticsAreReadOfTheViewThatIsAskedFor(t *testing.T) {
	of := visit.Subject{Kind: visit.OfLink, Name: "mine"}
	counting := func(humans uint64) *store.Store {
		return peopled(t, func(b *store.Batch) error {
			var counted visit.Builder
			counted.Human(&visit.Values{visit.Country: "DE"}, humans)
			counted.Bots(1)
			return b.AddVisits(visit.Tally{Hour: visit.HourOf(noon), Subject: of, Stats: counted.Stats()})
		})
	}
	node := &twoViews{behind: counting(2)}
	node.view, node.now = counting(3), noon
	day := uint32(visit.DayOf(noon))
	for local, want := range map[bool]visit.Counts{true: {Humans: 2, Bots: 1}, false: {Humans: 3, Bots: 1}} {
		parts, err := statistics{node}.Visits(t.Context(), access.RootHolder(), visit.Query{Of: of, Step: visit.Daily, From: day - 1, To: day + 1}, local)
		if err != nil || len(parts) != 1 || parts[0].Period != day || parts[0].Stats.Counts != want {
			t.Errorf("local %v: %+v, %v", local, parts, err)
		}
		totals, err := statistics{node}.Totals(t.Context(), access.RootHolder(), []visit.Subject{{Kind: visit.OfLink, Name: "his"}, of}, local)
		if err != nil || !cmp.Equal(totals, []visit.Counts{{}, want}) {
			t.Errorf("local %v: totals %+v, %v", local, totals, err)
		}
	}
	node.noLeader = true
	if _, err := (statistics{node}).Visits(t.Context(), access.RootHolder(), visit.Query{Of: of, Step: visit.Daily}, false); !errors.Is(err, link.ErrNoLeader) {
		t.Error(err)
	}
	if _, err := (statistics{node}).Totals(t.Context(), access.RootHolder(), nil, false); !errors.Is(err, link.ErrNoLeader) {
		t.Error(err)
	}
}

func TestStatisticsAreJudgedByWhoTheHolderIsByNow(t *testing.T) {
	node := &fakeLinks{view: peopled(t, nil), now: noon}
	for id, c := range map[string]struct{ ofLink, ofAll error }{
		"k1": {nil, link.ErrForbidden}, "k2": {nil, nil}, "free": {nil, nil}, "none": {link.ErrUnauthorized, link.ErrUnauthorized},
	} {
		by := access.Holder{ID: id, Scopes: access.AllScopes} // as an editor, whatever they are
		for kind, want := range map[visit.Kind]error{visit.OfLink: c.ofLink, visit.OfAll: c.ofAll, visit.OfOrphans: c.ofAll, visit.OfTag: c.ofAll} {
			of := visit.Subject{Kind: kind}
			if kind == visit.OfLink || kind == visit.OfTag {
				of.Name = "mine"
			}
			if _, err := (statistics{node}).Visits(t.Context(), by, visit.Query{Of: of, Step: visit.Daily}, false); !errors.Is(err, want) {
				t.Errorf("%s, kind %d: %v, want %v", id, kind, err, want)
			}
		}
		if _, err := (statistics{node}).Totals(t.Context(), by, nil, false); !errors.Is(err, c.ofLink) {
			t.Errorf("%s: totals: %v", id, err)
		}
	}
}

// Visits are told of all the way from the listener of redirects to the API.
func TestVisitsOfANodeAreToldByItsAPI(t *testing.T) {
	n := runNode(t, "--root-key="+rootKey)
	n.made(t, "tagged", "a/b")
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	for range 3 {
		n.followed(t, "tagged")
	}
	n.followed(t, "nothing")
	asked, err := client.New(n.HTTPURL(), rootKey, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	want := v1.Visits{Total: 3, NonBots: 3}
	told := func(s v1.Statistics, err error) v1.Statistics {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	q := client.StatsQuery{Interval: "month"}
	eventually(t, "visits are told of", func() bool {
		orphans := told(asked.OrphanStats(t.Context(), q))
		return told(asked.Stats(t.Context(), "tagged", q)).Visits == want && orphans.Visits.Total == 1 && orphans.ShortCodes.Top[0].Value == "nothing"
	})
	for name, s := range map[string]v1.Statistics{
		"the cluster": told(asked.ClusterStats(t.Context(), client.StatsQuery{Interval: "hour"})), "the tag": told(asked.TagStats(t.Context(), "a/b", q)),
	} {
		if s.Visits != want || s.Visitors == 0 || !cmp.Equal(s.Browsers, v1.Ranking{Top: []v1.Ranked{{Value: "Firefox", Visits: 3}}}) {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if l, err := asked.Get(t.Context(), "tagged", false); err != nil || l.Visits != want {
		t.Errorf("%+v, %v", l, err)
	}
}
