package store

import (
	"github.com/cockroachdb/pebble/v2"
)

// places goes through any number of indexes in the order of their places, each place once. The first error ends it.
type places struct {
	sources     []*source
	oldestFirst bool
	next        *source // the one whose place comes next; nil at the end
	err         error
}

// source is an iterator over one index.
type source struct {
	it    *pebble.Iterator
	place Place
	valid bool
}

// newPlaces begins behind l.After. On an error nothing is left open.
func newPlaces(at pebble.Reader, prefixes [][]byte, l Listing) (*places, error) {
	p := &places{oldestFirst: l.OldestFirst}
	for _, prefix := range prefixes {
		it, err := at.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
		if err != nil {
			return nil, joinClose(err, p.close())
		}
		s := &source{it: it}
		p.sources = append(p.sources, s)
		p.read(s, begin(it, prefix, l))
	}
	p.choose()
	return p, nil
}

// begin goes to the first place behind l.After.
func begin(it *pebble.Iterator, prefix []byte, l Listing) bool {
	at := appendPlace(prefix[:len(prefix):len(prefix)], l.After.Created, l.After.Code)
	switch {
	case l.After == (Place{}) && l.OldestFirst:
		return it.First()
	case l.After == (Place{}):
		return it.Last()
	case l.OldestFirst:
		return it.SeekGE(append(at, 0)) // the first key behind it
	}
	return it.SeekLT(at)
}

// read takes the place that a source's iterator stands on, if it stands on one.
func (p *places) read(s *source, valid bool) {
	s.valid = valid
	err := s.it.Error()
	if valid {
		s.place.Created, s.place.Code, err = placeAt(s.it)
	}
	if err != nil && p.err == nil {
		p.err = explain(err)
	}
}

// choose finds the source whose place comes next.
func (p *places) choose() {
	p.next = nil
	if p.err != nil {
		return
	}
	for _, s := range p.sources {
		if s.valid && (p.next == nil || p.before(s.place, p.next.place)) {
			p.next = s
		}
	}
}

func (p *places) before(a, b Place) bool {
	if !p.oldestFirst {
		a, b = b, a
	}
	return a.Created < b.Created || a.Created == b.Created && a.Code < b.Code
}

// valid says whether there is a place to be here.
func (p *places) valid() bool { return p.next != nil }

// here is the place that comes next; there must be one.
func (p *places) here() Place { return p.next.place }

// advance goes past the place that comes next, in every source that has it.
func (p *places) advance() {
	done := p.here()
	for _, s := range p.sources {
		switch {
		case !s.valid || s.place != done:
		case p.oldestFirst:
			p.read(s, s.it.Next())
		default:
			p.read(s, s.it.Prev())
		}
	}
	p.choose()
}

// close closes all iterators.
func (p *places) close() (err error) {
	for _, s := range p.sources {
		err = joinClose(err, s.it.Close())
	}
	return err
}
