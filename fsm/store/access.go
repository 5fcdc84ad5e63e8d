package store

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// List is the rows of one kind as they stand, in the order of their ids.
type List[T any] struct {
	s     *Store
	shelf shelf[T]
}

// Keys are the API keys.
func (s *Store) Keys() List[access.Key] { return List[access.Key]{s, keyShelf} }

// Users are the users.
func (s *Store) Users() List[access.User] { return List[access.User]{s, userShelf} }

// Denied are the denied hosts, by host.
func (s *Store) Denied() List[access.Denied] { return List[access.Denied]{s, deniedShelf} }

// Reports are the reports, by code.
func (s *Store) Reports() List[access.Report] { return List[access.Report]{s, reportShelf} }

// Get reads a row: link.ErrNotFound if there is none. Other errors are those of Lookup.
func (l List[T]) Get(id string) (row T, err error) {
	err = l.s.read(func(g *generation) error {
		row, err = l.get(g, id)
		return err
	})
	return row, err
}

func (l List[T]) get(g *generation, id string) (row T, err error) {
	if !l.shelf.takes(id) {
		return row, link.ErrNotFound
	}
	value, err := readEngine(g.db, l.shelf.key(l.s.schema, nil, id))
	if err != nil {
		return row, err
	}
	if value == nil {
		return row, link.ErrNotFound
	}
	return l.shelf.decode(id, value)
}

// Page gives at most limit rows, 1 or more, behind the one with the id after, be it there or not; "" begins. It says whether
// there are more. Errors are those of Lookup, and ErrMisuse.
func (l List[T]) Page(after string, limit int) (rows []T, more bool, err error) {
	if limit < 1 {
		return nil, false, fmt.Errorf("%w: a page of %d rows", ErrMisuse, limit)
	}
	err = l.s.read(func(g *generation) error {
		lower, upper := l.s.schema.spaceBounds(l.shelf.space)
		if after != "" {
			lower = append(append(lower, after...), 0)
		}
		it, err := g.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
		if err != nil {
			return explain(err)
		}
		for ok := it.First(); ok && err == nil && !more; ok = it.Next() {
			if more = len(rows) == limit; more {
				break
			}
			var row T
			if row, err = l.at(it); err == nil {
				rows = append(rows, row)
			}
		}
		if err == nil {
			err = it.Error()
		}
		return joinClose(err, it.Close())
	})
	if err != nil {
		return nil, false, err
	}
	return rows, more, nil
}

// at decodes the row an iterator stands on.
func (l List[T]) at(it *pebble.Iterator) (row T, err error) {
	value, err := it.ValueAndErr()
	if err != nil {
		return row, err
	}
	return l.shelf.decode(string(it.Key()[prefixSize:]), value)
}

// KeyByHash finds a key by what is kept of its secret, with the user it belongs to, if any. link.ErrNotFound if there is none
// here, which says nothing about others. Other errors are those of Lookup.
func (s *Store) KeyByHash(h access.Hash) (k access.Key, owner access.User, err error) {
	err = s.read(func(g *generation) error {
		id, err := readEngine(g.db, s.schema.keyHash(nil, h))
		if err != nil {
			return err
		}
		k, owner, err = s.keyAndOwner(g, string(id)) // no id is nobody's
		return err
	})
	return k, owner, err
}

// Key finds a key by its id, as KeyByHash does.
func (s *Store) Key(id string) (k access.Key, owner access.User, err error) {
	err = s.read(func(g *generation) error {
		k, owner, err = s.keyAndOwner(g, id)
		return err
	})
	return k, owner, err
}

// keyAndOwner reads rows one after another: what is dropped meanwhile is not there, and a key is dropped with its user.
func (s *Store) keyAndOwner(g *generation, id string) (k access.Key, owner access.User, err error) {
	if k, err = s.Keys().get(g, id); err != nil {
		return access.Key{}, access.User{}, err
	}
	if k.Owner != "" {
		if owner, err = s.Users().get(g, k.Owner); err != nil {
			return access.Key{}, access.User{}, err
		}
	}
	return k, owner, nil
}
