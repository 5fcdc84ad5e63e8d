package judge

import (
	"fmt"
	"slices"

	"tinyurl/test/history"
)

// checkEvidence: a run that says it is complete has all that the checkers go by, so that none of them is silent for want of it:
// operations, complete logs, faults that were undone, and what every member held in the end. It runs last.
func checkEvidence(t *trial) {
	if !t.h.Run.Complete {
		t.skip("the run does not say that it is complete: what it lacks is no accusation")
		return
	}
	for _, lack := range t.verdict.Lacks {
		t.accuse("", "the run says that it is complete, and this could not be judged: "+lack)
	}
	if len(t.h.Operations) == 0 {
		t.accuse("", "the run says that it is complete, and nobody asked for anything")
	}
	if len(t.h.Run.Nodes) == 0 {
		t.accuse("", "the run says that it is complete, and does not name its members")
	}
	for _, f := range t.h.Finals {
		if !tells(f) {
			t.accuse("", fmt.Sprintf("the run says that it is complete, and node %s told how many links it held and not which", f.Node))
		}
	}
}

// oftenTried is how many operations of one kind cannot all have failed by the faults of a run.
const oftenTried = 20

// checkAnswered: in a run that is complete, what was often tried was done at least once; and from Options.Writable after the last
// fault was undone, until something is done to the cluster again, every read on a member is answered. A client that hung up
// before Options.Answer proves nothing: it may have been the one without patience.
func checkAnswered(t *trial) {
	if !t.h.Run.Complete {
		t.skip("the run does not say that it is complete")
		return
	}
	for _, kind := range []history.Kind{
		history.Create, history.Get, history.Follow, history.Delete, history.Edit, history.Visit, history.Grant, history.Revoke,
	} {
		tried, outcomes := 0, t.verdict.Figures.Operations[kind]
		for _, n := range outcomes {
			tried += n
		}
		if tried >= oftenTried && outcomes[history.OK] == 0 {
			t.accuse("", fmt.Sprintf("none of %d operations of kind %s succeeded: %s", tried, kind, counts(outcomes)))
		}
	}
	if t.h.Run.HealedStamp == 0 {
		t.skip("the run does not say since when nothing was broken")
		return
	}
	t.readsAnswered()
}

// readsAnswered looks at the reads that began when all had been healed for long enough.
func (t *trial) readsAnswered() {
	run := t.h.Run
	broken, over := uint64(never), run.Healed // when something was done to the cluster again; the last time that is known
	for _, f := range t.h.Faults {
		over = max(over, f.At)
		if f.Stamp > run.HealedStamp {
			broken = min(broken, f.Stamp)
		}
	}
	for i := range t.h.Operations {
		o := &t.h.Operations[i]
		over = max(over, o.At+o.Took)
	}
	looked := 0
	for i := range t.h.Operations {
		o := &t.h.Operations[i]
		returned := t.returned(i)
		switch {
		case o.Kind != history.Get && o.Kind != history.Follow, !slices.Contains(run.Nodes, o.Node):
			continue
		case o.Call < run.HealedStamp, o.At < run.Healed+t.options.Writable, returned > broken:
			continue
		}
		waited := o.Took
		if returned == never {
			if broken != never {
				continue
			}
			waited = over - o.At
		}
		looked++
		if o.Outcome == history.Unknown && waited >= t.options.Answer {
			t.accuse(o.Code, fmt.Sprintf("node %s did not answer a %s of %s in %v, and all had been healed for %v", o.Node, o.Kind, o.Code, waited, o.At-run.Healed), i)
		}
	}
	if looked == 0 {
		t.skip(fmt.Sprintf("nobody read anything later than %v after the faults were undone", t.options.Writable))
	}
}
