package visit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var equal = cmp.Options{cmp.AllowUnexported(Sketch{}), cmpopts.EquateEmpty()}

// mixed spreads a number over 64 bits (the finalizer of splitmix64, Steele, Lea and Flood 2014).
func mixed(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

func drawStats(t *rapid.T) Stats {
	var b Builder
	for range rapid.IntRange(0, 60).Draw(t, "visits") {
		var values Values
		for d := range values {
			values[d] = fmt.Sprint(rapid.IntRange(0, 99).Draw(t, "value"))
		}
		b.Human(&values, rapid.Uint64Range(1, 1000).Draw(t, "n"))
	}
	for range rapid.SampledFrom([]int{0, 1, 30, 400, 1000}).Draw(t, "visitors") {
		b.Visitor(rapid.Uint64().Draw(t, "visitor"))
	}
	b.Bots(rapid.Uint64Range(0, 5).Draw(t, "bots"))
	return b.Stats()
}

func TestStatsAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStats(t)
		encoded := s.Append(nil)
		if len(encoded) > MaxEncoded {
			t.Fatalf("%d bytes, want %d at most", len(encoded), MaxEncoded)
		}
		got, err := ParseStats(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, got, equal); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestWhatIsMergedIsAllThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawStats(t), drawStats(t)
		before := a.Append(nil)
		sum := a.Merge(b)
		if !bytes.Equal(a.Append(nil), before) {
			t.Fatal("a merge changed what was merged")
		}
		if sum.Humans != a.Humans+b.Humans || sum.Bots != a.Bots+b.Bots {
			t.Fatalf("merged %+v and %+v into %+v", a.Counts, b.Counts, sum.Counts)
		}
		for d, l := range sum.Lists {
			if l.Total() != sum.Humans {
				t.Errorf("%v: %d visits of %d", Dimension(d), l.Total(), sum.Humans)
			}
			if len(l.Entries) > capacity[d] {
				t.Errorf("%v: %d entries", Dimension(d), len(l.Entries))
			}
		}
		if !bytes.Equal(sum.Append(nil), b.Merge(a).Append(nil)) {
			t.Error("the order of a merge of two makes a difference")
		}
	})
}

func TestTheMostFrequentStay(t *testing.T) {
	var b Builder
	for i := range 500 {
		values := Values{Referrer: fmt.Sprintf("host-%d.test", i)}
		b.Human(&values, 1)
	}
	var hot Builder
	hot.Human(&Values{Referrer: "z-hot.test"}, 1000)
	top, other := b.Stats().Merge(hot.Stats()).Lists[Referrer].Top(1)
	if want := []Entry{{"z-hot.test", 1000}}; !slices.Equal(top, want) || other != 500 {
		t.Errorf("top %v and %d others, want %v and 500", top, other, want)
	}
}

func TestVisitorsAreEstimated(t *testing.T) {
	for _, n := range []uint64{0, 1, 10, 100, 440, 460, 1000, 5000, 20_000, 300_000} {
		var s, half, rest Sketch
		for i := range n {
			s.Add(mixed(i))
			s.Add(mixed(i)) // twice is once
			if i%2 == 0 {
				half.Add(mixed(i))
			} else {
				rest.Add(mixed(i))
			}
		}
		got := s.Estimate()
		if far := max(got, n) - min(got, n); far > n*7/100+1 {
			t.Errorf("%d visitors are estimated as %d", n, got)
		}
		if merged := half.merge(rest); merged.Estimate() != got {
			t.Errorf("of %d visitors, halves are estimated as %d, the whole as %d", n, merged.Estimate(), got)
		}
	}
}

func drawTallies(t *rapid.T) []Tally {
	subjects := []Subject{{Kind: OfAll}, {Kind: OfOrphans}, {OfLink, "abc"}, {OfLink, "abd"}, {OfTag, "abc"}}
	var tallies []Tally
	for hour := range Hour(rapid.IntRange(0, 4).Draw(t, "hours")) {
		for _, s := range subjects {
			if rapid.Bool().Draw(t, "counted") {
				tallies = append(tallies, Tally{Hour: hour + 490_000, Subject: s, Stats: drawStats(t)})
			}
		}
	}
	return tallies
}

func TestTalliesAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tallies := drawTallies(t)
		encoded := AppendTallies(nil, tallies)
		got, err := ParseTallies(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tallies, got, equal); diff != "" {
			t.Fatal(diff)
		}
		if Fit(tallies, 1<<30) != len(tallies) {
			t.Fatal("not all fit into any number of bytes")
		}
		limit := rapid.IntRange(0, len(encoded)+100).Draw(t, "limit")
		if n := Fit(tallies, limit); n > 0 && len(AppendTallies(nil, tallies[:n])) > limit {
			t.Fatalf("%d tallies do not fit into %d bytes", n, limit)
		}
	})
}

func TestMalformedVisitsAreRefused(t *testing.T) {
	one := Tally{Hour: 1, Subject: Subject{Kind: OfAll}}
	two := Tally{Hour: 1, Subject: Subject{Kind: OfOrphans}}
	for name, b := range map[string][]byte{
		"nothing":                 {},
		"a byte too many":         append(AppendTallies(nil, []Tally{one}), 0),
		"cut short":               AppendTallies(nil, []Tally{one})[:5],
		"out of order":            AppendTallies(nil, []Tally{two, one}),
		"the same twice":          AppendTallies(nil, []Tally{one, one}),
		"a kind that is not":      AppendTallies(nil, []Tally{{Subject: Subject{Kind: 9}}}),
		"a link without a code":   AppendTallies(nil, []Tally{{Subject: Subject{Kind: OfLink}}}),
		"all, with a name":        AppendTallies(nil, []Tally{{Subject: Subject{OfAll, "x"}}}),
		"an hour after all hours": AppendTallies(nil, []Tally{{Hour: MaxHour + 1, Subject: one.Subject}}),
		"a long number":           {0x80, 0x00},
		"values out of order": AppendTallies(nil, []Tally{{Subject: one.Subject, Stats: Stats{Lists: [Dimensions]List{
			{Entries: []Entry{{"b", 1}, {"a", 1}}},
		}}}}),
	} {
		if _, err := ParseTallies(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want %v", name, err, ErrMalformed)
		}
	}
}

func FuzzParseTallies(f *testing.F) {
	f.Add(AppendTallies(nil, []Tally{{Hour: 1, Subject: Subject{Kind: OfAll}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		tallies, err := ParseTallies(b)
		if err != nil {
			return
		}
		again, err := ParseTallies(AppendTallies(nil, tallies))
		if diff := cmp.Diff(tallies, again, equal); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	})
}

func FuzzParseStats(f *testing.F) {
	f.Add(Stats{}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseStats(b)
		if err == nil && !bytes.Equal(s.Append(nil), b) {
			t.Fatalf("%x was read and is written as %x", b, s.Append(nil))
		}
	})
}

func TestPeriodsBeginWhereTheirNeighboursEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, MaxHour.Start().Unix()).Draw(t, "second"), 0).UTC()
		h, d, m := HourOf(at), DayOf(at), MonthOf(at)
		if !h.Start().Equal(at.Truncate(time.Hour)) || !d.Start().Equal(at.Truncate(24*time.Hour)) {
			t.Fatalf("%v is in hour %v and day %v", at, h.Start(), d.Start())
		}
		if want := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC); !m.Start().Equal(want) {
			t.Fatalf("%v is in month %v", at, m.Start())
		}
		if h.Day() != d || d.Month() != m || d.First() > h || m.First() > d {
			t.Fatalf("%v: hour %d, day %d, month %d", at, h, d, m)
		}
	})
	if !MaxHour.Start().Equal(time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC)) {
		t.Errorf("the last hour is %v", MaxHour.Start())
	}
	if HourOf(time.Unix(-1, 0)) != 0 || HourOf(time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)) != MaxHour {
		t.Error("moments outside are not held at the ends")
	}
}

func BenchmarkMerge(b *testing.B) {
	var row, second Builder
	for i := range 10_000 {
		values := Values{Referrer: fmt.Sprintf("host-%d.test", i%60), Country: fmt.Sprint(i % 40), Browser: fmt.Sprint(i % 9), Status: "302"}
		row.Human(&values, 1)
		row.Visitor(mixed(uint64(i)))
		if i%1000 == 0 {
			second.Human(&values, 1)
			second.Visitor(mixed(uint64(i)))
		}
	}
	encoded, s := row.Stats().Append(nil), second.Stats()
	b.ReportMetric(float64(len(encoded)), "B")
	for b.Loop() {
		r, err := ParseStats(encoded)
		if err != nil {
			b.Fatal(err)
		}
		encoded = r.Merge(s).Append(encoded[:0])
	}
}

func TestStepsCountTheirPeriods(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for step, want := range map[Step]time.Time{
		Hourly: at.Truncate(time.Hour), Daily: at.Truncate(24 * time.Hour), Monthly: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
	} {
		if got := step.Start(step.PeriodOf(at)); !got.Equal(want) {
			t.Errorf("step %d: %v lies in the period from %v, want %v", step, at, got, want)
		}
	}
}

// A number that no node would send must not make a row that no replica can read.
func TestSumsStayReadable(t *testing.T) {
	var values Values
	var b Builder
	b.Human(&values, maxCount)
	b.Bots(maxCount)
	most := b.Stats()
	most.Lists[Referrer].Other = maxCount
	sum := most.Merge(most).Merge(most)
	got, err := ParseStats(sum.Append(nil))
	if err != nil || got.Humans != maxCount || got.Lists[Referrer].Other != maxCount || got.Lists[Country].Entries[0].Count != maxCount {
		t.Errorf("read %+v, %v", got, err)
	}
}
