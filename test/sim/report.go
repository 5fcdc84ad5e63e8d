package sim

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"tinyurl/test/history"
)

// totals add up lives.
type totals struct {
	lives, operations int
	broken            []uint64 // seeds of lives that were broken off
	virtual           time.Duration
	processor         time.Duration // real time of processors, all lives together
	bySize            map[int]time.Duration
	faults, skipped   map[string]int
	events            map[string]int
	kinds             map[history.Kind]map[history.Outcome]int
	violations        int
	failures          []result
	barren            int             // lives that gave no virtual time
	spent             bool            // the budget ended the run
	first             string          // the first violation, if the run was to stop there
	gaps              []time.Duration // write gaps after the last healing
}

func (t *totals) add(r result) {
	if t.faults == nil {
		t.faults, t.skipped, t.events, t.bySize = map[string]int{}, map[string]int{}, map[string]int{}, map[int]time.Duration{}
		t.kinds = map[history.Kind]map[history.Outcome]int{}
	}
	if r.Virtual == 0 {
		t.barren++
	}
	if r.Broken {
		t.broken = append(t.broken, r.Seed)
		return
	}
	t.lives++
	t.virtual += r.Virtual
	t.bySize[r.Machines] += r.Virtual
	for kind, outcomes := range r.Operations {
		if t.kinds[kind] == nil {
			t.kinds[kind] = map[history.Outcome]int{}
		}
		for outcome, n := range outcomes {
			t.kinds[kind][outcome] += n
			t.operations += n
		}
	}
	for kind, n := range r.Faults {
		t.faults[kind] += n
	}
	for kind, n := range r.Skipped {
		t.skipped[kind] += n
	}
	for what, n := range r.Events {
		t.events[what] += n
	}
	t.gaps = append(t.gaps, r.WritableAfter)
	t.violations += len(r.Violations)
	if len(r.Violations) > 0 {
		t.failures = append(t.failures, r)
	}
}

// line is the last line of a run.
func (t *totals) line() string {
	return fmt.Sprintf("%.1f virtual hours, %d operations, %d violations", t.virtual.Hours(), t.operations, t.violations)
}

// tell says what went wrong in a life, and how to see it again.
func (t *totals) tell(out io.Writer, r result, o options) {
	fmt.Fprintf(out, "sim: seed %d, %d machines, FAILED\n", r.Seed, r.Machines)
	for i, v := range r.Violations {
		if i == 5 {
			fmt.Fprintf(out, "  and %d more\n", len(r.Violations)-i)
			break
		}
		fmt.Fprintf(out, "  violation %s at %v: %s\n", v.Checker, v.At.Round(time.Millisecond), strings.TrimSpace(v.Text))
	}
	fmt.Fprintf(out, "  kept: %s\n  again: %s\n", r.Kept, again(r.Seed, o))
}

// again is the command that lives a seed once more.
func again(seed uint64, o options) string {
	command := fmt.Sprintf("make sim SEED=%d", seed)
	var flags []string
	if o.nodes != 0 {
		flags = append(flags, fmt.Sprintf("-sim.nodes %d", o.nodes))
	}
	if o.length() != lifeLength {
		flags = append(flags, fmt.Sprintf("-sim.minutes %g", o.minutes))
	}
	if len(flags) > 0 {
		command += " SIM_FLAGS='" + strings.Join(flags, " ") + "'"
	}
	return command
}

// print is the report; its last line is line. It returns the exit code.
func (t *totals) print(out io.Writer, o options, took time.Duration) int {
	if t.lives > 0 {
		t.printLives(out, took)
	}
	if len(t.broken) > 0 {
		fmt.Fprintf(out, "%d lives were broken off, as a bubble's time stood still behind an engine's lock and a disk; they count for nothing: seeds %v, kept in %s\n",
			len(t.broken), t.broken, o.out)
	}
	if len(t.failures) > 0 {
		fmt.Fprintf(out, "\n%d lives failed:\n", len(t.failures))
		for _, r := range t.failures {
			t.tell(out, r, o)
		}
	}
	if t.spent {
		fmt.Fprintf(out, "the budget of %v ended the run\n", o.budget)
	}
	if t.first != "" {
		fmt.Fprintln(out, t.first)
	}
	lacks := t.lacks(o)
	for _, lack := range lacks {
		fmt.Fprintln(out, "sim: FAILED:", lack)
	}
	fmt.Fprintln(out, t.line())
	if len(t.failures)+len(lacks) > 0 {
		return 1
	}
	return 0
}

// tolerated is the share of lives that may be broken off. One may be in any run: in a short one it says nothing about the share.
const tolerated = 0.05

// lacks are the reasons for which a run without violations proves too little.
func (t *totals) lacks(o options) (reasons []string) {
	if t.lives == 0 {
		reasons = append(reasons, "nothing was lived")
	}
	if o.seeds == "" && !t.spent && t.first == "" && t.virtual.Hours() < o.hours {
		reasons = append(reasons, fmt.Sprintf("%.1f virtual hours were lived where %g were asked for", t.virtual.Hours(), o.hours))
	}
	if o.seeds != "" && len(t.broken) > 0 {
		reasons = append(reasons, "a seed that was named was broken off")
	} else if len(t.broken) > 1 && float64(len(t.broken)) > tolerated*float64(t.lives+len(t.broken)) {
		reasons = append(reasons, fmt.Sprintf("%d lives of %d were broken off", len(t.broken), t.lives+len(t.broken)))
	}
	return reasons
}

// hopeless reports whether lives get nowhere, so that waiting for hours would never end.
func (t *totals) hopeless() bool { return t.barren >= 10 && t.barren*2 > t.lives+len(t.broken) }

// printLives is what the lives came to.
func (t *totals) printLives(out io.Writer, took time.Duration) {
	fmt.Fprintf(out, "\n%d lives in %v, %v of a processor's time", t.lives, took.Round(time.Second), t.processor.Round(time.Second))
	for _, size := range slices.Sorted(maps.Keys(t.bySize)) {
		fmt.Fprintf(out, ", %.1f h with %d machines", t.bySize[size].Hours(), size)
	}
	fmt.Fprintln(out)
	table(out, "faults", t.faults)
	table(out, "faults that found nobody", t.skipped)
	table(out, "what the nodes did", t.events)
	for _, kind := range slices.Sorted(maps.Keys(t.kinds)) {
		row := map[string]int{}
		for outcome, n := range t.kinds[kind] {
			row[string(outcome)] = n
		}
		table(out, string(kind), row)
	}
	slices.Sort(t.gaps)
	fmt.Fprintf(out, "writes on every node after the last healing: median %v, worst %v\n",
		t.gaps[len(t.gaps)/2].Round(time.Millisecond), t.gaps[len(t.gaps)-1].Round(time.Millisecond))
}

// table prints counts in lines of some width.
func table(out io.Writer, title string, counts map[string]int) {
	if len(counts) == 0 {
		return
	}
	line := title + ":"
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		cell := fmt.Sprintf(" %s %d,", name, counts[name])
		if len(line)+len(cell) > 130 {
			fmt.Fprintln(out, line)
			line = "   "
		}
		line += cell
	}
	fmt.Fprintln(out, strings.TrimSuffix(line, ","))
}
