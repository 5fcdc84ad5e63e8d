package judge

import (
	"fmt"
	"slices"

	"tinyurl/test/history"
)

// since is what everybody must know of a code, and from when on.
type since struct {
	made      answered // by whom; returned is never if the create was not acknowledged
	target    string
	deletable uint64 // when a delete that may have happened was first asked for, never if none was
	deleteOp  int
	edits     map[string]uint64 // by target, when an edit to it that may have happened was first asked for
}

func (t *trial) since(a *alias) since {
	s := since{made: answered{returned: never}, deletable: never, deleteOp: -1}
	for _, m := range a.makings {
		if told, done := m.told(a.code); done && told.returned < s.made.returned {
			s.made, s.target = told, m.target
		}
	}
	for _, i := range a.deletes {
		if t.mayHaveHappened(i) {
			s.deletable, s.deleteOp = t.h.Operations[i].Call, i
			break
		}
	}
	for _, i := range a.edits {
		o := &t.h.Operations[i]
		if _, known := s.edits[o.Target]; known || !t.mayHaveHappened(i) {
			continue
		}
		if s.edits == nil {
			s.edits = make(map[string]uint64)
		}
		s.edits[o.Target] = o.Call
	}
	return s
}

// checkReadYourWrites: on any node, a read or redirect that began after a create was acknowledged finds that link, unless a
// delete or edit was asked for before it ended. No answer is allowed, another one is not.
func checkReadYourWrites(t *trial) {
	for _, a := range t.order {
		s := t.since(a)
		if s.made.returned == never {
			continue
		}
		for _, i := range a.reads {
			o := &t.h.Operations[i]
			if o.Call < s.made.returned {
				continue
			}
			wrong := ""
			switch o.Outcome {
			case history.NotFound, history.Gone:
				usedUp := o.Outcome == history.Gone && o.Kind != history.Get && a.limit() != 0 // checkVisits' matter
				if s.deletable > o.Return && !usedUp {
					wrong = string(o.Outcome)
				}
			case history.OK:
				edited, wanted := s.edits[o.Target]
				if o.Target != s.target && (!wanted || edited > o.Return) {
					wrong = fmt.Sprintf("%q", o.Target)
				}
			}
			if wrong != "" {
				t.accuse(a.code, fmt.Sprintf("%s was acknowledged for %q, and node %s then answered a %s with %s", a.code, s.target, o.Node, o.Kind, wrong),
					s.made.op, i)
			}
		}
	}
}

// checkRedirects: whatever goes on, a visitor gets the right redirect or none: never a 404 for a link that was acknowledged, or
// that a visitor was sent to before, and never a wrong URL. A deleted link is gone, not missing.
func checkRedirects(t *trial) {
	for _, a := range t.order {
		s := t.since(a)
		known, by, how := s.made.returned, s.made.op, "acknowledged"
		for _, i := range a.reads {
			o := &t.h.Operations[i]
			if o.Outcome == history.OK && o.Return < known {
				known, by, how = o.Return, i, "found"
			}
		}
		targets := t.wanted(a)
		for _, i := range a.reads {
			o := &t.h.Operations[i]
			if o.Kind == history.Get {
				continue
			}
			switch o.Outcome {
			case history.NotFound:
				if known < o.Call {
					t.accuse(a.code, fmt.Sprintf("%s had been %s, and node %s answered a visitor 404", a.code, how, o.Node), by, i)
				}
			case history.OK:
				if asked, ok := targets[o.Target]; !ok || asked.call > o.Return {
					t.accuse(a.code, fmt.Sprintf("node %s sent a visitor of %s to a wrong URL, %q", o.Node, a.code, o.Target), by, i)
				}
			}
		}
	}
}

// asked is when somebody first wanted a code to lead to a target.
type asked struct {
	call uint64
	op   int
}

// wanted are the targets that the code may lead to, from when on.
func (t *trial) wanted(a *alias) map[string]asked {
	targets := make(map[string]asked)
	want := func(target string, call uint64, op int) {
		if before, known := targets[target]; !known || call < before.call {
			targets[target] = asked{call, op}
		}
	}
	for _, m := range a.makings {
		if m.possible() {
			want(m.target, m.call, m.tries[0])
		}
	}
	for target, makings := range a.hidden {
		for _, m := range makings {
			want(target, m.call, m.tries[0])
		}
	}
	for _, i := range a.edits {
		if o := &t.h.Operations[i]; t.mayHaveHappened(i) {
			want(o.Target, o.Call, i)
		}
	}
	return targets
}

// checkInvented: nothing is found, and held in the end, that nobody asked for, or not yet.
func checkInvented(t *trial) {
	for _, a := range t.order {
		targets := t.wanted(a)
		for _, i := range a.reads {
			o := &t.h.Operations[i]
			if o.Outcome != history.OK {
				continue
			}
			asked, ok := targets[o.Target]
			switch {
			case !ok:
				t.accuse(a.code, fmt.Sprintf("a %s of %s found %q, which %s", o.Kind, a.code, o.Target, t.whyNot(a, o.Target)), i)
			case asked.call > o.Return:
				t.accuse(a.code, fmt.Sprintf("a %s of %s found %q before anybody had asked for it", o.Kind, a.code, o.Target), i, asked.op)
			}
		}
		for _, f := range t.h.Finals {
			if target, live := f.Targets[a.code]; live {
				if _, ok := targets[target]; !ok {
					t.accuse(a.code, fmt.Sprintf("node %s holds %q at %s in the end, which %s", f.Node, target, a.code, t.whyNot(a, target)))
				}
			}
		}
	}
}

// whyNot says why a code cannot lead to a target.
func (t *trial) whyNot(a *alias, target string) string {
	for _, m := range t.byTarget[target] {
		if !slices.Contains(a.makings, m) {
			continue
		}
		if m.refuted {
			return "was asked for, not acknowledged, and is in no node's log"
		}
		return "was asked for and refused"
	}
	if len(t.byTarget[target]) > 0 {
		return "was asked for at another code"
	}
	return "nobody asked for"
}
