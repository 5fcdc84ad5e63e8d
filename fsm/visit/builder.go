package visit

import (
	"slices"
	"strings"
)

// Values are what visits are sorted by, one for each dimension.
type Values [Dimensions]string

// Builder counts visits one by one. The zero Builder is ready. It is not safe for concurrent use.
type Builder struct {
	counts   Counts
	lists    [Dimensions][]Entry // in no order, each value once
	other    [Dimensions]uint64
	visitors Sketch
}

// buildRoom is how many times a list's capacity a Builder keeps before it forgets: in the short time it lives, few are more.
const buildRoom = 4

// Human counts n visits of people with the same values. Values longer than MaxValue are cut.
func (b *Builder) Human(values *Values, n uint64) {
	if n == 0 {
		return
	}
	b.counts.Humans += n
	for d := range values {
		if Dimension(d) == Code && values[d] == "" {
			continue
		}
		b.count(d, values[d], n)
	}
}

// Visitor notes who came, by a hash.
func (b *Builder) Visitor(hash uint64) { b.visitors.Add(hash) }

// Bots counts n visits of programs.
func (b *Builder) Bots(n uint64) { b.counts.Bots += n }

func (b *Builder) count(d int, value string, n uint64) {
	if len(value) > MaxValue {
		value = strings.ToValidUTF8(value[:MaxValue], "")
	}
	for i := range b.lists[d] {
		if b.lists[d][i].Value == value {
			b.lists[d][i].Count += n
			return
		}
	}
	if len(b.lists[d]) == buildRoom*capacity[d] {
		b.other[d] += n
		return
	}
	b.lists[d] = append(b.lists[d], Entry{Value: value, Count: n})
}

// Stats is what was counted. The Builder must not be used any more.
func (b *Builder) Stats() Stats {
	s := Stats{Counts: b.counts, Visitors: b.visitors}
	for d, entries := range b.lists {
		slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Value, b.Value) })
		s.Lists[d] = List{Entries: entries, Other: b.other[d]}
		s.Lists[d].cut(capacity[d])
	}
	return s
}
