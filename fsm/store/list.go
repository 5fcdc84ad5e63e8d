package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/link"
)

// Page is a part of a list.
type Page struct {
	Links []link.Link
	// Next is where the next page begins, if there may be More links.
	Next Place
	More bool
}

// List gives a page of links of the state as it stands. A link that changes its CreatedAt between two pages may be missed.
// The page may be short, or empty, where Examine links were looked at.
//
// Errors: ErrMisuse, for bounds that a listing must not have. ErrClosed; the context's error. Anything else is a failing disk or
// damage, and Options.Fatal knows of it.
func (s *Store) List(ctx context.Context, l Listing) (page Page, err error) {
	if err := l.check(); err != nil {
		return Page{}, err
	}
	err = s.readUntil(ctx, func(g *generation) error {
		codec := g.state.Load().codec
		if codec == nil { // there was no link; a snapshot taken now might have one already
			return nil
		}
		at := g.db.NewSnapshot()
		page, err = s.list(ctx, at, codec, l)
		return joinClose(err, at.Close())
	})
	if err != nil {
		return Page{}, err
	}
	return page, nil
}

func (s *Store) list(ctx context.Context, at pebble.Reader, codec *link.Codec, l Listing) (page Page, err error) {
	prefixes, err := l.sources(at, s.schema)
	if err != nil {
		return Page{}, err
	}
	places, err := newPlaces(at, prefixes, l)
	if err != nil {
		return Page{}, err
	}
	defer func() { err = joinClose(err, places.close()) }()
	for examined := 0; places.valid(); examined++ {
		if len(page.Links) == l.Limit || examined == l.Examine {
			page.More = true
			return page, nil
		}
		if ctx.Err() != nil {
			return Page{}, ctx.Err()
		}
		place := places.here()
		found, err := getLink(at, s.schema, codec, place.Code)
		if err != nil {
			return Page{}, astray(place.Code, err)
		}
		if l.takes(found) {
			page.Links = append(page.Links, found)
		}
		page.Next = place
		places.advance()
	}
	return page, places.err
}

// astray is the error of an index that leads to a link which cannot be read. That there is no such link is damage, and
// must not be taken for the answer to whoever asks for one.
func astray(c link.Code, err error) error {
	if errors.Is(err, link.ErrNotFound) || errors.Is(err, link.ErrGone) {
		return fmt.Errorf("%w: an index leads to link %q: %s", ErrDamaged, c, err.Error())
	}
	return err
}

// readUntil is read for what may be stopped by a context, which is no fault of the store's.
func (s *Store) readUntil(ctx context.Context, look func(*generation) error) error {
	var stopped error
	err := s.read(func(g *generation) error {
		err := look(g)
		if err != nil && errors.Is(err, ctx.Err()) {
			stopped = err
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return stopped
}

// joinClose is the error of what was read from the engine and then closed. Iterators tell their errors again when they are
// closed: the first one comes first.
func joinClose(err, closeErr error) error {
	if err != nil {
		return explain(err)
	}
	return explain(closeErr)
}
