package rounds

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// fixed gives rates in order and notes who was asked.
func fixed(name string, asked *[]string, rates ...float64) Side {
	next := 0
	return Side{Name: name, Measure: func(context.Context) (Sample, error) {
		*asked = append(*asked, name)
		next++
		return Sample{Rate: rates[next-1], CPU: 1 / rates[next-1]}, nil
	}}
}

func TestBothSidesTakeTurnsAndTheOrderAlternates(t *testing.T) {
	var asked []string
	pair := Pair{
		A: fixed("a", &asked, 10, 20, 30), B: fixed("b", &asked, 10, 10, 10),
		Readings: []Reading{Rate("r"), CPU("c")},
	}
	o, err := Run(t.Context(), pair, 3)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "b", "a", "a", "b"}; !slices.Equal(asked, want) {
		t.Errorf("asked %v, want %v", asked, want)
	}
	if want := []float64{1, 2, 3}; !slices.Equal(o.Figures[0].Ratios, want) {
		t.Errorf("rates %v, want %v", o.Figures[0].Ratios, want)
	}
	if want := []float64{1, 0.5, 1.0 / 3}; math.Abs(o.Figures[1].Ratios[2]-want[2]) > 1e-9 || o.Figures[1].Ratios[1] != want[1] {
		t.Errorf("processor times %v, want %v", o.Figures[1].Ratios, want)
	}
}

func TestTheRatioIsTheMedianOfRoundsNotTheRatioOfMedians(t *testing.T) {
	var asked []string
	// One round in which the machine was slow for both.
	pair := Pair{A: fixed("a", &asked, 100, 10, 120), B: fixed("b", &asked, 50, 5, 60), Readings: []Reading{Rate("r")}}
	o, err := Run(t.Context(), pair, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got := o.Figures[0].String(); got != "r ratio 2.00 (2.00–2.00)" {
		t.Errorf("%q", got)
	}
}

func TestAnErrorEndsTheRoundsAndSaysWhoseItIs(t *testing.T) {
	broken := errors.New("broken")
	var asked []string
	pair := Pair{A: fixed("a", &asked, 1, 1), B: Side{Name: "b", Measure: func(context.Context) (Sample, error) { return Sample{}, broken }}}
	_, err := Run(t.Context(), pair, 2)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "round 1: b:") {
		t.Errorf("error = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, pair, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestOneSideIsHeldAgainstABound(t *testing.T) {
	one := Pair{
		A:        Side{Name: "a", Measure: func(context.Context) (Sample, error) { return Sample{Value: 0.75}, nil }},
		Readings: []Reading{Against("restart", "s", 1.5)},
	}
	o, err := Run(t.Context(), one, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got := o.Figures[0].String(); got != "restart ratio 0.50 (0.50–0.50) of 1.50 s: 0.75 s" {
		t.Errorf("%q", got)
	}
}

func TestMedianAndRange(t *testing.T) {
	for _, c := range []struct {
		values              []float64
		median, least, most float64
	}{
		{[]float64{3, 1, 2}, 2, 1, 3},
		{[]float64{4, 1, 3, 2}, 2.5, 1, 4},
		{[]float64{7}, 7, 7, 7},
	} {
		before := slices.Clone(c.values)
		least, most := Range(c.values)
		if got := Median(c.values); got != c.median || least != c.least || most != c.most {
			t.Errorf("%v: %v (%v–%v)", c.values, got, least, most)
		}
		if !slices.Equal(before, c.values) {
			t.Errorf("%v were put in order: %v", before, c.values)
		}
	}
	if !math.IsNaN(Median(nil)) {
		t.Error("no values have a median")
	}
}

func TestTheReportHasALineARowAndATableOfBothSides(t *testing.T) {
	var out strings.Builder
	r := NewReport(&out)
	sample := func(rate float64) func(context.Context) (Sample, error) {
		return func(context.Context) (Sample, error) {
			return Sample{Rate: rate, CPU: 25e-6, Share: 0.4, Median: 1500 * time.Microsecond, Tail: 2 * time.Second}, nil
		}
	}
	o, err := Run(t.Context(), Pair{A: Side{Name: "ours", Measure: sample(5000)}, B: Side{Name: "theirs", Measure: sample(4000)}, Readings: []Reading{Rate("x/y")}}, 5)
	if err != nil {
		t.Fatal(err)
	}
	r.Add(o)
	r.Skip("x/z", "there is no z")
	r.Fail("x/w", errors.New("w broke"))
	r.Note("%d processors", 2)
	if err := r.Table(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"x/y ratio 1.25 (1.25–1.25)\n", "x/z SKIPPED: there is no z\n", "x/w FAILED: w broke\n", "# 2 processors\n",
		"ours", "theirs", "5000", "4000", "25.0", "40 %", "1.5ms", "2s", "1 rows skipped, 1 failed",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, out.String())
		}
	}
	if !slices.Equal(r.Failed(), []string{"x/w"}) {
		t.Errorf("failed: %v", r.Failed())
	}
}

func TestRatesThatTheGeneratorHeldBackAreMarked(t *testing.T) {
	side := func(name string, generator float64) Side {
		return Side{Name: name, Measure: func(context.Context) (Sample, error) {
			return Sample{Rate: 1, Servers: 0.97 * min(1, 2*generator), Generator: generator}, nil
		}}
	}
	for _, c := range []struct {
		a, b float64
		want string
	}{
		{0.5, 0.8, ""},
		{0, 0, ""},
		{0.5, 0.3, "r: neither the servers (58 %) nor the generator (30 %) of theirs were busy"},
		{0.95, 0.8, "r: the generator was the bound of ours (95 % of its processors): the ratio of rates is at least this"},
		{0.5, 0.97, "r: the generator was the bound of theirs (97 % of its processors): the ratio of rates is at most this"},
		{0.95, 0.97, "the ratio of rates says nothing"},
	} {
		var out strings.Builder
		report := NewReport(&out)
		o, err := Run(t.Context(), Pair{A: side("ours", c.a), B: side("theirs", c.b), Readings: []Reading{Rate("r")}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		report.Add(o)
		if err := report.Table(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), c.want) || (c.want == "") == strings.Contains(out.String(), "#") {
			t.Errorf("%v and %v:\n%s", c.a, c.b, out.String())
		}
		if marked := strings.Contains(out.String(), "97, 95 %!"); marked != (c.a == 0.95) {
			t.Errorf("%v is marked: %v", c.a, marked)
		}
	}
	o, err := Run(t.Context(), Pair{A: side("ours", 1), B: side("theirs", 1), Readings: []Reading{CPU("c")}}, 1)
	if err != nil || o.Held() != "" {
		t.Errorf("no rates: %v, %q", err, o.Held())
	}
}

func TestBothSidesAreWarmedUpOnceBeforeAllRounds(t *testing.T) {
	var asked []string
	a, b := fixed("a", &asked, 1, 1), fixed("b", &asked, 1, 1)
	warm := func(name string) func(context.Context) error {
		return func(context.Context) error { asked = append(asked, "warm "+name); return nil }
	}
	a.Warm, b.Warm = warm("a"), warm("b")
	if _, err := Run(t.Context(), Pair{A: a, B: b}, 2); err != nil {
		t.Fatal(err)
	}
	if want := []string{"warm a", "warm b", "a", "b", "b", "a"}; !slices.Equal(asked, want) {
		t.Errorf("asked %v, want %v", asked, want)
	}
	b.Warm = func(context.Context) error { return errors.New("cold") }
	if _, err := Run(t.Context(), Pair{A: a, B: b}, 1); err == nil || !strings.Contains(err.Error(), "b: cold") {
		t.Errorf("error = %v", err)
	}
}

func TestRunsArePutTogether(t *testing.T) {
	var first, second, both strings.Builder
	var asked []string
	for out, names := range map[*strings.Builder][2]string{&first: {"long-name", "x"}, &second: {"a", "a much longer side"}} {
		r := NewReport(out)
		o, err := Run(t.Context(), Pair{
			A: fixed(names[0], &asked, 1234567, 1), B: fixed(names[1], &asked, 5, 5), Readings: []Reading{Rate(names[0] + "/row")},
		}, 2)
		if err != nil {
			t.Fatal(err)
		}
		r.Add(o)
		r.Note("a note of %s", names[0])
		r.Skip(names[1], "why  not")
		if err := r.Table(); err != nil {
			t.Fatal(err)
		}
	}
	if err := Join(&both, strings.NewReader(first.String()), strings.NewReader(second.String())); err != nil {
		t.Fatal(err)
	}
	text, table, _ := strings.Cut(both.String(), "\n\n")
	for _, want := range []string{"long-name/row ratio ", "a/row ratio ", "# a note of a\n", "x SKIPPED: why  not\n"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q is not there once in:\n%s", want, text)
		}
	}
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[0], "row ") || !strings.HasPrefix(lines[1], "long-name/row  long-name ") ||
		!strings.HasPrefix(lines[2], "               x ") || !strings.HasPrefix(lines[4], "               a much longer side  5.00") {
		t.Errorf("table:\n%s", table)
	}
}

func TestTheGeneratorsProcessorTimeIsReadFromItsShare(t *testing.T) {
	r := GeneratorCPU("g")
	// 10 µs of 30, and 5 of 25.
	if got := r.Of(Sample{CPU: 20e-6, Share: 1.0 / 3}, Sample{CPU: 20e-6, Share: 0.2}); math.Abs(got-2) > 1e-9 {
		t.Errorf("%v", got)
	}
}

func TestARatioOfNothingIsNone(t *testing.T) {
	f := Figure{Reading: Rate("r"), Ratios: []float64{math.NaN()}}
	if got := f.String(); got != "r ratio none (none–none)" {
		t.Errorf("%q", got)
	}
}
