package cluster

import (
	"log/slog"
	"testing"
	"time"

	"tinyurl/fsm"
	"tinyurl/fsm/command"
	"tinyurl/fsm/store"
	"tinyurl/fsm/visit"
)

func TestARollAddsAllThatIsDueAndWaits(t *testing.T) {
	const days = 30
	// The clock that counts is the log's, not this node's.
	stamp := func() time.Time { return time.Now().Add(-5 * time.Hour) }
	takes := func(c command.Command) int {
		if kept := c.(command.Roll).KeptDays; kept != days {
			t.Errorf("days are kept for %d days, want %d", kept, days)
		}
		return int(c.(command.Roll).Limit)
	}
	testChore(t, command.MaxRolled, takes, func(p *pile, log *slog.Logger) chore {
		due := func(end visit.Hour, kept store.VisitsKept) (bool, error) {
			if end != visit.HourOf(stamp()) || kept != fsm.VisitsKept(stamp(), days) {
				t.Errorf("asked for visits before hour %d, and what is kept from %+v on", end, kept)
			}
			return p.due()
		}
		return newRoller(due, stamp, days, p.propose, log)
	})
}

// The leader of a cluster rolls by itself: what was counted in an hour is a day's once the next hour is there.
func TestTheLeaderRollsVisitsOfHoursThatAreOver(t *testing.T) {
	inVirtualTime(t, 1, func(v *virtualCluster) {
		v.founded()
		n := v.nodes[0]
		var counted visit.Builder
		counted.Bots(3)
		now := n.Now()
		all := visit.Subject{Kind: visit.OfAll}
		tallies := []visit.Tally{{Hour: visit.HourOf(now), Subject: all, Stats: counted.Stats()}}
		_, err := n.Propose(v.t.Context(), "", []command.Command{command.Visits{
			Node: "n", Boot: n.Boot(), Sequence: 1, Tallies: string(visit.AppendTallies(nil, tallies)),
		}})
		if err != nil {
			v.t.Fatal(err)
		}
		time.Sleep(time.Until(visit.HourOf(now).Start().Add(time.Hour)) + time.Second)
		v.create(n, 1) // the log has come to the next hour
		s, err := n.View(v.t.Context(), true)
		if err != nil {
			v.t.Fatal(err)
		}
		due := func() bool {
			due, err := s.VisitsDue(visit.HourOf(n.Now()), store.VisitsKept{})
			if err != nil {
				v.t.Fatal(err)
			}
			return due
		}
		if !due() {
			v.t.Fatal("nothing is due: the test tests nothing")
		}
		time.Sleep(rollEvery)
		if due() {
			v.t.Error("visits of an hour that is over were not rolled")
		}
	})
}
