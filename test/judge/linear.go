package judge

import (
	"fmt"
	"slices"

	"tinyurl/fsm/link"
	"tinyurl/test/history"
)

// checkLinearizability asks Porcupine, code by code, whether creates, reads, deletes and edits can have happened one after
// the other, each between its call and its return.
func checkLinearizability(t *trial) {
	for _, a := range t.order {
		s := t.sketch(a)
		deeds := s.reduced()
		switch judgeDeeds(deeds, t.options.Steps) {
		case undecided:
			t.accuse(a.code, fmt.Sprintf("undecided: %d operations on %s were too many orders to try", len(deeds), a.code))
		case illegal:
			if t.full() {
				t.accuse(a.code, "")
				continue
			}
			needed := shrink(deeds, t.options.Steps)
			t.accuse(a.code, t.explain(s, needed), evidence(needed)...)
		case legal:
		}
	}
}

// sketch is one code as deeds.
type sketch struct {
	alias   *alias
	deeds   []*deed
	targets []string // what the deeds' targets are places in
	places  map[string]int32
	edited  bool // an edit may have happened, so that a target may come back
}

func (s *sketch) place(target string) int32 {
	place, known := s.places[target]
	if !known {
		place = int32(len(s.targets))
		s.targets = append(s.targets, target)
		s.places[target] = place
	}
	return place
}

func (t *trial) sketch(a *alias) *sketch {
	s := &sketch{alias: a, places: make(map[string]int32)}
	for _, m := range a.makings {
		t.sketchMaking(s, m)
	}
	t.sketchHidden(s)
	for _, i := range a.deletes {
		t.sketchWrite(s, i)
	}
	for _, i := range a.edits {
		t.sketchWrite(s, i)
	}
	for _, i := range a.reads {
		t.sketchRead(s, i)
	}
	t.sketchVisits(s)
	t.sketchFinals(s)
	slices.SortStableFunc(s.deeds, func(a, b *deed) int { return compare(a.call, b.call) })
	return s
}

// sketchMaking makes one deed of all tries of a create: it happened after the first try that can have done it was sent, and
// before the first was acknowledged. Tries that were told "taken" are deeds of their own.
func (t *trial) sketchMaking(s *sketch, m *making) {
	d := &deed{kind: history.Create, outcome: history.Unknown, target: s.place(m.target), maker: int32(m.number), limit: m.limit, returned: never, first: -1}
	if told, done := m.told(s.alias.code); done {
		d.outcome, d.returned, d.last = history.OK, told.returned, told.op
	}
	for _, i := range m.tries {
		o := &t.h.Operations[i]
		switch o.Outcome {
		case history.OK, history.Unknown:
			if d.first < 0 {
				d.first, d.call = i, o.Call
			}
		case history.Taken:
			// A slug that reads as a generated code is also taken if the counter has passed it.
			if m.slug && !readsAsGenerated(m.code) {
				taken := &deed{
					kind: history.Create, outcome: history.Taken, target: d.target, maker: noMaker, call: o.Call, returned: t.returned(i), first: i, last: i,
				}
				if m.possible() {
					taken.maker = d.maker
				}
				s.deeds = append(s.deeds, taken)
			}
		}
	}
	if d.outcome == history.Unknown {
		d.last = d.first
	}
	if d.first >= 0 && m.possible() {
		s.deeds = append(s.deeds, d)
	}
}

// sketchHidden adds the creates that may have made this link and were never told so: one deed for all that want one target.
func (t *trial) sketchHidden(s *sketch) {
	add := func(target int32, makings []*making) {
		if len(makings) == 0 {
			return
		}
		d := &deed{kind: history.Create, outcome: history.Unknown, target: target, maker: anyMaker, call: never, returned: never}
		for _, m := range makings {
			if m.call < d.call {
				d.call, d.first, d.last = m.call, m.tries[0], m.tries[0]
			}
		}
		s.deeds = append(s.deeds, d)
	}
	targets := make([]string, 0, len(s.alias.hidden))
	for target := range s.alias.hidden {
		targets = append(targets, target)
	}
	slices.Sort(targets)
	for _, target := range targets {
		add(s.place(target), s.alias.hidden[target])
	}
	add(anyTarget, s.alias.anyHidden)
}

func (t *trial) sketchWrite(s *sketch, i int) {
	o := &t.h.Operations[i]
	switch o.Outcome {
	case history.OK, history.NotFound, history.Gone:
	case history.Unknown:
		if !t.mayHaveHappened(i) {
			return
		}
	case history.Conflict:
		if o.Kind != history.Edit {
			return
		}
	default:
		return
	}
	d := &deed{
		kind: o.Kind, outcome: o.Outcome, target: anyTarget, expected: o.Expected, version: o.Version,
		call: o.Call, returned: t.returned(i), first: i, last: i,
	}
	if o.Outcome == history.Unknown {
		d.returned = never
	}
	if o.Kind == history.Edit {
		d.target = s.place(o.Target)
		s.edited = s.edited || t.mayHaveHappened(i)
	}
	s.deeds = append(s.deeds, d)
}

func (t *trial) sketchRead(s *sketch, i int) {
	o := &t.h.Operations[i]
	if o.Outcome != history.OK && o.Outcome != history.NotFound && o.Outcome != history.Gone {
		return
	}
	d := &deed{
		kind: o.Kind, outcome: o.Outcome, target: anyTarget, version: o.Version, visits: o.Visits, counted: o.Counted,
		call: o.Call, returned: t.returned(i), first: i, last: i,
	}
	if o.Kind == history.Visit {
		d.kind = history.Follow // what it counts is sketchVisits' matter
	}
	if o.Outcome == history.OK {
		d.target = s.place(o.Target)
		switch {
		case t.counts(s.alias, i):
			// What is found is what the link was when the visit was counted, or a while later: a node may have had to ask again.
			d.kind = history.Get
		case d.kind == history.Follow:
			d.late, d.call = true, 0
		}
	}
	d.finished = o.Outcome == history.Gone && d.kind == history.Follow && s.alias.limit() != 0
	s.deeds = append(s.deeds, d)
}

// sketchFinals adds what the nodes held in the end, where all who told agree; checkFinals speaks of the others.
func (t *trial) sketchFinals(s *sketch) {
	told, some := heldOf{}, false
	for _, f := range t.h.Finals {
		if !tells(f) {
			continue
		}
		held := holds(f, s.alias.code)
		if some && held != told {
			return
		}
		told, some = held, true
	}
	if !some {
		return
	}
	d := &deed{kind: finalRead, outcome: told.outcome, target: anyTarget, call: t.end, returned: t.end + 1, first: -1, last: -1}
	if told.outcome == history.OK {
		d.target, d.visits, d.counted = s.place(told.target), told.visits, told.counted
	}
	s.deeds = append(s.deeds, d)
}

// heldOf is what a node held of a code: OK with its target, Gone, or neither (Unknown), which a ring that cannot list
// tombstones says of a deleted link.
type heldOf struct {
	outcome history.Outcome
	target  string
	visits  uint64
	counted bool // visits is known
}

func holds(f history.Final, code string) heldOf {
	if target, ok := f.Targets[code]; ok {
		visits, counted := f.Visits[code]
		return heldOf{outcome: history.OK, target: target, visits: visits, counted: counted}
	}
	return heldOf{outcome: history.Unknown}
}

// tells reports whether a node told which links it held, and not only how many.
func tells(f history.Final) bool { return f.Targets != nil || f.Deleted != nil || f.Links == 0 }

// readsAsGenerated reports whether a slug has the form of a generated code.
func readsAsGenerated(slug string) bool {
	if len(slug) != link.CodeLength {
		return false
	}
	for _, c := range []byte(slug) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}
