package visit

import "encoding/binary"

// Counts are numbers of visits.
type Counts struct {
	// Humans are visits of people, as far as anybody can tell.
	Humans uint64
	// Bots are visits of programs: crawlers, fetchers of previews, and HEAD requests.
	Bots uint64
}

// Total is all of them.
func (c Counts) Total() uint64 { return c.Humans + c.Bots }

// plus adds numbers of visits, to maxCount at most: what was once written must be readable, whatever comes.
func plus(a, b uint64) uint64 { return min(a+b, maxCount) }

// Plus is the sum of both.
func (c Counts) Plus(o Counts) Counts {
	return Counts{Humans: plus(c.Humans, o.Humans), Bots: plus(c.Bots, o.Bots)}
}

// Append appends the counts as rows hold them.
func (c Counts) Append(buf []byte) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(buf, c.Humans), c.Bots)
}

// ParseCounts undoes Append. ErrMalformed.
func ParseCounts(b []byte) (Counts, error) {
	r := reader{rest: b}
	c := countsOf(&r)
	return c, r.end()
}

func countsOf(r *reader) Counts { return Counts{Humans: r.number(maxCount), Bots: r.number(maxCount)} }

// Stats is what is kept of any number of visits. The zero Stats is of none. Stats that were copied or merged share memory: only
// their first owner may go on adding to Visitors.
type Stats struct {
	Counts
	// Lists are the most frequent values in each dimension, of visits of people.
	Lists [Dimensions]List
	// Visitors estimates how many different people came, each of them counted once a day.
	Visitors Sketch
}

// MaxEncoded is the longest encoding of Stats, in bytes.
var MaxEncoded = maxEncoded()

func maxEncoded() int {
	const number = 9 // a count takes no more
	size := 2*number + 2 + denseSize
	for _, room := range capacity {
		size += 1 + room*(1+MaxValue+number) + number
	}
	return size
}

// Merge gives the stats of the visits of both. Neither is changed.
func (s Stats) Merge(o Stats) Stats {
	sum := Stats{Counts: s.Counts.Plus(o.Counts), Visitors: s.Visitors.merge(o.Visitors)}
	for d := range sum.Lists {
		sum.Lists[d] = s.Lists[d].merge(o.Lists[d], capacity[d])
	}
	return sum
}

// Append appends the stats as rows hold them.
func (s Stats) Append(buf []byte) []byte {
	buf = s.Counts.Append(buf)
	for _, l := range s.Lists {
		buf = l.append(buf)
	}
	return s.Visitors.append(buf)
}

// ParseStats undoes Append, strictly: there is one encoding of any stats. ErrMalformed.
func ParseStats(b []byte) (Stats, error) {
	r := reader{rest: b}
	s := Stats{Counts: countsOf(&r)}
	for d := range s.Lists {
		s.Lists[d] = listOf(&r, capacity[d])
	}
	s.Visitors = sketchOf(&r)
	return s, r.end()
}
