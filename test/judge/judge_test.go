package judge

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"tinyurl/test/history"
)

// calls are the operations of a violation, by their stamps.
func calls(v Violation) []uint64 {
	var stamps []uint64
	for _, o := range v.Operations {
		stamps = append(stamps, o.Call)
	}
	return stamps
}

func TestAViolationShowsTheShortestHistory(t *testing.T) {
	tests := []struct {
		name, lines, checker string
		want                 []uint64 // calls
	}{
		{"a lost link among other reads", `
			a create T key=k = unknown
			a create T key=k = refused
			a create T key=k = ok x
			b get x = ok T
			c get x = ok T
			c get x = not_found
			b get x = unknown
			a delete x = not_found
			final a`, "linearizability", []uint64{1, 5, 11}},
		{"a stale read after edits", `
			a create T = ok x
			a edit x U if=1 = ok v=2
			b get x = ok U v=2
			a edit x V if=2 = ok v=3
			b get x = ok U
			b get x = ok U v=2
			a edit x W if=3 = ok v=4`, "linearizability", []uint64{3, 7, 9}},
		{"a link that came back", `
			a create T = ok x
			a edit x U if=1 = ok v=2
			b delete x = unknown
			b get x = gone
			b get x = gone
			c get x = ok U v=2
			c get x = ok U v=2`, "linearizability", []uint64{3, 5, 9, 11}},
		{"a 404 after other answers", `
			a create T = ok x
			b follow x = ok T
			b follow x = unknown
			c follow x = not_found`, "redirects", []uint64{1, 7}},
		{"ids that run backwards among others", `
			a create T = ok x id=5
			b create U = ok y id=7
			b create V = ok z id=6
			b create W = ok w id=8`, "unique", []uint64{3, 5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := Judge(tell(t, tt.lines))
			i := slices.IndexFunc(v.Violations, func(v Violation) bool { return v.Checker == tt.checker })
			if i < 0 {
				t.Fatalf("%s found nothing: %+v", tt.checker, v)
			}
			if got := calls(v.Violations[i]); !slices.Equal(got, tt.want) {
				t.Errorf("the operations called at %v show %q, want those at %v", got, v.Violations[i].Text, tt.want)
			}
		})
	}
}

func TestTooManyOrdersAreNeverCalledRight(t *testing.T) {
	h := tell(t, `
		a create T = ok x
		b get x = ok T
		b get x = ok T`)
	v := JudgeWith(h, Options{Steps: 2})
	if v.OK() || !strings.Contains(v.Violations[0].Text, "undecided") {
		t.Errorf("two steps gave %+v", v)
	}
}

func TestTheBoundsCanBeChosen(t *testing.T) {
	h := tell(t, `
		fault cut a
		healed
		writable 12s
		a create T = ok x
		b delete x = ok
		c follow x at=20s = ok T`)
	if v := JudgeWith(h, Options{Stale: 20 * time.Second, Writable: 15 * time.Second}); !v.OK() {
		t.Errorf("within the bounds: %+v", v.Violations)
	}
	if v := JudgeWith(h, Options{Stale: 12 * time.Second, Writable: 11 * time.Second}); len(v.Violations) != 2 {
		t.Errorf("past the bounds: %+v, want two violations", v.Violations)
	}
}

func TestViolationsAreCountedAndTheFirstKept(t *testing.T) {
	var lines strings.Builder
	for range 30 {
		lines.WriteString("a create T = not_found\n")
	}
	v := JudgeWith(tell(t, lines.String()), Options{Most: 3})
	if len(v.Violations) != 3 || v.Figures.Found["answers"] != 30 {
		t.Errorf("%d kept, %v found; want 3 and 30", len(v.Violations), v.Figures.Found)
	}
}

func TestWhatIsNoHistoryIsNotJudged(t *testing.T) {
	v := Judge(history.History{Operations: []history.Operation{{Kind: "sing"}}})
	if got := accusers(v); !slices.Equal(got, []string{"history"}) || len(v.Figures.Checkers) > 0 {
		t.Errorf("accused by %v, judged by %v", got, v.Figures.Checkers)
	}
}

func TestFiguresCountWhatWasJudged(t *testing.T) {
	v := Judge(tell(t, `
		a create T = ok x
		b get x = ok T
		b get x = unknown
		fault cut a
		fault cut b
		healed
		log create T
		final a x=T`))
	f := v.Figures
	if f.Operations[history.Get][history.Unknown] != 1 || f.Operations[history.Create][history.OK] != 1 || f.Faults["cut"] != 2 {
		t.Errorf("figures %+v", f)
	}
	if f.Aliases != 1 || f.Entries != 1 || f.Finals != 1 || !slices.Equal(f.Checkers, Checkers()) {
		t.Errorf("figures %+v", f)
	}
}

func TestWhatCouldNotBeJudgedIsTold(t *testing.T) {
	v := Judge(tell(t, `
		fault cut a
		a create T = ok x`))
	text := strings.Join(v.Skipped, "\n")
	for _, checker := range []string{"acknowledged", "deletes", "finals", "healing", "answered", "evidence"} {
		if !strings.Contains(text, checker+": ") {
			t.Errorf("nothing is told of %s in %q", checker, text)
		}
	}
	if !strings.Contains(text, "the logs are not complete") {
		t.Errorf("nothing is told of the logs in %q", text)
	}
	if len(v.Lacks) == 0 || !v.OK() {
		t.Errorf("a run that is not complete lacks %q and is accused of %v", v.Lacks, v.Violations)
	}
}

func TestFaultsTellWhoseProcessIsNew(t *testing.T) {
	h := tell(t, `
		a create T = ok x
		fault crash node b, then c
		fault cut a from b
		fault kill -9
		fault restart abc`)
	r := newRecord(h)
	h.Run.Nodes = []string{"a", "b", "c"}
	r.lives = livesOf(h)
	for node, want := range map[string][]uint64{"a": {5, 6}, "b": {3, 5, 6}, "c": {3, 5, 6}} {
		if got := r.lives[node]; !slices.Equal(got, want) {
			t.Errorf("lives of %s changed at %v, want %v", node, got, want)
		}
	}
	if at := r.lastLife("b", 5); at != 5 || r.lastLife("b", 4) != 3 || r.lastLife("b", 2) != 0 {
		t.Errorf("the life of b at 5 began at %d", at)
	}
}

func TestAPictureShowsWhatHappened(t *testing.T) {
	h := tell(t, `
		a create https://example.org/seen = ok x
		fault cut b
		b get x = not_found
		c follow x = ok https://example.org/seen
		final a x=https://example.org/seen`)
	var page bytes.Buffer
	if err := WriteHTML(&page, h, "x"); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"<html", "https://example.org/seen", "get: not_found", "held in the end", "cut"} {
		if !strings.Contains(page.String(), part) {
			t.Errorf("the picture lacks %q", part)
		}
	}
	if err := WriteHTML(&page, h, "y"); err == nil {
		t.Error("a picture of a code that nobody spoke of")
	}
}

func TestAPictureOfAHotCodeStaysSmall(t *testing.T) {
	h := big(1, 5000)
	var page bytes.Buffer
	if err := WriteHTML(&page, h, "g1"); err != nil {
		t.Fatal(err)
	}
	if page.Len() > 1<<20 {
		t.Errorf("%d bytes", page.Len())
	}
}
