//go:build linux

package partition

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tinyurl/fsm/link"
	"tinyurl/test/history"
	"tinyurl/test/partition/fabric"
)

// TestPartition runs the rows that PARTITION_ROWS asks for. The README of test says how.
func TestPartition(t *testing.T) {
	want := os.Getenv(rowsVariable)
	if want == "" {
		t.Skipf("rows take minutes: set %s to all, short, pairs or names of rows", rowsVariable)
	}
	if err := fabric.Unavailable(); err != nil {
		t.Fatal(err)
	}
	seed := uint64(number(t, seedVariable, float64(time.Now().Unix()%1e6)))
	fmt.Printf("partition: rows %s, %s=%d\n", want, seedVariable, seed)
	var until time.Time
	if minutes := number(t, minutesVariable, 0); minutes > 0 {
		until = time.Now().Add(time.Duration(minutes * float64(time.Minute)))
	}
	for round := uint64(0); ; round++ {
		chosen, err := choose(want, seed+round, round)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range chosen {
			playGroup(t, g, seed+round, until)
		}
		if until.IsZero() || !time.Now().Before(until) {
			return
		}
	}
}

// choose gives the groups with the rows that are wanted, in their order. After the first round there are pairs as well.
func choose(want string, seed, round uint64) ([]group, error) {
	var chosen []group
	wanted := strings.Split(want, ",")
	found := make(map[string]bool)
	for _, g := range groups() {
		kept := g
		kept.rows = nil
		for _, r := range g.rows {
			if want == "all" || want == "short" && slices.Contains(short, r.name) || slices.Contains(wanted, r.name) {
				kept.rows = append(kept.rows, r)
				found[r.name] = true
			}
		}
		if len(kept.rows) > 0 {
			chosen = append(chosen, kept)
		}
	}
	if want == "pairs" || want == "all" {
		chosen = append(chosen, pairs(seed, want == "pairs" || round > 0)...)
	}
	for _, name := range wanted {
		if len(chosen) == 0 || !slices.Contains([]string{"all", "short", "pairs"}, name) && !found[name] {
			return nil, fmt.Errorf("%s: there is no row %q; rows are %s", rowsVariable, name, strings.Join(rowNames(), " "))
		}
	}
	return chosen, nil
}

func wantsFailpoints(want string) bool {
	chosen, err := choose(want, 0, 0)
	return err == nil && slices.ContainsFunc(chosen, func(g group) bool { return g.faulty })
}

func rowNames() []string {
	var all []string
	for _, g := range groups() {
		for _, r := range g.rows {
			all = append(all, r.name)
		}
	}
	return all
}

// playGroup plays the rows of a group on one cluster, and on another one after a row that failed.
func playGroup(t *testing.T, g group, seed uint64, until time.Time) {
	for len(g.rows) > 0 && (until.IsZero() || time.Now().Before(until)) {
		played := 0
		t.Run(g.name, func(t *testing.T) { played = playCluster(t, g, seed) })
		g.rows = g.rows[max(played, 1):]
	}
}

// playCluster plays rows on one cluster until one fails, and tells how many it played.
func playCluster(t *testing.T, kind group, seed uint64) (played int) {
	binary := os.Getenv(binaryVariable)
	if kind.faulty {
		binary = os.Getenv(failpointsVariable)
	}
	g := &guard{TB: t}
	var w *world
	founding := &Result{Row: kind.rows[0].name, Seed: seed, Again: -1}
	g.row(founding)
	if !g.run(func() { w = found(g, &kind, binary, seed) }) {
		summary.add(founding)
		return 1
	}
	g.row(nil)
	w.slack = number(t, slackVariable, 1)
	var results []*Result
	var ends []time.Duration
	whole := true
	for _, r := range kind.rows {
		result := &Result{Row: r.name, Seed: seed}
		whole = w.play(r, result, seed)
		fmt.Println(result)
		results, ends = append(results, result), append(ends, time.Since(w.began))
		if played++; !whole {
			break
		}
	}
	last := results[len(results)-1]
	g.row(last)
	h, err := w.finish(whole)
	if err != nil {
		g.Errorf("what the nodes keep: %v", err)
	}
	g.row(nil)
	judged(t, w, h, results, ends)
	for _, r := range results {
		summary.add(r)
	}
	return played
}

func codeOf(op history.Operation) link.Code { return link.Code(op.Code) }

// pairs are random pairs of faults that begin and end, on clusters of three and of five.
func pairs(seed uint64, many bool) []group {
	r := rand.New(rand.NewPCG(seed, 0x7061697273))
	count := 2
	if many {
		count = 7
	}
	var candidates []row
	var all []group
	for _, size := range []int{3, 5} { // what goes with three nodes goes with five
		for _, g := range groups() {
			if g.plain() && g.nodes == size {
				candidates = append(candidates, g.rows...)
			}
		}
		candidates = slices.DeleteFunc(candidates, func(r row) bool { return r.alone })
		mixed := group{name: fmt.Sprintf("pairs of %d", size), nodes: size}
		for range count {
			i, j := r.IntN(len(candidates)), r.IntN(len(candidates)-1)
			if j >= i {
				j++
			}
			mixed.rows = append(mixed.rows, pair(candidates[i], candidates[j]))
		}
		all = append(all, mixed)
	}
	return all
}

// plain reports whether a group's rows need nothing but nodes.
func (g group) plain() bool { return !g.faulty && g.disk == 0 }

// pair is two faults at once, the second begun in the midst of the first.
func pair(a, b row) row {
	return row{
		name: a.name + "+" + b.name, lasts: max(a.lasts, b.lasts) / 2,
		within: max(a.within, b.within), paired: true,
		begin: func(w *world) func() {
			endA := a.begin(w)
			w.hold(a.lasts / 2)
			endB := b.begin(w)
			return func() {
				endA()
				w.hold(b.lasts / 2)
				endB()
			}
		},
	}
}

// totals are the results of all rows.
type totals struct {
	mu      sync.Mutex
	results []*Result
}

var summary totals

func (s *totals) add(r *Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results = append(s.results, r)
}

// print writes the table of all rows, and the line that counts.
func (s *totals) print(to io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.results) == 0 {
		return
	}
	var operations int64
	violations, failed := 0, 0
	fmt.Fprintln(to, "\npartition: all rows")
	for _, r := range s.results {
		fmt.Fprintln(to, r)
		operations += r.Operations
		violations += len(r.Violations)
		if len(r.Failures) > 0 {
			failed++
		}
	}
	line := fmt.Sprintf("%d rows, %d operations, %d violations", len(s.results), operations, violations)
	if failed > 0 {
		line += fmt.Sprintf(", %d rows FAILED", failed)
	}
	fmt.Fprintln(to, line)
}
