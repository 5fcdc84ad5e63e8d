package visit

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// Tally is what a node has counted of one subject in one hour since it last told.
type Tally struct {
	Hour    Hour
	Subject Subject
	Stats   Stats
}

// Compare orders tallies by hour and subject.
func (t Tally) Compare(o Tally) int {
	return cmp.Or(cmp.Compare(t.Hour, o.Hour), t.Subject.Compare(o.Subject))
}

// MaxTallies is the most tallies in one encoding.
const MaxTallies = 16 << 10

// maxTable is the most different values in one encoding.
const maxTable = 64 << 10

// AppendTallies appends tallies, which must be in order, no two alike, and MaxTallies at most. Values stand once in a table at the
// beginning, since few are in most of the tallies.
func AppendTallies(buf []byte, tallies []Tally) []byte {
	table := tableOf(tallies)
	buf = binary.AppendUvarint(buf, uint64(len(table.values)))
	for _, value := range table.values {
		buf = append(binary.AppendUvarint(buf, uint64(len(value))), value...)
	}
	buf = binary.AppendUvarint(buf, uint64(len(tallies)))
	for i := range tallies {
		buf = tallies[i].append(buf, table.numbers)
	}
	return buf
}

// table is the different values of tallies, in the order in which they come.
type table struct {
	values  []string
	numbers map[string]uint64
}

func tableOf(tallies []Tally) table {
	t := table{numbers: make(map[string]uint64)}
	for i := range tallies {
		for d := range tallies[i].Stats.Lists {
			for _, e := range tallies[i].Stats.Lists[d].Entries {
				if _, known := t.numbers[e.Value]; !known {
					t.numbers[e.Value] = uint64(len(t.values))
					t.values = append(t.values, e.Value)
				}
			}
		}
	}
	return t
}

func (t *Tally) append(buf []byte, numbers map[string]uint64) []byte {
	buf = binary.AppendUvarint(buf, uint64(t.Hour))
	buf = append(binary.AppendUvarint(append(buf, byte(t.Subject.Kind)), uint64(len(t.Subject.Name))), t.Subject.Name...)
	buf = t.Stats.Counts.Append(buf)
	for _, l := range t.Stats.Lists {
		buf = binary.AppendUvarint(buf, uint64(len(l.Entries)))
		for _, e := range l.Entries {
			buf = binary.AppendUvarint(binary.AppendUvarint(buf, numbers[e.Value]), e.Count)
		}
		buf = binary.AppendUvarint(buf, l.Other)
	}
	return t.Stats.Visitors.append(buf)
}

// Fit is how many of the tallies, from the first, have an encoding of at most limit bytes together. It may be a few less than could
// be: what it reckons with is the longest that a number can be.
func Fit(tallies []Tally, limit int) int {
	known := make(map[string]bool)
	size := 2 * binary.MaxVarintLen32
	for i := range tallies[:min(len(tallies), MaxTallies)] {
		size += tallies[i].size()
		for d := range tallies[i].Stats.Lists {
			for _, e := range tallies[i].Stats.Lists[d].Entries {
				if !known[e.Value] {
					known[e.Value] = true
					size += 1 + len(e.Value)
				}
			}
		}
		if size > limit || len(known) > maxTable {
			return i
		}
	}
	return min(len(tallies), MaxTallies)
}

// size is at least what the tally takes in an encoding without its values, in bytes.
func (t *Tally) size() int {
	const (
		hour, number, register = 4, 3, 3
		frame                  = 1 + 2 + 2 // kind, length of the name, number of registers
	)
	size := hour + frame + len(t.Subject.Name) + uvarintSize(t.Stats.Humans) + uvarintSize(t.Stats.Bots)
	size += register*len(t.Stats.Visitors.sparse) + len(t.Stats.Visitors.dense)
	for d := range t.Stats.Lists {
		size += 1 + uvarintSize(t.Stats.Lists[d].Other)
		for _, e := range t.Stats.Lists[d].Entries {
			size += number + uvarintSize(e.Count)
		}
	}
	return size
}

func uvarintSize(n uint64) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// ParseTallies undoes AppendTallies. ErrMalformed for anything that AppendTallies would not have written.
func ParseTallies(b []byte) ([]Tally, error) {
	r := &reader{rest: b}
	values := make([]string, r.number(min(maxTable, uint64(len(b)))))
	for i := range values {
		values[i] = r.text(MaxValue)
	}
	n := r.number(min(MaxTallies, uint64(len(r.rest))))
	tallies := make([]Tally, 0, n)
	for range n {
		t := tallyOf(r, values)
		if len(tallies) > 0 && r.err == nil && tallies[len(tallies)-1].Compare(t) >= 0 {
			r.fail(fmt.Errorf("%w: tallies out of order", ErrMalformed))
		}
		if r.err != nil {
			return nil, r.err
		}
		tallies = append(tallies, t)
	}
	return tallies, r.end()
}

func tallyOf(r *reader, values []string) Tally {
	t := Tally{Hour: Hour(r.number(uint64(MaxHour)))}
	kind := r.bytes(1)
	name := r.text(MaxName)
	if r.err != nil {
		return t
	}
	var err error
	if t.Subject, err = ParseSubject(append(slices.Clone(kind), name...)); err != nil {
		r.fail(err)
	}
	t.Stats.Counts = countsOf(r)
	for d := range t.Stats.Lists {
		t.Stats.Lists[d] = numberedOf(r, values, capacity[d])
	}
	t.Stats.Visitors = sketchOf(r)
	return t
}

// numberedOf reads a list whose values are numbers of a table.
func numberedOf(r *reader, values []string, room int) List {
	n := r.number(uint64(room))
	l := List{}
	for range n {
		number := r.number(maxTable)
		count := r.number(maxCount)
		if r.err == nil && (number >= uint64(len(values)) || count == 0) {
			r.fail(fmt.Errorf("%w: value %d of %d", ErrMalformed, number, len(values)))
		}
		if r.err != nil {
			return List{}
		}
		e := Entry{Value: values[number], Count: count}
		if len(l.Entries) > 0 && e.Value <= l.Entries[len(l.Entries)-1].Value {
			r.fail(fmt.Errorf("%w: a list that is out of order", ErrMalformed))
			return List{}
		}
		l.Entries = append(l.Entries, e)
	}
	l.Other = r.number(maxCount)
	return l
}
