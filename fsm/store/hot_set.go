package store

import (
	"errors"
	"sync"
	"sync/atomic"

	"tinyurl/fsm/link"
)

// hotSet holds a few links and fills one line of the processor's cache. Readers take no lock.
type hotSet struct {
	lock sync.Mutex // held to take a link in and to remove one
	// tags has a byte of each way's link's hash, 0 for an empty way, so that a search touches no link in vain. The two bytes
	// that are left count (see hotTaken, hotHand).
	tags atomic.Uint64
	ways [hotWays]atomic.Pointer[hotLink]
}

// hotLink is a route in little room. All but used is immutable.
type hotLink struct {
	text         string // the code, and the target behind it
	since, until uint64 // stamps
	redirect     link.Redirect
	codeSize     uint8
	dropQuery    bool
	protected    bool
	used         atomic.Bool // found since the last search for room came past
}

const (
	hotWays     = 6
	hotTaken    = 6                 // the byte of tags that says what the set's links take, in units
	hotHand     = 7                 // the byte of tags that says where the next search for room begins
	hotUnit     = 16                // bytes
	hotSetSize  = 64                // the size of a hotSet, in bytes
	hotLinkSize = 48                // what a hotLink takes without its text, in bytes
	hotRoom     = 6 * 192 / hotUnit // what a set's links may take, in units: six with codes and targets of 144 bytes together
)

// find gives the link with a code and the way it stands in; nil if it is not there.
func (s *hotSet) find(c link.Code, tag byte) (way int, found *hotLink) {
	for tags := s.tags.Load(); way < hotWays; way, tags = way+1, tags>>8 {
		if byte(tags) != tag {
			continue
		}
		if l := s.ways[way].Load(); l != nil && l.is(c) {
			return way, l
		}
	}
	return 0, nil
}

// add puts a link in and removes others until there is room for it. The caller holds lock.
func (s *hotSet) add(fresh *hotLink, tag byte) {
	way := s.free()
	for ; way < 0 || s.taken()+fresh.units() > hotRoom; way = s.free() {
		s.evict()
	}
	s.ways[way].Store(fresh)
	s.setTag(way, tag)
	s.setTag(hotTaken, byte(s.taken()+fresh.units()))
}

// free gives an empty way, -1 if there is none.
func (s *hotSet) free() int {
	for way := range s.ways {
		if s.tag(way) == 0 {
			return way
		}
	}
	return -1
}

// evict removes one link, by the clock algorithm (Corbató, "A paging experiment with the Multics system", 1968): the
// first that nobody has found since the hand came past. The caller holds lock, and the set is not empty.
func (s *hotSet) evict() {
	for step := range 2 * hotWays {
		way := (int(s.tag(hotHand)) + step) % hotWays
		l := s.ways[way].Load()
		if l == nil || step < hotWays && l.used.Swap(false) {
			continue
		}
		s.remove(way)
		s.setTag(hotHand, byte(way+1)%hotWays)
		return
	}
}

// remove empties a way that a link stands in. The caller holds lock.
func (s *hotSet) remove(way int) {
	s.setTag(hotTaken, byte(s.taken()-s.ways[way].Load().units()))
	s.setTag(way, 0)
	s.ways[way].Store(nil)
}

// taken is what the set's links take, in units.
func (s *hotSet) taken() int { return int(s.tag(hotTaken)) }

func (s *hotSet) tag(at int) byte { return byte(s.tags.Load() >> (8 * at)) }

// setTag sets one byte of tags. The caller holds lock.
func (s *hotSet) setTag(at int, tag byte) {
	shift := 8 * at
	s.tags.Store(s.tags.Load()&^(0xff<<shift) | uint64(tag)<<shift)
}

func newHotLink(c link.Code, r link.Route) (*hotLink, error) {
	since, err1 := stampOf(r.ValidSince)
	until, err2 := stampOf(r.ValidUntil)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return &hotLink{
		// One new string, not the caller's two: a code may be a small part of a long request.
		text:     string(c) + string(r.Target),
		codeSize: uint8(len(c)),
		since:    since, until: until, redirect: r.Redirect, dropQuery: r.DropQuery, protected: r.Protected,
	}, nil
}

// is says whether it is the link with code c.
func (l *hotLink) is(c link.Code) bool {
	return int(l.codeSize) == len(c) && l.text[:l.codeSize] == string(c)
}

// route gives the route as it is read from the engine.
func (l *hotLink) route() link.Route {
	return link.Route{
		Target: link.Target(l.text[l.codeSize:]), ValidSince: timeOf(l.since), ValidUntil: timeOf(l.until),
		Redirect: l.redirect, DropQuery: l.dropQuery, Protected: l.protected,
	}
}

func (l *hotLink) units() int { return hotUnits(len(l.text)) }

// hotUnits is what a link whose code and target have so many bytes takes on the heap. Go rounds a text up by no more than
// this: to 16 bytes, and a long one by a sixth.
func hotUnits(text int) int {
	if text > 256 {
		text += text / 6
	}
	return (hotLinkSize + text + hotUnit - 1) / hotUnit
}
