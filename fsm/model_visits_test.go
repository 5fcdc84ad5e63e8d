package fsm

import (
	"context"
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"tinyurl/fsm/command"
	"tinyurl/fsm/store"
	"tinyurl/fsm/visit"
)

// someVisits are one node's next visits.
func someVisits(sequence uint64, tallies ...visit.Tally) command.Visits {
	return command.Visits{Node: "v", Boot: 1, Sequence: sequence, Tallies: string(visit.AppendTallies(nil, tallies))}
}

// tallyOf is n visits of people and one of a program, from n visitors.
func tallyOf(hour visit.Hour, of visit.Subject, n uint64) visit.Tally {
	var b visit.Builder
	b.Human(&visit.Values{visit.Browser: fmt.Sprint("b", n), visit.Status: "302"}, n)
	b.Bots(1)
	for i := range n {
		b.Visitor((i + 1) * 0x9e3779b97f4a7c15)
	}
	return visit.Tally{Hour: hour, Subject: of, Stats: b.Stats()}
}

// visitedSubjects are few, so that visits meet.
var visitedSubjects = []visit.Subject{{Kind: visit.OfAll}, {Kind: visit.OfOrphans}, {Kind: visit.OfLink, Name: "a"}, {Kind: visit.OfTag, Name: "a"}}

// drawVisits draws visits of hours around now, sometimes sent before, or a roll.
func drawVisits(t *rapid.T, now time.Time) command.Command {
	if rapid.IntRange(0, 2).Draw(t, "roll") == 0 {
		return command.Roll{Limit: rapid.Uint32Range(1, 5).Draw(t, "limit"), KeptDays: command.MaxVisitDays}
	}
	first := visit.HourOf(now) - visit.Hour(rapid.SampledFrom([]int{0, 0, 0, 1, 2, 30, 24 * 40}).Draw(t, "hour"))
	var tallies []visit.Tally
	for hour := first; hour < first+visit.Hour(rapid.IntRange(1, 3).Draw(t, "hours")); hour++ {
		for i, of := range visitedSubjects {
			if i == 0 || rapid.Bool().Draw(t, "counted") {
				tallies = append(tallies, tallyOf(hour, of, rapid.Uint64Range(0, 3).Draw(t, "visits")))
			}
		}
	}
	c := someVisits(rapid.Uint64Range(1, 12).Draw(t, "sequence"), tallies...)
	c.Node = rapid.SampledFrom([]string{"n1", "n2"}).Draw(t, "node")
	c.Boot = rapid.Uint64Range(1, 2).Draw(t, "boot")
	return c
}

// countVisits counts visits that are behind the node's last.
func (m *model) countVisits(c command.Visits) {
	mark := store.VisitMark{Boot: c.Boot, Sequence: c.Sequence}
	if last := m.marks[c.Node]; mark.Boot < last.Boot || mark.Boot == last.Boot && mark.Sequence <= last.Sequence {
		return
	}
	m.marks[c.Node] = mark
	tallies, err := c.Parse()
	if err != nil {
		panic(err)
	}
	for _, t := range tallies {
		if ahead := m.stamp.Add(time.Hour); t.Hour.Start().After(ahead) {
			t.Hour = visit.HourOf(ahead)
		}
		for _, key := range []visitKey{{t.Subject, -1}, {t.Subject, int(t.Hour.Day())}} {
			m.visits[key] = m.visits[key].Plus(t.Stats.Counts)
		}
	}
}

// visitKey is a subject and a day, or -1 for all days.
type visitKey struct {
	of  visit.Subject
	day int
}

// checkVisits holds what a replica says of visits against the model.
func checkVisits(t *rapid.T, m *model, r *replica) {
	t.Helper()
	totals, err := r.Store().VisitTotals(context.Background(), visitedSubjects)
	if err != nil {
		t.Fatal(err)
	}
	for i, of := range visitedSubjects {
		if want := m.visits[visitKey{of, -1}]; totals[i] != want {
			t.Fatalf("%v was visited %v, want %v", of, totals[i], want)
		}
		for _, step := range []visit.Step{visit.Daily, visit.Hourly} {
			sums := make(map[visitKey]visit.Counts)
			for _, p := range visitsOf(t, r, of, step, m.stamp) {
				day := int(p.Period)
				if step == visit.Hourly {
					day /= 24
				}
				sums[visitKey{of, day}] = sums[visitKey{of, day}].Plus(p.Stats.Counts)
			}
			for key, want := range m.visits {
				first := int(visit.DayOf(m.stamp)) - daysAsked
				if step == visit.Hourly {
					first = int(visit.DayOf(m.stamp.Add(-visit.HoursKept))) + 1
				}
				if key.of != of || key.day < first {
					continue // key.day is -1 where it is all days
				}
				if sums[key] != want {
					t.Fatalf("%v by step %d: %v, want %v", key, step, sums[key], want)
				}
			}
		}
	}
}

// daysAsked is how far back visitsOf looks.
const daysAsked = 990

// visitsOf asks for the visits of a subject before a moment.
func visitsOf(t tester, r *replica, of visit.Subject, step visit.Step, now time.Time) []visit.Part {
	t.Helper()
	q := visit.Query{Of: of, Step: step, From: uint32(visit.DayOf(now)) - daysAsked, To: uint32(visit.DayOf(now)) + 2}
	if step == visit.Hourly {
		q.From, q.To = q.To*24-900, q.To*24
	}
	parts, err := r.Store().Visits(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

// said gives the parts of an answer in short: how far behind the first one each is, and its visits.
func said(parts []visit.Part) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "%d:%d+%d/%d ", p.Period-parts[0].Period, p.Stats.Humans, p.Stats.Bots, p.Stats.Visitors.Estimate())
	}
	return strings.TrimSpace(b.String())
}
