package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/link"
)

// now gives the committed state as it stands, without a lock.
func (s *Store) now() *published { return s.live.Load().state.Load() }

// Position is where in the log the committed state stands.
func (s *Store) Position() Position { return s.now().position }

// Counter is the last id that was given out or passed over. Rows up to it were readable before it was published: a look-up
// that begins after this call finds every one of them.
func (s *Store) Counter() link.ID { return s.now().counter }

// Stamp is the time of the last entry, in UTC with milliseconds; zero before the first.
func (s *Store) Stamp() time.Time { return timeOf(s.now().stamp) }

// Codec turns ids into codes and back; false until a code key is set.
func (s *Store) Codec() (*link.Codec, bool) {
	codec := s.now().codec
	return codec, codec != nil
}

// ClusterVersion selects what commands mean; 0 until it is set.
func (s *Store) ClusterVersion() uint32 { return s.now().version }

// Links is how many links there are, deleted ones not counted.
func (s *Store) Links() uint64 { return s.now().links }

// Digest is the digest of the state as it was before the first entry with an index above upTo, which is the last multiple
// of 4,096 that the state has passed; 0 and the empty state's digest before the first. Replicas that answer the same upTo
// have to answer the same digest.
func (s *Store) Digest() (upTo uint64, d Digest) {
	p := s.now()
	return p.boundary, p.boundaryValue
}

// CurrentDigest is the digest of the committed state, and where that state stands.
func (s *Store) CurrentDigest() (Position, Digest) {
	p := s.now()
	return p.position, p.digest.digest()
}

// Lookup reads the link with a code from this replica.
//
// Errors: link.ErrGone with the tombstone's stamps, owner and version if it was deleted. link.ErrNotFound if this replica has no
// such link, which says nothing about others (see Route). ErrClosed. Anything else is a failing disk or damage, and
// Options.Fatal knows of it.
func (s *Store) Lookup(c link.Code) (l link.Link, err error) {
	err = s.read(func(g *generation) error {
		l, err = getLink(g.db, s.schema, g.state.Load().codec, c)
		return err
	})
	return l, err
}

// Route is Lookup for a visit, which also says, with link.ErrNotFound, whether the absence is proven: no replica has the link
// nor ever will, because its code is that of an id which the counter had passed before the look-up began. Otherwise the link
// may have been made where this replica has not got to yet.
func (s *Store) Route(c link.Code) (r link.Route, proven bool, err error) {
	if r, found := s.live.Load().hot.Load().find(c); found && s.failed.damage() == nil {
		return r, false, nil
	}
	err = s.read(func(g *generation) error {
		state := g.state.Load() // before the row is looked for: a counter read later proves nothing
		hot := g.hot.Load()
		since := hot.moment() // before the row is looked for, too
		l, err := getLink(g.db, s.schema, state.codec, c)
		if err == nil {
			r = l.Route()
			hot.keep(c, r, since)
		}
		proven = errors.Is(err, link.ErrNotFound) && state.passed(c)
		return err
	})
	return r, proven, err
}

// read has look read this replica's state, unless the store is closed or damaged. What look answers but link.ErrNotFound and
// link.ErrGone is a fault.
func (s *Store) read(look func(*generation) error) error {
	g, err := s.acquire()
	if err != nil {
		return err
	}
	defer g.release()
	if err := s.failed.damage(); err != nil {
		return err
	}
	err = look(g)
	if err != nil && !errors.Is(err, link.ErrGone) && !errors.Is(err, link.ErrNotFound) {
		s.failed.report(fmt.Errorf("read: %w", err))
	}
	return err
}

// passed says whether c is the code of an id that the counter has passed: it will not be given out any more, and a slug
// that reads like it is refused.
func (p *published) passed(c link.Code) bool {
	if p.codec == nil {
		return false
	}
	id, ok := p.codec.Decode(c)
	return ok && id <= p.counter
}

// getLink reads the row of a code through r.
func getLink(r pebble.Reader, s schema, codec *link.Codec, c link.Code) (link.Link, error) {
	// The engine makes every key escape: this is the one small allocation of a look-up besides the target.
	key := s.link(make([]byte, 0, prefixSize+max(8, len(c))), codec, c)
	value, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return link.Link{}, link.ErrNotFound
	}
	if err != nil {
		return link.Link{}, explain(err)
	}
	l, err := linkOf(value, c)
	if closeErr := closer.Close(); err == nil && closeErr != nil {
		err = explain(closeErr)
	}
	return l, err
}

// linkOf reads the row of a code; link.ErrGone with a tombstone.
func linkOf(row []byte, c link.Code) (link.Link, error) {
	l := link.Link{Code: c}
	alive, err := decodeLink(row, &l)
	switch {
	case err != nil:
		return link.Link{}, fmt.Errorf("link %q: %w", c, err)
	case !alive:
		return l, link.ErrGone
	}
	return l, nil
}
