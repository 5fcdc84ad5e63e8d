package server

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

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
