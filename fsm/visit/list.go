package visit

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Dimension is one way to sort visits. The numbers are on disk and never change.
type Dimension uint8

const (
	// Referrer is the host of the page that led here; empty if none is known.
	Referrer Dimension = iota
	// Country is an ISO 3166 code of two letters; empty if it is not known.
	Country
	// Browser is a name such as "Firefox".
	Browser
	// System is an operating system's name.
	System
	// Device is a class such as "mobile".
	Device
	// Language is the first language that the browser asks for, such as "de"; empty if it asks for none.
	Language
	// Status is the status code of the answer.
	Status
	// Code is what was asked for, of visits that were not redirected; nothing else has it.
	Code
	// Dimensions is how many there are.
	Dimensions
)

// Names are the dimensions' names as answers show them.
var names = [Dimensions]string{"referrer", "country", "browser", "system", "device", "language", "status", "code"}

// String is the dimension's name.
func (d Dimension) String() string { return names[d] }

// capacity is how many values a list keeps. It is some times what is shown, since what falls off a list begins anew.
var capacity = [Dimensions]int{Referrer: 32, Country: 48, Browser: 16, System: 12, Device: 8, Language: 24, Status: 12, Code: 24}

// MaxValue is the longest value in a list, in bytes.
const MaxValue = 64

// Entry is a value with its number of visits.
type Entry struct {
	Value string
	Count uint64
}

// List is the most frequent values of one dimension. The zero List is empty.
type List struct {
	// Entries are in the order of their values, each with a count of 1 or more. They are not changed in place: lists may share them.
	Entries []Entry
	// Other is the number of visits whose values did not fit.
	Other uint64
}

// Total is the number of visits in the list.
func (l List) Total() uint64 {
	total := l.Other
	for _, e := range l.Entries {
		total += e.Count
	}
	return total
}

// Top is the n most frequent values, the most frequent first, and the number of visits with others.
func (l List) Top(n int) (top []Entry, other uint64) {
	top = slices.SortedFunc(slices.Values(l.Entries), moreFrequent)
	other = l.Other
	for _, e := range top[min(n, len(top)):] {
		other += e.Count
	}
	return top[:min(n, len(top))], other
}

func moreFrequent(a, b Entry) int {
	return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
}

// merge gives the sum of both, with no more than room values: the most frequent stay.
func (l List) merge(o List, room int) List {
	sum := List{Other: plus(l.Other, o.Other)}
	if len(o.Entries) == 0 {
		sum.Entries = l.Entries
		return sum
	}
	sum.Entries = make([]Entry, 0, len(l.Entries)+len(o.Entries))
	a, b := l.Entries, o.Entries
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].Value < b[0].Value:
			sum.Entries, a = append(sum.Entries, a[0]), a[1:]
		case a[0].Value > b[0].Value:
			sum.Entries, b = append(sum.Entries, b[0]), b[1:]
		default:
			sum.Entries = append(sum.Entries, Entry{a[0].Value, plus(a[0].Count, b[0].Count)})
			a, b = a[1:], b[1:]
		}
	}
	sum.Entries = append(append(sum.Entries, a...), b...)
	sum.cut(room)
	return sum
}

// cut keeps the most frequent values.
func (l *List) cut(room int) {
	if len(l.Entries) <= room {
		return
	}
	slices.SortFunc(l.Entries, moreFrequent)
	for _, e := range l.Entries[room:] {
		l.Other = plus(l.Other, e.Count)
	}
	l.Entries = l.Entries[:room]
	slices.SortFunc(l.Entries, func(a, b Entry) int { return strings.Compare(a.Value, b.Value) })
}

// append appends the list: how many values, each with its length, its bytes and its count, and the others' count.
func (l List) append(buf []byte) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(l.Entries)))
	for _, e := range l.Entries {
		buf = append(binary.AppendUvarint(buf, uint64(len(e.Value))), e.Value...)
		buf = binary.AppendUvarint(buf, e.Count)
	}
	return binary.AppendUvarint(buf, l.Other)
}

// listOf undoes append, strictly: no value twice or out of order, none without visits.
func listOf(r *reader, room int) List {
	n := r.number(uint64(room))
	l := List{}
	if n > 0 {
		l.Entries = make([]Entry, 0, n)
	}
	for range n {
		e := Entry{Value: r.text(MaxValue), Count: r.number(maxCount)}
		if len(l.Entries) > 0 && e.Value <= l.Entries[len(l.Entries)-1].Value || e.Count == 0 {
			r.fail(fmt.Errorf("%w: a list that is out of order", ErrMalformed))
		}
		if r.err != nil {
			return List{}
		}
		l.Entries = append(l.Entries, e)
	}
	l.Other = r.number(maxCount)
	return l
}
