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

// readAhead is how many links a list reads at once, at most: neighbours are read in the order of their rows.
const readAhead = 128

func (s *Store) list(ctx context.Context, at pebble.Reader, codec *link.Codec, l Listing) (page Page, err error) {
	prefixes, err := l.sources(at, s.schema)
	if err != nil {
		return Page{}, err
	}
	places, err := newPlaces(at, s.schema, codec, prefixes, l)
	if err != nil {
		return Page{}, err
	}
	defer func() { err = joinClose(err, places.close()) }()
	rows, err := newRows(at, s.schema, codec)
	if err != nil {
		return Page{}, err
	}
	defer func() { err = joinClose(err, rows.close()) }()
	page, last, err := fill(ctx, places, rows, l)
	if err != nil {
		return Page{}, err
	}
	page.Next = last.place(codec)
	return page, nil
}

// fill makes a page. It also gives the last spot that was looked at, "" if there was none.
func fill(ctx context.Context, places *places, rows *rows, l Listing) (page Page, last spot, err error) {
	// All of the first ones may be the page's. Of the more that are looked through, the fewer are.
	ahead := min(l.Limit, readAhead)
	for left := l.Examine; places.valid(); ahead = min(2*ahead, readAhead) {
		if len(page.Links) == l.Limit || left == 0 {
			page.More = true
			return page, last, nil
		}
		if ctx.Err() != nil {
			return Page{}, "", ctx.Err()
		}
		some := places.take(min(left, ahead))
		if places.err != nil {
			return Page{}, "", places.err
		}
		links, err := rows.read(some)
		if err != nil {
			return Page{}, "", err
		}
		left -= len(some)
		for i, found := range links {
			if len(page.Links) == l.Limit {
				page.More = true // those that are left were read for nothing
				return page, last, nil
			}
			if l.takes(found) {
				page.Links = append(page.Links, found)
			}
			last = some[i]
		}
	}
	return page, last, places.err
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
