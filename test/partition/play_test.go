//go:build linux

package partition

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"tinyurl/test/history"
)

// enoughCalm is how many creates are accepted before the first fault of a row, beside one on every node.
const enoughCalm = 40

// play runs one row and fills in its result. The cluster can be used for another row if it reports true.
func (w *world) play(r row, result *Result, seed uint64) bool {
	began := time.Now()
	w.row(result)
	w.chance(seed, r.name)
	w.mended = time.Time{}
	w.paired = r.paired
	result.Again = -1
	var term uint64
	done := w.run(func() {
		w.begin(r, seed)
		w.calm()
		term = w.cluster.Term()
		w.load.figures.fault(time.Now())
		end := r.begin(w)
		w.hold(r.lasts)
		end()
		w.load.figures.heal(time.Now())
		if !w.mended.IsZero() {
			w.load.figures.heal(w.mended)
		}
		healed := w.recorder.Fault("heal", r.name)
		w.recovered(r, result)
		w.recorder.Change(func(run *history.Run) {
			run.HealedStamp, run.Healed, run.WritableAfter = healed.Stamp, healed.At, result.Again
		})
	})
	if w.load != nil {
		gap := w.load.figures.gap(time.Now())
		if done {
			w.load.Stop()
			done = w.run(func() { w.settled(r, result, term) })
		} else {
			w.load.Abort()
		}
		result.take(&w.load.figures, gap)
		if err := w.load.violations.Err(); err != nil {
			result.Violations = append(result.Violations, strings.Split(err.Error(), "\n  ")[1:]...)
			w.TB.Errorf("%s: %v", r.name, err)
		}
	}
	result.Took = time.Since(began)
	w.row(nil)
	return done && !result.Bad()
}

// begin starts the clients of a row.
func (w *world) begin(r row, seed uint64) {
	if w.book.Len() == 0 {
		// The first fault, too, needs links that every node is known to have.
		w.open(r, seed, "first")
		w.calm()
		w.load.Stop()
		w.cluster.Converged(convergeWithin)
		if err := w.load.violations.Err(); err != nil {
			w.Fatalf("before any fault: %v", err)
		}
	}
	w.known = w.book.Len() // all nodes had converged
	w.open(r, seed, strings.ReplaceAll(r.name, "+", "-"))
}

func (w *world) open(r row, seed uint64, name string) {
	w.load = StartLoad(LoadOptions{
		Nodes: w.endpoints, Key: w.cluster.Key(), Recorder: w.recorder, Book: w.book, Name: name, Seed: seed,
		Known: w.known, Client: &w.clients, DiskMayFill: r.diskMayFill,
	})
}

// calm waits until every node accepts, as it must before anything is done to the cluster.
func (w *world) calm() {
	w.load.figures.heal(time.Now())
	before := w.book.Len()
	w.eventually(calmWithin, "creates accepted in calm", func(context.Context) error {
		if missing := w.load.figures.missing(w.names()); len(missing) > 0 {
			return fmt.Errorf("missing are those of %v", missing)
		}
		if now := w.book.Len(); now < before+enoughCalm {
			return fmt.Errorf("%d of %d", now-before, enoughCalm)
		}
		return nil
	})
	w.hold(time.Second)
}

// recovered waits until every node accepts again, and holds the time against the promise.
func (w *world) recovered(r row, result *Result) {
	within := r.within
	if within == 0 {
		within = acceptWithin
	}
	result.Again = w.accepting(&w.load.figures)
	w.current(recoverWithin)
	if limit := time.Duration(float64(within) * w.slack); result.Again > limit {
		w.violated("every node accepted creates %v after the healing, more than %v", brief(result.Again), limit)
	}
	w.hold(time.Second)
}

// settled is what every row ends in: equal states, every link on every node, nothing left open.
func (w *world) settled(r row, result *Result, term uint64) {
	w.cluster.Converged(convergeWithin)
	result.Elections = w.cluster.Term() - term
	w.verified(w.known)
	w.gone(last(w.book.Ended(0), 20))
	w.rest()
}

// last is the end of a list.
func last(all []string, most int) []string { return all[max(0, len(all)-most):] }

// finish stops the cluster and judges all that was written down. A cluster that is not whole is ended as it is, and what its
// nodes hold is not compared.
func (w *world) finish(whole bool) (h history.History, err error) {
	if whole {
		before := w.load.violations.Count()
		whole = w.run(func() {
			w.verified(0)
			w.cluster.StopAndCompare(leaderWithin)
		})
		if now := w.load.violations.Count(); now > before {
			whole = false
			w.Errorf("at the end, with the cluster at rest: %v", w.load.violations.Err())
		}
	}
	if !whole {
		w.run(w.killAll)
	}
	kept, err := w.kept()
	if err != nil {
		return w.recorder.History(), err
	}
	for _, e := range union(kept) {
		w.recorder.Entry(e)
	}
	if whole {
		for _, k := range kept {
			w.recorder.Final(k.Final)
		}
	}
	w.recorder.Change(func(r *history.Run) {
		r.Nodes, r.LogsComplete = w.names(), complete(kept)
		r.Complete = whole && r.LogsComplete
	})
	h = w.recorder.History()
	for i, op := range h.Operations {
		if op.Kind == history.Create && op.Outcome == history.OK && !op.Slug && len(kept) > 0 && kept[0].Codec != nil {
			if id, ok := kept[0].Codec.Decode(codeOf(op)); ok {
				h.Operations[i].ID = uint64(id)
			}
		}
	}
	return h, nil
}

// kept reads what every node keeps.
func (w *world) kept() (all []Kept, err error) {
	names := namesIn(w.recorder.History())
	var errs []error
	for _, n := range w.nodes() {
		k, err := ReadKept(w.Context(), n.Name(), n.Dir, names)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, k)
	}
	return all, errors.Join(errs...)
}

// killAll ends every process, and gives space and network back.
func (w *world) killAll() {
	w.wires.fabric.Heal()
	for _, filler := range w.fillers {
		_ = os.Remove(filler)
	}
	for _, n := range w.nodes() {
		if n.Running() {
			n.KillNow()
		}
	}
	for _, n := range w.nodes() {
		if n.Running() {
			n.Wait(leaderWithin)
		}
	}
}
