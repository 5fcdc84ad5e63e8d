package sim

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tinyurl/fsm/link"
	"tinyurl/test/history"
)

func TestASeedNamesOnePlan(t *testing.T) {
	if a, b := newPlan(7, 0, time.Hour), newPlan(7, 0, time.Hour); !reflect.DeepEqual(a, b) {
		t.Errorf("two plans of one seed:\n%s\n%s", a, b)
	}
	if a, b := newPlan(7, 0, time.Hour), newPlan(8, 0, time.Hour); reflect.DeepEqual(a.phases, b.phases) {
		t.Error("two seeds have one plan")
	}
}

func TestPlansTakeEveryKindOfFault(t *testing.T) {
	met := map[string]int{}
	for seed := range uint64(60) {
		for _, ph := range newPlan(seed, 0, time.Hour).phases {
			for _, f := range ph.faults {
				met[f.kind]++
			}
		}
	}
	for _, k := range faultKinds() {
		if met[k.name] == 0 {
			t.Errorf("no plan has %q", k.name)
		}
	}
	if len(met) != len(faultKinds()) {
		t.Errorf("%d kinds are planned, %d are known", len(met), len(faultKinds()))
	}
}

// What an error promises decides what the judge may conclude.
func TestErrorsAreSortedByWhatTheyPromise(t *testing.T) {
	for err, want := range map[error]history.Outcome{
		nil: history.OK, link.ErrNotFound: history.NotFound, link.ErrGone: history.Gone, link.ErrSlugTaken: history.Taken,
		link.ErrKeyReused: history.Conflict, link.ErrOverloaded: history.Refused, link.ErrDiskFull: history.Refused,
		link.ErrUnauthorized: history.Unauthorized, link.ErrPrecondition: history.Conflict,
		link.ErrNoLeader: history.Unknown, errors.New("something else"): history.Unknown,
	} {
		if err != nil {
			err = fmt.Errorf("wrapped: %w", err)
		}
		var op history.Operation
		if sortOutcome(&op, err); op.Outcome != want {
			t.Errorf("%v is %s, want %s", err, op.Outcome, want)
		}
	}
}

// short is a life without faults, into which a test puts its own.
func short(t *testing.T, during func(w *world)) lived {
	t.Helper()
	return shortBy(t, make([]time.Duration, 3+spares), during)
}

// shortBy is short by clocks that are off.
func shortBy(t *testing.T, skews []time.Duration, during func(w *world)) lived {
	t.Helper()
	p := newPlan(5, 3, 0)
	p.phases, p.skews = []phase{{calm: 20 * time.Second}}, skews
	var l lived
	synctest.Test(t, func(*testing.T) {
		p.within = during
		var progress atomic.Int64
		l = live(p, nil, &progress)
	})
	return l
}

func checkersOf(t *testing.T, l lived) []string {
	t.Helper()
	r, _ := conclude(plan{}, l, 0)
	var names []string
	for _, v := range r.Violations {
		names = append(names, v.Checker)
	}
	return names
}

func TestALifeWithoutFaultsHasNoViolation(t *testing.T) {
	l := short(t, nil)
	if found := checkersOf(t, l); len(found) > 0 {
		t.Errorf("violations: %v", found)
	}
	if len(l.history.Operations) < 20 || len(l.history.Finals) != 3 || len(l.history.Entries) == 0 {
		t.Errorf("%d operations, %d finals, %d entries", len(l.history.Operations), len(l.history.Finals), len(l.history.Entries))
	}
}

func TestANodeThatStopsWithoutCauseIsAViolation(t *testing.T) {
	l := short(t, func(w *world) { w.machines[1].current().fatal(errors.New("no reason at all")) })
	if found := checkersOf(t, l); len(found) != 1 || found[0] != "fatal" {
		t.Errorf("violations: %v, want fatal alone", found)
	}
	if l.restarts != 1 {
		t.Errorf("%d restarts, want 1", l.restarts)
	}
}

// How long a node has been well is no matter of the date: a wiped one must vote again though all clocks are wrong (seed 20059).
func TestWrongClocksKeepNobodyFromVoting(t *testing.T) {
	late := -54 * time.Second
	l := shortBy(t, []time.Duration{late, late, late, late}, func(w *world) {
		w.machines[1].wipe()
		w.ensureUp(w.machines[1])
	})
	if found := checkersOf(t, l); len(found) > 0 {
		t.Errorf("violations: %v", found)
	}
}

// A disk that loses what it had synced makes a voter forget: the node must refuse to start, or the links are missing in the end.
func TestALostDiskUnderAnOldNameIsNoticed(t *testing.T) {
	l := short(t, func(w *world) {
		for _, m := range w.founders() {
			m.wipe()
		}
		for _, m := range w.founders() {
			w.ensureUp(m)
		}
	})
	if found := checkersOf(t, l); len(found) == 0 {
		t.Error("all disks were lost, and nobody noticed")
	}
}

func TestGoroutinesThatAreLeftAreLeaks(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		stop := make(chan struct{})
		go func() { <-stop }()
		synctest.Wait()
		if left := strangers(); len(left) != 1 || !strings.Contains(left[0], "TestGoroutinesThatAreLeftAreLeaks") {
			t.Errorf("found %q", left)
		}
		close(stop)
		synctest.Wait()
		if left := strangers(); len(left) != 0 {
			t.Errorf("found %q", left)
		}
	})
}

// A request to a machine that stands still is served when it goes on, and its client hears nothing before.
func TestAMachineThatStandsStillAnswersLater(t *testing.T) {
	short(t, func(w *world) {
		m := w.machines[0]
		p := m.current()
		p.paused.shut()
		began := time.Now()
		time.AfterFunc(3*time.Second, p.paused.open)
		got := w.create(p, 1000, 5*time.Second, link.Draft{Fields: link.Fields{Target: "https://t.test/later"}})
		if took := time.Since(began); got[0].Outcome != history.OK || took < 3*time.Second {
			t.Errorf("%s after %v", got[0].Outcome, took)
		}
		p.paused.shut()
		got = w.create(p, 1000, time.Second, link.Draft{Fields: link.Fields{Target: "https://t.test/never"}})
		if got[0].Outcome != history.Unknown {
			t.Errorf("%s from a machine that stands still", got[0].Outcome)
		}
		p.paused.open()
	})
}

func TestAFailedLifeLeavesAllThatIsNeeded(t *testing.T) {
	l := short(t, func(w *world) { w.problem("test", "made up") })
	p := newPlan(5, 3, time.Minute)
	_, v := conclude(p, l, 0)
	dir, err := keep(t.TempDir(), p, l, v)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "history.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if h, err := history.Read(f); err != nil || len(h.Operations) != len(l.history.Operations) {
		t.Errorf("%d operations are kept, want %d (%v)", len(h.Operations), len(l.history.Operations), err)
	}
	words, err := os.ReadFile(filepath.Join(dir, "nodes.log"))
	if err != nil || !bytes.Contains(words, []byte("PROBLEM test: made up")) {
		t.Errorf("the nodes' words lack the problem (%v)", err)
	}
}
