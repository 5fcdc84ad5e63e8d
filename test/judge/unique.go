package judge

import (
	"fmt"
	"slices"
)

// checkUnique: no code is given to two makings; the counter's values are given once, and grow in real time: what was asked for
// after another was acknowledged has the greater one.
func checkUnique(t *trial) {
	for _, a := range t.order {
		var first *making
		for _, m := range a.makings {
			told, done := m.told(a.code)
			if !done {
				continue
			}
			if first == nil {
				first = m
				continue
			}
			before, _ := first.told(a.code)
			t.accuse(a.code, fmt.Sprintf("code %s was given out twice: for %q and for %q", a.code, first.target, m.target), before.op, told.op)
		}
	}
	counted := t.counted()
	byID := make(map[uint64]counting)
	for _, c := range counted {
		if before, twice := byID[c.id]; twice {
			t.accuse(c.code, fmt.Sprintf("id %d was given out twice: as %s and as %s", c.id, before.code, c.code), before.op, c.op)
			continue
		}
		byID[c.id] = c
	}
	checkGrowth(t, counted)
}

// counting is a counter's value and when it can have been given.
type counting struct {
	answered
	call uint64
}

// counted are all values of the counter that were told.
func (t *trial) counted() []counting {
	var all []counting
	for _, m := range t.makings {
		for _, a := range m.codes {
			if a.id != 0 {
				all = append(all, counting{answered: a, call: m.call})
			}
		}
	}
	return all
}

// checkGrowth walks through calls and returns in their order and knows the greatest value that was told before each call.
func checkGrowth(t *trial, counted []counting) {
	byReturn := slices.Clone(counted)
	slices.SortFunc(byReturn, func(a, b counting) int { return compare(a.returned, b.returned) })
	slices.SortFunc(counted, func(a, b counting) int { return compare(a.call, b.call) })
	greatest, next := counting{}, 0
	for _, c := range counted {
		for ; next < len(byReturn) && byReturn[next].returned < c.call; next++ {
			if byReturn[next].id > greatest.id {
				greatest = byReturn[next]
			}
		}
		if c.id < greatest.id {
			t.accuse(c.code, fmt.Sprintf("id %d was given after id %d had been told", c.id, greatest.id), greatest.op, c.op)
		}
	}
}
