package judge

import (
	"fmt"
	"slices"

	"tinyurl/test/history"
)

// open reports whether a link redirects: it is live and has visits left.
func (s state) open() bool { return s.phase == live && (s.limit == 0 || s.visits < s.limit) }

func (s state) usedUp() bool { return s.phase == live && s.limit != 0 && s.visits >= s.limit }

// stepVisit is a visit that is counted: it is let through while visits are left.
func stepVisit(s state, d *deed) (bool, state) {
	if !s.open() || d.turn != 0 && d.turn != s.turn+1 {
		return false, s
	}
	if s.limit != 0 {
		s.visits++
	}
	if d.turn != 0 {
		s.turn = d.turn
	}
	return true, s
}

// limit is the greatest that a create may have given a code; 0 if none did.
func (a *alias) limit() (most uint64) {
	for _, m := range a.makings {
		if m.possible() {
			most = max(most, m.limit)
		}
	}
	return most
}

// counts reports whether a visit is one that has to be counted: of a link that was known before to have a limit. Any other is a
// redirect like all, which may be counted.
func (t *trial) counts(a *alias, i int) bool {
	o := &t.h.Operations[i]
	return o.Kind == history.Visit && slices.ContainsFunc(a.makings, func(m *making) bool {
		told, done := m.told(a.code)
		return done && m.limit != 0 && told.returned < o.Call
	})
}

// mayHaveCounted reports whether a visit may have been counted, whatever its answer.
func (t *trial) mayHaveCounted(a *alias, i int) bool {
	o := &t.h.Operations[i]
	if o.Kind != history.Visit {
		return false
	}
	switch o.Outcome {
	case history.OK:
		return true
	case history.Unknown:
		return t.logged == nil || t.logged.visits[o.Code]
	case history.Gone:
		// A node that asks again what it got no answer to is told of a link deleted meanwhile that it is gone, counted or not.
		return slices.ContainsFunc(a.deletes, func(d int) bool { return t.mayHaveHappened(d) && t.h.Operations[d].Call < o.Return })
	default:
		return false
	}
}

// sketchVisits adds what visits counted.
func (t *trial) sketchVisits(s *sketch) {
	uncertain := uint32(0)
	for _, i := range s.alias.reads {
		if !t.mayHaveCounted(s.alias, i) {
			continue
		}
		o := &t.h.Operations[i]
		d := &deed{kind: history.Visit, outcome: history.OK, target: anyTarget, call: o.Call, returned: t.returned(i), first: i, last: i}
		if o.Outcome != history.OK || !t.counts(s.alias, i) {
			uncertain++
			d.outcome, d.returned, d.turn = history.Unknown, never, uncertain
		}
		s.deeds = append(s.deeds, d)
	}
}

// visited are the visits of one code that were counted, or may have been.
type visited struct {
	limit   uint64
	through []int // let through, by call
	maybe   []int // may have been counted, those let through included, by call
}

func (t *trial) visitsOf(a *alias) (v visited) {
	for _, m := range a.makings {
		if _, done := m.told(a.code); done {
			v.limit = m.limit
		}
	}
	for _, i := range a.reads {
		if !t.mayHaveCounted(a, i) {
			continue
		}
		v.maybe = append(v.maybe, i)
		if t.h.Operations[i].Outcome == history.OK && t.counts(a, i) {
			v.through = append(v.through, i)
		}
	}
	return v
}

// checkVisits: a link with a limit is followed no more often than it lets visitors through, is not refused as used up sooner, and
// what was counted of it lies between the visits that were let through and those that may have been counted.
func checkVisits(t *trial) {
	looked := false
	for _, a := range t.order {
		v := t.visitsOf(a)
		if v.limit == 0 {
			continue
		}
		looked = true
		if n := uint64(len(v.through)); n > v.limit {
			t.accuse(a.code, fmt.Sprintf("%s lets %d visitors through, and %d were", a.code, v.limit, n), v.through...)
		}
		t.refusedTooSoon(a, v)
		t.miscounted(a, v)
	}
	if !looked {
		t.skip("nobody made a link with a limit")
	}
}

func (t *trial) refusedTooSoon(a *alias, v visited) {
	s := t.since(a)
	for _, i := range a.reads {
		o := &t.h.Operations[i]
		if o.Outcome != history.Gone || o.Kind == history.Get || o.Call < s.made.returned || s.deletable < o.Return {
			continue
		}
		if most := t.askedBefore(v.maybe, o.Return); most < v.limit {
			t.accuse(a.code, fmt.Sprintf("node %s refused a visitor of %s, which lets %d through, and %d at most had been counted", o.Node, a.code, v.limit, most),
				append([]int{s.made.op, i}, v.maybe...)...)
		}
	}
}

func (t *trial) miscounted(a *alias, v visited) {
	wrong := func(counted, call, returned uint64) string {
		least, most := min(t.answeredBefore(v.through, call), v.limit), min(t.askedBefore(v.maybe, returned), v.limit)
		if counted >= least && counted <= most {
			return ""
		}
		return fmt.Sprintf("counts %d visits of %s, want %s", counted, a.code, between(least, most))
	}
	for _, i := range a.reads {
		if o := &t.h.Operations[i]; o.Counted {
			if text := wrong(o.Visits, o.Call, o.Return); text != "" {
				t.accuse(a.code, fmt.Sprintf("node %s %s", o.Node, text), append([]int{i}, v.maybe...)...)
			}
		}
	}
	for _, f := range t.h.Finals {
		if counted, told := f.Visits[a.code]; told {
			if text := wrong(counted, t.end, t.end+1); text != "" {
				t.accuse(a.code, fmt.Sprintf("node %s in the end %s", f.Node, text), v.maybe...)
			}
		}
	}
}

// askedBefore is how many of some operations, given by call, were called before a stamp.
func (t *trial) askedBefore(operations []int, stamp uint64) uint64 {
	n, _ := slices.BinarySearchFunc(operations, stamp, func(i int, stamp uint64) int { return compare(t.h.Operations[i].Call, stamp) })
	return uint64(n)
}

// answeredBefore is how many of some operations had been answered before a stamp.
func (t *trial) answeredBefore(operations []int, stamp uint64) (n uint64) {
	for _, i := range operations {
		if t.returned(i) < stamp {
			n++
		}
	}
	return n
}
