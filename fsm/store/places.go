package store

import (
	"bytes"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/link"
)

// places goes through any number of indexes in the order of their spots, each spot once. The first error ends it.
type places struct {
	sources     []*source
	oldestFirst bool
	next        *source // the one whose spot comes next; nil at the end
	taken       []spot
	err         error
}

// source is an iterator over one index.
type source struct {
	it    *pebble.Iterator
	spot  []byte // good until it moves
	valid bool
}

// newPlaces begins behind l.After. On an error nothing is left open.
func newPlaces(at pebble.Reader, s schema, codec *link.Codec, prefixes [][]byte, l Listing) (*places, error) {
	var behind []byte
	if l.After != (Place{}) {
		behind = l.After.appendTo(nil, s, codec)
	}
	p := &places{oldestFirst: l.OldestFirst}
	for _, prefix := range prefixes {
		it, err := at.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
		if err != nil {
			return nil, joinClose(err, p.close())
		}
		from := &source{it: it}
		p.sources = append(p.sources, from)
		p.read(from, begin(it, prefix, behind, l.OldestFirst))
	}
	p.choose()
	return p, nil
}

// begin goes to the first spot behind another one, or to the first of all if that is nil.
func begin(it *pebble.Iterator, prefix, behind []byte, oldestFirst bool) bool {
	at := slices.Concat(prefix, behind)
	switch {
	case behind == nil && oldestFirst:
		return it.First()
	case behind == nil:
		return it.Last()
	case oldestFirst:
		return it.SeekGE(append(at, 0)) // the first key behind it
	}
	return it.SeekLT(at)
}

// read takes the spot that a source's iterator stands on, if it stands on one.
func (p *places) read(s *source, valid bool) {
	s.valid = valid
	err := s.it.Error()
	if valid {
		s.spot, err = spotAt(s.it)
	}
	if err != nil && p.err == nil {
		p.err = explain(err)
	}
}

// choose finds the source whose spot comes next.
func (p *places) choose() {
	p.next = nil
	if p.err != nil {
		return
	}
	for _, s := range p.sources {
		if s.valid && (p.next == nil || p.before(s.spot, p.next.spot)) {
			p.next = s
		}
	}
}

func (p *places) before(a, b []byte) bool {
	if !p.oldestFirst {
		a, b = b, a
	}
	return bytes.Compare(a, b) < 0
}

// valid says whether there is another spot.
func (p *places) valid() bool { return p.next != nil }

// advance goes past a spot, in every source that has it.
func (p *places) advance(done spot) {
	for _, s := range p.sources {
		switch {
		case !s.valid || string(s.spot) != string(done):
		case p.oldestFirst:
			p.read(s, s.it.Next())
		default:
			p.read(s, s.it.Prev())
		}
	}
	p.choose()
}

// take gives the next spots, at most so many, and goes past them. The slice is good until it is called again.
func (p *places) take(most int) []spot {
	p.taken = p.taken[:0]
	for len(p.taken) < most && p.valid() {
		next := spot(p.next.spot)
		p.taken = append(p.taken, next)
		p.advance(next)
	}
	return p.taken
}

// close closes all iterators.
func (p *places) close() (err error) {
	for _, s := range p.sources {
		err = joinClose(err, s.it.Close())
	}
	return err
}
