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
	faults, events    map[string]int
	kinds             map[history.Kind]map[history.Outcome]int
	violations        int
	failures          []result
	first             string // the first violation, if the run was to stop there
	gaps              []time.Duration // write gaps after the last healing
}

func (t *totals) add(r result) {
	if t.faults == nil {
		t.faults, t.events, t.bySize = map[string]int{}, map[string]int{}, map[int]time.Duration{}
		t.kinds = map[history.Kind]map[history.Outcome]int{}
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
	fmt.Fprintf(out, "  kept: %s\n  again: make sim SEED=%d", r.Kept, r.Seed)
	if o.nodes != 0 {
		fmt.Fprintf(out, " NODES=%d", o.nodes)
	}
	fmt.Fprintln(out)
}

// print is the report; its last line is line.
func (t *totals) print(out io.Writer, o options, took time.Duration) {
	if t.lives == 0 {
		fmt.Fprintln(out, t.line())
		return
	}
	fmt.Fprintf(out, "\n%d lives in %v, %v of a processor's time", t.lives, took.Round(time.Second), t.processor.Round(time.Second))
	for _, size := range slices.Sorted(maps.Keys(t.bySize)) {
		fmt.Fprintf(out, ", %.1f h with %d machines", t.bySize[size].Hours(), size)
	}
	fmt.Fprintln(out)
	if len(t.broken) > 0 {
		fmt.Fprintf(out, "%d lives were broken off, as a bubble's time stood still behind a lock and a disk; they count for nothing: seeds %v\n",
			len(t.broken), t.broken)
	}
	table(out, "faults", t.faults)
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
	if len(t.failures) > 0 {
		fmt.Fprintf(out, "\n%d lives failed:\n", len(t.failures))
		for _, r := range t.failures {
			t.tell(out, r, o)
		}
	}
	if t.first != "" {
		fmt.Fprintln(out, t.first)
	}
	fmt.Fprintln(out, t.line())
}

// table prints counts in lines of some width.
func table(out io.Writer, title string, counts map[string]int) {
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
