package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tinyurl/fsm/store"
	"tinyurl/fsm/visit"
)

// visitedDays is how many days the benchmark's visits are spread over, visitedBenchLinks over how many links.
const (
	visitedDays       = 30
	visitedBenchLinks = 1000
)

// visitedStore has so many visits of links, evenly by hours; a third of them are those of the link "hot".
func visitedStore(b *testing.B, visits int) *store.Store {
	b.Helper()
	s, err := store.Open("data", store.Options{FS: vfs.NewMem(), CacheBytes: 64 << 20, Fatal: func(err error) { b.Error(err) }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	const hours = visitedDays * 24
	for hour := range visit.Hour(hours) {
		batch, err := s.NewBatch()
		if err != nil {
			b.Fatal(err)
		}
		if err := batch.Advance(store.Position{Index: uint64(hour) + 1, Term: 1}); err != nil {
			b.Fatal(err)
		}
		add := func(name string, n int) {
			if n == 0 {
				return
			}
			if err := batch.AddVisits(visit.Tally{Hour: hour, Subject: visit.Subject{Kind: visit.OfLink, Name: name}, Stats: visitsOfPeople(n, int(hour))}); err != nil {
				b.Fatal(err)
			}
		}
		add("hot", visits/hours/3)
		for i := range visitedBenchLinks {
			if each := visits * 2 / 3 / hours / visitedBenchLinks; each > 0 || int(hour) == i%hours {
				add(fmt.Sprintf("link-%04d", i), max(each, 1))
			}
		}
		for {
			n, err := batch.RollVisits(hour, 256)
			if err != nil {
				b.Fatal(err)
			}
			if n == 0 {
				break
			}
		}
		if err := batch.Commit(); err != nil {
			b.Fatal(err)
		}
		_ = batch.Close()
	}
	return s
}

// visitsOfPeople are n visits of as many people, with what people say.
func visitsOfPeople(n, salt int) visit.Stats {
	var built visit.Builder
	for i := range min(n, 400) {
		built.Human(&visit.Values{
			visit.Referrer: fmt.Sprintf("host-%d.example", i%50), visit.Country: fmt.Sprintf("%c%c", 'A'+i%8, 'A'+i%5), visit.Browser: fmt.Sprint("Browser ", i%9),
			visit.System: fmt.Sprint("System ", i%6), visit.Device: fmt.Sprint(i % 3), visit.Language: fmt.Sprintf("l%d", i%12), visit.Status: "302",
		}, uint64(max(1, n/400)))
	}
	for i := range n {
		built.Visitor(uint64(salt*1_000_003+i+1) * 0x9e3779b97f4a7c15)
	}
	return built.Stats()
}

// What is asked costs the same whatever number of visits there are: a row a day.
func BenchmarkVisits(b *testing.B) {
	for _, visits := range []int{10_000, 10_000_000} {
		b.Run(fmt.Sprintf("of %d", visits), func(b *testing.B) {
			s := visitedStore(b, visits)
			hot := visit.Subject{Kind: visit.OfLink, Name: "hot"}
			for b.Loop() {
				parts, err := s.Visits(context.Background(), visit.Query{Of: hot, Step: visit.Daily, From: 0, To: visitedDays})
				if err != nil || len(parts) != visitedDays {
					b.Fatal(len(parts), err)
				}
				_ = visit.Sum(parts)
			}
		})
	}
}

// A link's day is a row, and a row for each hour in which it was visited.
func BenchmarkVisitsOfADay(b *testing.B) {
	for _, visits := range []int{1, 10, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("of %d", visits), func(b *testing.B) {
			var day visit.Stats
			bytes := 0
			hours := min(24, visits)
			for hour := range hours {
				one := visitsOfPeople(visits/hours, hour)
				bytes += len(one.Append(nil))
				day = day.Merge(one)
			}
			for b.Loop() {
				_ = day.Append(nil)
			}
			b.ReportMetric(float64(len(day.Append(nil))), "B/day")
			b.ReportMetric(float64(bytes), "B/hours")
		})
	}
}

// Applying the visits of a second: tallies of a thousand links, some of whose rows are long.
func BenchmarkAddVisits(b *testing.B) {
	s := visitedStore(b, 100_000)
	stats := visitsOfPeople(3, 1)
	index := s.Position().Index
	for b.Loop() {
		index++
		batch, err := s.NewBatch()
		if err != nil {
			b.Fatal(err)
		}
		if err := batch.Advance(store.Position{Index: index, Term: 1}); err != nil {
			b.Fatal(err)
		}
		for i := range visitedBenchLinks {
			err := batch.AddVisits(visit.Tally{Hour: visitedDays*24 + 1, Subject: visit.Subject{Kind: visit.OfLink, Name: fmt.Sprintf("link-%04d", i)}, Stats: stats})
			if err != nil {
				b.Fatal(err)
			}
		}
		if err := batch.Commit(); err != nil {
			b.Fatal(err)
		}
		_ = batch.Close()
	}
}
