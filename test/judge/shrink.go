package judge

import (
	"fmt"
	"strings"

	"tinyurl/test/history"
)

// shrinkTries is how often a smaller history is tried, at most.
const shrinkTries = 400

// shrink finds few deeds that are illegal by themselves, however the rest came out. A deed is given up by forgetting its answer:
// a read that was not answered says nothing and goes; a write that was not answered may still have happened and stays. So what
// remains answered is a proof, and no unanswered write can explain it.
func shrink(deeds []*deed, steps int) []*deed {
	tries := shrinkTries
	for size := max(len(deeds)/2, 1); size >= 1; size /= 2 {
		// The last are tried first, so that the proof is the first there was.
		for to := len(deeds); to > 0 && tries > 0; to -= size {
			less, changed := forget(deeds, max(to-size, 0), to)
			if !changed {
				continue
			}
			tries--
			if judgeDeeds(less, steps/10) == illegal {
				deeds = less
			}
		}
	}
	return deeds
}

// forget gives the deeds without the answers of those in [from, to), and whether that is any less.
func forget(deeds []*deed, from, to int) (less []*deed, changed bool) {
	less = append(less, deeds[:from]...)
	for _, d := range deeds[from:to] {
		if _, told := d.fact(); told || d.outcome == history.Conflict {
			changed = true
			continue
		}
		if d.outcome != history.Unknown {
			changed = true
			forgotten := *d
			forgotten.outcome, forgotten.returned = history.Unknown, never // without a turn: it has no place among those never answered
			d = &forgotten
		}
		less = append(less, d)
	}
	return append(less, deeds[to:]...), changed
}

// contextDeeds is how many unanswered writes are shown beside a proof, at most.
const contextDeeds = 3

// evidence are the operations of the proof, and of some writes whose targets it speaks of.
func evidence(needed []*deed) []int {
	var places []int
	spoken := make(map[int32]bool)
	for _, d := range needed {
		if d.outcome != history.Unknown {
			places = append(places, d.first, d.last)
			spoken[d.target] = true
		}
	}
	context := 0
	for _, d := range needed {
		if d.outcome == history.Unknown && d.kind != finalRead && context < contextDeeds && (spoken[d.target] || d.kind == history.Delete) {
			places = append(places, d.first, d.last)
			context++
		}
	}
	return places
}

// explain puts the proof in words.
func (t *trial) explain(s *sketch, needed []*deed) string {
	var answers []string
	unanswered := 0
	for _, d := range needed {
		switch {
		case d.kind == finalRead && d.outcome == history.Unknown:
			answers = append(answers, "no node held it in the end")
		case d.kind == finalRead:
			told := heldOf{outcome: d.outcome, target: s.targets[d.target], visits: d.visits, counted: d.counted}
			answers = append(answers, fmt.Sprintf("the nodes held %s in the end", told))
		case d.outcome == history.Unknown:
			unanswered++
		default:
			answers = append(answers, fmt.Sprintf("%s %s", d.kind, d.outcome))
		}
	}
	about := s.alias.code
	if limit := s.alias.limit(); limit != 0 {
		about += fmt.Sprintf(" (%d visits)", limit)
	}
	text := fmt.Sprintf("no order of these explains %s: %s", about, strings.Join(answers, ", "))
	if unanswered > 0 {
		text += fmt.Sprintf(" (not even if any of %d writes took effect whose answers are unknown or do not matter)", unanswered)
	}
	return text
}
