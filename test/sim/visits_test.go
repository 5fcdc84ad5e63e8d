package sim

import (
	"context"
	"slices"
	"testing"

	"tinyurl/fsm/command"
	"tinyurl/fsm/visit"
)

func TestNumbersOfVisitsAreJudged(t *testing.T) {
	for name, c := range map[string]struct {
		held map[string]uint64
		want []string
	}{
		"all is well":      {map[string]uint64{"n1": 5, "n2": 5}, nil},
		"one node differs": {map[string]uint64{"n1": 5, "n2": 6}, []string{"n2 counts 6 visits, n1 5"}},
		"too few":          {map[string]uint64{"n1": 3}, []string{"n1 counts 3 visits, want 4 to 6"}},
		"too many":         {map[string]uint64{"n1": 7}, []string{"n1 counts 7 visits, want 4 to 6"}},
	} {
		if got := miscounts(c.held, 4, 6); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// What dies with a process is no violation, to the last visit, and nothing else is forgiven.
func TestVisitsThatAreLostOrCountedTwiceAreNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		during func(w *world, p *process)
		want   []string
	}{
		"a process that dies before it tells": {func(w *world, p *process) {
			w.visits.saw(p, "seen")
			p.machine.kill()
			w.visits.saw(p, "nobody's") // it is dead
			w.ensureUp(p.machine)
			if least, most := w.visits.bounds(); least != most || w.visits.dropped == 0 {
				t.Errorf("%d to %d visits, %d dropped", least, most, w.visits.dropped)
			}
		}, nil},
		"a process that dies before it is answered": {func(w *world, p *process) {
			w.visits.saw(p, "seen")
			w.visits.next(p)
			p.machine.crash(1)
			w.ensureUp(p.machine)
			if least, most := w.visits.bounds(); least+1 != most {
				t.Errorf("%d to %d visits", least, most)
			}
		}, nil},
		"what is sent again is counted once": {func(w *world, p *process) {
			w.visits.saw(p, "seen")
			again := *w.visits.next(p)
			w.visits.tell(p)
			count(t, p, again)
		}, nil},
		"a node that counts twice": {func(w *world, p *process) {
			w.visits.saw(p, "seen")
			again := *w.visits.next(p)
			w.visits.tell(p)
			again.Sequence += 1 << 32
			again.Node = "another"
			count(t, p, again)
		}, []string{"visits", "visits", "visits"}},
		"a tally that is lost": {func(w *world, p *process) {
			w.visits.saw(p, "seen")
			w.visits.mu.Lock()
			delete(p.counter.pending, "seen")
			w.visits.mu.Unlock()
		}, []string{"visits", "visits", "visits"}},
	} {
		l := short(t, func(w *world) { c.during(w, w.machines[0].current()) })
		if found := checkersOf(t, l); !slices.Equal(found, c.want) {
			t.Errorf("%s: violations %v, want %v", name, found, c.want)
		}
	}
}

// count has the cluster count visits through a process, beside what the process itself tells.
func count(t *testing.T, p *process, c command.Visits) {
	t.Helper()
	results, err := p.node.Propose(context.Background(), "", []command.Command{c})
	if err != nil || results[0].Err != nil {
		t.Errorf("%v, %v", results, err)
	}
}

// A process tells of a bounded number of links at once, and of all in the end.
func TestWhatIsToldAtOnceIsBounded(t *testing.T) {
	l := short(t, func(w *world) {
		p := w.machines[0].current()
		for i := range toldAtOnce + 1 {
			w.visits.saw(p, string(rune('a'+i%26))+string(rune('a'+i/26)))
		}
		for _, want := range []int{toldAtOnce + 1, 2} {
			tallies, err := visit.ParseTallies([]byte(w.visits.next(p).Tallies))
			if err != nil || len(tallies) != want {
				t.Errorf("%d tallies, want %d: %v", len(tallies), want, err)
			}
			w.visits.tell(p)
		}
	})
	if found := checkersOf(t, l); len(found) > 0 {
		t.Errorf("violations: %v", found)
	}
}
