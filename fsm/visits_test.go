package fsm

import (
	"context"
	"testing"
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/store"
	"tinyurl/fsm/visit"
)

var (
	everything = visit.Subject{Kind: visit.OfAll}
	aLink      = visit.Subject{Kind: visit.OfLink, Name: "a"}
)

// total is how often a subject was visited.
func (g *group) total(of visit.Subject) visit.Counts {
	g.t.Helper()
	totals, err := g.Store().VisitTotals(context.Background(), []visit.Subject{of})
	if err != nil {
		g.t.Fatal(err)
	}
	return totals[0]
}

func (g *group) roll(limit, days uint32) {
	g.t.Helper()
	if r := g.do(command.Roll{Limit: limit, KeptDays: days})[0]; r != (command.Result{}) {
		g.t.Errorf("roll: %+v", r)
	}
}

func TestVisitsThatAreSentAgainAreCountedOnce(t *testing.T) {
	g := lead(t)
	now := visit.HourOf(g.now)
	for _, c := range []command.Visits{
		someVisits(1, tallyOf(now, aLink, 2)),
		someVisits(1, tallyOf(now, aLink, 2)),
		someVisits(3, tallyOf(now, aLink, 3)),
		someVisits(2, tallyOf(now, aLink, 5)), // nobody sends the second after the third
		{Node: "v", Boot: 2, Sequence: 1, Tallies: someVisits(1, tallyOf(now, aLink, 7)).Tallies},
		someVisits(9, tallyOf(now, aLink, 11)), // of a run that is over
		{Node: "w", Boot: 1, Sequence: 1, Tallies: someVisits(1, tallyOf(now, aLink, 13)).Tallies},
	} {
		if r := g.do(c)[0]; r != (command.Result{}) {
			t.Errorf("visits: %+v", r)
		}
	}
	if got, want := g.total(aLink), (visit.Counts{Humans: 2 + 3 + 7 + 13, Bots: 4}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	for node, want := range map[string]store.VisitMark{"v": {Boot: 2, Sequence: 1}, "w": {Boot: 1, Sequence: 1}, "x": {}} {
		if got, err := g.Store().VisitMark(node); got != want || err != nil {
			t.Errorf("the mark of %s is %v, %v, want %v", node, got, err, want)
		}
	}
}

func TestVisitsAreTheSameBeforeAndAfterTheyAreRolledUp(t *testing.T) {
	g := lead(t)
	now := visit.HourOf(g.now)
	g.do(someVisits(1, tallyOf(now-25, aLink, 1), tallyOf(now-1, everything, 9), tallyOf(now-1, aLink, 2), tallyOf(now, aLink, 3)))
	look := func() [4]string {
		months, err := g.Store().Visits(context.Background(), visit.Query{Of: aLink, Step: visit.Monthly, From: uint32(visit.MonthOf(g.now)) - 3, To: uint32(visit.MonthOf(g.now)) + 1})
		if err != nil {
			t.Fatal(err)
		}
		return [4]string{
			said(months), said(visitsOf(t, g.replica, aLink, visit.Daily, g.now)), said(visitsOf(t, g.replica, aLink, visit.Hourly, g.now)),
			said(visitsOf(t, g.replica, everything, visit.Daily, g.now)),
		}
	}
	before := look()
	// The first of March at noon: a day before is another month.
	if want := [4]string{"0:1+1/1 1:5+2/3", "0:1+1/1 1:5+2/3", "0:1+1/1 24:2+1/2 25:3+1/3", "0:9+1/9"}; before != want {
		t.Fatalf("got  %q\nwant %q", before, want)
	}
	for range 4 { // row by row, and the hour that goes on stays
		g.roll(1, 400)
		if after := look(); after != before {
			t.Fatalf("got  %q\nwant %q", after, before)
		}
	}
	if due, err := g.Store().VisitsDue(now, store.VisitsKept{}); due || err != nil {
		t.Errorf("more is due: %v, %v", due, err)
	}
	if due, err := g.Store().VisitsDue(now+1, store.VisitsKept{}); !due || err != nil {
		t.Errorf("at the end of the hour nothing is due: %v, %v", due, err)
	}
	g.do(someVisits(2, tallyOf(now-25, aLink, 1))) // late: its hour is rolled up
	if got, want := look()[1], "0:2+2/1 1:5+2/3"; got != want {
		t.Errorf("with late visits: %q, want %q", got, want)
	}
}

func TestOldVisitsAreDroppedAndTotalsStay(t *testing.T) {
	g := lead(t)
	start := g.now
	g.do(someVisits(1, tallyOf(visit.HourOf(start), aLink, 4)))
	g.now = start.Add(visit.HoursKept + time.Hour)
	g.roll(1, 60)
	if got := said(visitsOf(t, g.replica, aLink, visit.Hourly, start)); got == "" {
		t.Error("a roll of one row did two")
	}
	g.roll(command.MaxRolled, 60)
	if got := said(visitsOf(t, g.replica, aLink, visit.Hourly, start)); got != "" {
		t.Errorf("hours after 31 days: %q", got)
	}
	if got := said(visitsOf(t, g.replica, aLink, visit.Daily, start)); got != "0:4+1/4" {
		t.Errorf("days after 31 days: %q", got)
	}
	g.now = start.AddDate(0, 0, 62)
	kept := VisitsKept(g.now, 60)
	if due, err := g.Store().VisitsDue(visit.HourOf(g.now), kept); !due || err != nil {
		t.Errorf("old days are not due: %v, %v", due, err)
	}
	g.roll(command.MaxRolled, 60)
	if due, err := g.Store().VisitsDue(visit.HourOf(g.now), kept); due || err != nil {
		t.Errorf("after that more is due: %v, %v", due, err)
	}
	if got := said(visitsOf(t, g.replica, aLink, visit.Daily, start)); got != "" {
		t.Errorf("days after 62 days: %q", got)
	}
	if got, want := g.total(aLink), (visit.Counts{Humans: 4, Bots: 1}); got != want {
		t.Errorf("in all %+v, want %+v", got, want)
	}
}

func TestAnEntryRollsUpNoMoreThanOneRollMay(t *testing.T) {
	g := lead(t)
	var tallies []visit.Tally
	for hour := visit.HourOf(g.now) - 300; hour < visit.HourOf(g.now); hour++ {
		tallies = append(tallies, tallyOf(hour, aLink, 1))
	}
	g.do(someVisits(1, tallies...))
	all := command.Roll{Limit: command.MaxRolled, KeptDays: 400}
	g.do(all, all)
	if due, err := g.Store().VisitsDue(visit.HourOf(g.now), store.VisitsKept{}); !due || err != nil {
		t.Errorf("all was rolled up at once: %v", err)
	}
	g.do(all)
	if due, err := g.Store().VisitsDue(visit.HourOf(g.now), store.VisitsKept{}); due || err != nil {
		t.Errorf("two entries did not roll up 300 rows: %v", err)
	}
}

func TestAClockThatIsAheadReservesNoHours(t *testing.T) {
	g := lead(t)
	now := visit.HourOf(g.now)
	g.do(someVisits(1, tallyOf(now+1, aLink, 1), tallyOf(now+2, aLink, 2), tallyOf(visit.MaxHour, aLink, 4)))
	if got := said(visitsOf(t, g.replica, aLink, visit.Hourly, g.now)); got != "0:7+3/4" {
		t.Errorf("got %q, want all of it within the next hour", got)
	}
}
