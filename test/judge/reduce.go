package judge

import (
	"slices"

	"tinyurl/test/history"
)

// fact is what an answer that changed nothing says of the state. While a code has no edits, or the answer has a version, a state
// in which a fact is true is left once and for all.
type fact struct {
	outcome history.Outcome
	target  int32
	version uint64
	maker   int32 // of a "taken": a state that is another's
	kind    history.Kind
	visits  uint64
	counted bool
	// finished is of a Gone that a link which is used up has as well: once true, it stays so.
	finished bool
}

// factOf gives the fact a deed tells; none for one that may have changed something.
func (d *deed) fact() (fact, bool) {
	switch {
	case d.kind == history.Create && d.outcome == history.Taken:
		return fact{outcome: d.outcome, target: anyTarget, maker: d.maker}, true
	case d.kind == finalRead && d.outcome == history.Unknown:
		return fact{outcome: d.outcome, target: anyTarget}, true
	case d.outcome == history.Unknown, d.outcome == history.Conflict:
		return fact{}, false
	case d.outcome == history.NotFound, d.outcome == history.Gone:
		return fact{outcome: d.outcome, target: anyTarget, finished: d.finished}, true
	case d.kind == history.Get, d.kind == history.Follow, d.kind == finalRead:
		f := fact{outcome: d.outcome, target: d.target, version: d.version, visits: d.visits, counted: d.counted}
		if d.late {
			f.kind = history.Follow
		}
		return f, true
	default:
		return fact{}, false
	}
}

// lasting reports whether the states in which the fact is true follow each other without a gap.
func (f fact) lasting(edited bool) bool { return !edited || f.outcome != history.OK || f.version != 0 }

// reduced leaves out the deeds which others imply, so that the rest is linearizable if and only if all are. Of equal facts
// that last, the first to return (A) and the last to be called (C) are enough: the state has the fact from A's point to C's, and every
// other answer's interval begins before C's point and ends after A's, so it meets that stretch. Of other equal facts, one whose interval
// contains another's is implied by it. Of unanswered writes that are rivals the first can do whatever another could, and of visits that may
// have been counted so many as the link lets through.
func (s *sketch) reduced() []*deed {
	groups := make(map[fact][]*deed)
	seen, refused := make(map[int32]bool), make(map[int32]bool) // targets, makers
	for _, d := range s.deeds {
		if f, is := d.fact(); is {
			groups[f] = append(groups[f], d)
			seen[f.target] = true
			refused[d.maker] = refused[d.maker] || f.outcome == history.Taken
		}
	}
	var kept []*deed
	limit := s.alias.limit()
	rivals := make(map[deed]bool)
	for _, d := range s.deeds {
		if _, is := d.fact(); is || uint64(d.turn) > limit {
			continue
		}
		if like, rival := d.rivals(seen, refused); rival {
			if rivals[like] {
				continue
			}
			rivals[like] = true
		}
		kept = append(kept, d)
	}
	for f, group := range groups {
		if f.kind == history.Follow || f.lasting(s.edited) {
			kept = append(kept, ends(group)...)
		} else {
			kept = append(kept, innermost(group)...)
		}
	}
	slices.SortFunc(kept, func(a, b *deed) int {
		if c := compare(a.call, b.call); c != 0 {
			return c
		}
		return compare(a.returned, b.returned)
	})
	return kept
}

// ends are the first to return and the last to be called of deeds in the order of calls.
func ends(group []*deed) []*deed {
	first, last := group[0], group[len(group)-1]
	for _, d := range group {
		if d.returned < first.returned {
			first = d
		}
	}
	// A late fact has no call: the first to return says it all.
	if first == last || first.late {
		return []*deed{first}
	}
	return []*deed{first, last}
}

// innermost are the deeds, given in the order of calls, that contain no other.
func innermost(group []*deed) []*deed {
	var kept []*deed
	soonest := uint64(never)
	for _, d := range slices.Backward(group) {
		if d.returned < soonest || len(kept) == 0 {
			kept = append(kept, d)
			soonest = d.returned
		}
	}
	return kept
}

// rivals describes the unanswered writes of which only one can take effect, and it does not matter which: deletes, and creates
// and edits of one version, to targets that nobody has seen. Whether the maker was told "taken" matters.
func (d *deed) rivals(seen, refused map[int32]bool) (like deed, rival bool) {
	switch {
	case d.outcome != history.Unknown:
		return deed{}, false
	case d.kind == history.Delete:
		return deed{kind: d.kind}, true
	case seen[d.target] && d.target != anyTarget:
		return deed{}, false
	case d.kind == history.Create:
		return deed{kind: d.kind, limit: d.limit}, !refused[d.maker]
	default:
		return deed{kind: d.kind, expected: d.expected}, d.expected != 0
	}
}
