package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"tinyurl/fsm/store"
	"tinyurl/fsm/visit"
)

var visitTests = map[string]func(*testing.T, Fixture){
	"visits are there in every row they belong to":  testVisitRows,
	"visits survive a reopening and a stream":       testVisitsMove,
	"a query of visits has bounds":                  testVisitBounds,
	"marks of visits do not fall":                   testVisitMarks,
	"hours that nobody was there cost nothing":      testVisitGaps,
	"a reader of visits sees one state":             testVisitsOneState,
	"visits that are old are dropped by the oldest": testVisitsAge,
}

// visited changes the visits, as the n-th entry of a script.
func visited(b *store.Batch, rng interface{ IntN(n int) int }, n int, at time.Time) error {
	node := fmt.Sprintf("node-%d", rng.IntN(3))
	mark, _, err := b.VisitMark(node)
	mark.Sequence++
	err = errors.Join(err,
		b.AddVisits(someVisits(visit.HourOf(at)-visit.Hour(rng.IntN(50)), visit.Subject{Kind: visit.OfLink, Name: fmt.Sprintf("slug-%d", rng.IntN(5))}, uint64(1+n%7))),
		b.AddVisits(someVisits(visit.HourOf(at), visit.Subject{Kind: visit.OfAll}, uint64(1+n%5))),
		b.PutVisitMark(node, mark),
	)
	_, rollErr := b.RollVisits(visit.HourOf(at), rng.IntN(4))
	_, ageErr := b.AgeVisits(store.VisitsKept{Hour: visit.HourOf(at) - 24}, rng.IntN(2))
	return errors.Join(err, rollErr, ageErr)
}

// someVisits are n visits of people and two of programs.
func someVisits(hour visit.Hour, of visit.Subject, n uint64) visit.Tally {
	var b visit.Builder
	b.Human(&visit.Values{visit.Country: "DE", visit.Referrer: fmt.Sprintf("host-%d.example", n)}, n)
	b.Visitor(n * 0x9e3779b97f4a7c15)
	b.Bots(2)
	return visit.Tally{Hour: hour, Subject: of, Stats: b.Stats()}
}

var aVisitedLink = visit.Subject{Kind: visit.OfLink, Name: "x"}

// ask gives the visits of a link as periods and counts.
func ask(t *testing.T, s *store.Store, step visit.Step, from, to uint32) string {
	t.Helper()
	parts, err := s.Visits(context.Background(), visit.Query{Of: aVisitedLink, Step: step, From: from, To: to})
	must(t, err)
	text := ""
	for _, p := range parts {
		text += fmt.Sprintf("%d:%d ", p.Period, p.Stats.Humans)
	}
	return text
}

func totalOf(t *testing.T, s *store.Store) visit.Counts {
	t.Helper()
	totals, err := s.VisitTotals(context.Background(), []visit.Subject{aVisitedLink})
	must(t, err)
	return totals[0]
}

func testVisitRows(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	const day = 100
	change(t, s, func(b *store.Batch) {
		for _, hour := range []visit.Hour{day * 24, day*24 + 5, (day + 1) * 24} {
			must(t, b.AddVisits(someVisits(hour, aVisitedLink, uint64(hour%24)+1)), b.AddVisits(someVisits(hour, visit.Subject{Kind: visit.OfAll}, 1)))
		}
	})
	check := func() {
		t.Helper()
		if got, want := ask(t, s, visit.Hourly, day*24, (day+2)*24), fmt.Sprintf("%d:1 %d:6 %d:1 ", day*24, day*24+5, (day+1)*24); got != want {
			t.Errorf("by hours %q, want %q", got, want)
		}
		if got, want := ask(t, s, visit.Daily, 0, 500), fmt.Sprintf("%d:7 %d:1 ", day, day+1); got != want {
			t.Errorf("by days %q, want %q", got, want)
		}
		if got, want := ask(t, s, visit.Monthly, 0, 12), "3:8 "; got != want { // 11 April 1970
			t.Errorf("by months %q, want %q", got, want)
		}
		if got, want := totalOf(t, s), (visit.Counts{Humans: 8, Bots: 6}); got != want {
			t.Errorf("in all %v, want %v", got, want)
		}
		verified(t, s)
	}
	check()
	for left := 6; left > 0; left -= 2 {
		change(t, s, func(b *store.Batch) {
			n, err := b.RollVisits((day+2)*24, 2)
			if must(t, err); n != 2 {
				t.Errorf("added %d rows, want 2", n)
			}
		})
		check()
	}
	due, err := s.VisitsDue((day+2)*24, store.VisitsKept{})
	if must(t, err); due {
		t.Error("all was added, and more is due")
	}
}

func testVisitsMove(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		must(t, b.AddVisits(someVisits(1, aVisitedLink, 3)), b.PutVisitMark("n", store.VisitMark{Boot: 2, Sequence: 3}))
		_, err := b.RollVisits(5, 9)
		must(t, err, b.AddVisits(someVisits(1, aVisitedLink, 4)), b.AddVisits(someVisits(7, aVisitedLink, 5)))
	})
	want := visit.Counts{Humans: 12, Bots: 6}
	must(t, s.Close())
	s = open(t, f.FS, f.Dir)
	if got := totalOf(t, s); got != want {
		t.Errorf("after a reopening %v, want %v", got, want)
	}
	mark, err := s.VisitMark("n")
	if must(t, err); mark != (store.VisitMark{Boot: 2, Sequence: 3}) {
		t.Errorf("the mark is %v", mark)
	}
	verified(t, s)
}

func testVisitBounds(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	for _, q := range []visit.Query{{To: 1}, {Step: visit.Monthly + 1, To: 1}, {Step: visit.Daily, From: 2, To: 1}, {Step: visit.Daily, To: 1001}} {
		_, err := s.Visits(context.Background(), q)
		wants(t, err, store.ErrMisuse)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.Visits(ctx, visit.Query{Of: aVisitedLink, Step: visit.Daily, To: 9})
	wants(t, err, context.Canceled)
	b := begin(t, s)
	wants(t, b.AddVisits(someVisits(visit.MaxHour+1, aVisitedLink, 1)), store.ErrMisuse)
}

func testVisitMarks(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		for _, m := range []store.VisitMark{{Boot: 1, Sequence: 9}, {Boot: 2, Sequence: 1}, {Boot: 2, Sequence: 2}} {
			must(t, b.PutVisitMark("n", m))
		}
	})
	for _, m := range []store.VisitMark{{Boot: 2, Sequence: 2}, {Boot: 1, Sequence: 10}} {
		b := begin(t, s)
		wants(t, b.PutVisitMark("n", m), store.ErrMisuse)
		must(t, b.Close())
	}
}

func testVisitGaps(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		// Others were there in between, and long after.
		for _, hour := range []visit.Hour{5, 6, 4_000_000} {
			must(t, b.AddVisits(someVisits(hour, visit.Subject{Kind: visit.OfLink, Name: "w"}, 1)), b.AddVisits(someVisits(hour, visit.Subject{Kind: visit.OfLink, Name: "y"}, 1)))
		}
		must(t, b.AddVisits(someVisits(0, aVisitedLink, 1)), b.AddVisits(someVisits(6, aVisitedLink, 2)), b.AddVisits(someVisits(4_000_000, aVisitedLink, 4)))
	})
	if got, want := totalOf(t, s), (visit.Counts{Humans: 7, Bots: 6}); got != want {
		t.Errorf("in all %v, want %v", got, want)
	}
}

func testVisitsOneState(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) { must(t, b.AddVisits(someVisits(1, aVisitedLink, 1))) })
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 200 {
			if got := totalOf(t, s); got.Humans != 1 {
				t.Errorf("a reader counted %v", got)
				return
			}
		}
	}()
	for end := visit.Hour(2); end < 50; end++ { // the row moves on to its day, and then nothing is left to do
		change(t, s, func(b *store.Batch) {
			_, err := b.RollVisits(end, 1)
			must(t, err)
		})
	}
	<-done
}

func testVisitsAge(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		for hour := range visit.Hour(10) {
			must(t, b.AddVisits(someVisits(hour*24, aVisitedLink, 1)))
		}
		n, err := b.AgeVisits(store.VisitsKept{Hour: 100}, 9)
		if must(t, err); n != 0 {
			t.Errorf("%d hours were dropped that no day has", n)
		}
		_, err = b.RollVisits(24*10, 100)
		must(t, err)
	})
	kept := store.VisitsKept{Hour: 4 * 24, Day: 2, Month: 0}
	for _, want := range []int{3, 3, 0} {
		due, err := s.VisitsDue(0, kept)
		if must(t, err); due != (want > 0) {
			t.Errorf("old rows are due: %v, want %v", due, want > 0)
		}
		change(t, s, func(b *store.Batch) {
			n, err := b.AgeVisits(kept, 3)
			if must(t, err); n != want {
				t.Errorf("dropped %d rows, want %d", n, want)
			}
		})
	}
	if got, want := ask(t, s, visit.Daily, 0, 20), "2:1 3:1 4:1 5:1 6:1 7:1 8:1 9:1 "; got != want {
		t.Errorf("days %q, want %q", got, want)
	}
	if got, want := ask(t, s, visit.Hourly, 0, 144), "96:1 120:1 "; got != want {
		t.Errorf("hours %q, want %q", got, want)
	}
	if got := totalOf(t, s).Humans; got != 10 {
		t.Errorf("in all %d, want 10", got)
	}
	verified(t, s)
}
