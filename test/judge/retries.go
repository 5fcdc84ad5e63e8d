package judge

import (
	"fmt"
	"slices"
	"strings"
)

// checkRetries: all tries of one create made one link. They were told one code, a key made no second link by another request,
// and nowhere are more links with a target than were asked for.
func checkRetries(t *trial) {
	for _, m := range t.makings {
		if len(m.codes) > 1 {
			t.accuse(m.codes[1].code, fmt.Sprintf("tries of one create were told %s and %s", m.codes[0].code, m.codes[1].code), m.codes[0].op, m.codes[1].op)
		}
		if m.conflicts && len(t.byKey[m.key]) == 1 {
			t.accuse("", fmt.Sprintf("key %q was said to be another request's, and there is none", m.key), m.tries...)
		}
	}
	seen := make(map[string]bool, len(t.byKey))
	for _, m := range t.makings {
		if m.key == "" || seen[m.key] {
			continue
		}
		seen[m.key] = true
		var made []int
		for _, other := range t.byKey[m.key] {
			if other.done() {
				made = append(made, other.codes[0].op)
			}
		}
		if len(made) > 1 {
			t.accuse("", fmt.Sprintf("key %q made %d links, of different requests", m.key, len(made)), made...)
		}
	}
	checkNumbers(t)
}

// checkNumbers compares how many links there are, or were, of each target with how many were asked for.
func checkNumbers(t *trial) {
	found := make(map[string][]string) // codes by target
	for _, a := range t.order {
		made := false
		for _, m := range a.makings {
			if _, done := m.told(a.code); done {
				made = true
				found[m.target] = append(found[m.target], a.code)
			}
		}
		if made {
			continue // what else was seen at a link that is known is a wrong answer, or an edit
		}
		for target := range t.seenTargets(a) {
			found[target] = append(found[target], a.code)
		}
	}
	targets := make([]string, 0, len(found))
	for target := range found {
		if len(found[target]) > 1 {
			targets = append(targets, target)
		}
	}
	slices.Sort(targets)
	for _, target := range targets {
		var tries []int
		wanted := t.editsTo[target]
		for _, m := range t.byTarget[target] {
			tries = append(tries, m.tries...)
			if m.possible() {
				wanted++
			}
		}
		if codes := found[target]; wanted > 0 && len(codes) > wanted {
			slices.Sort(codes)
			t.accuse(codes[0], fmt.Sprintf("%d links were wanted with target %q, and there are %d: %s", wanted, target, len(codes), strings.Join(codes, ", ")),
				tries...)
		}
	}
}
