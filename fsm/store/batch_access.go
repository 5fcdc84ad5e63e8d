package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/access"
)

// Rows are the rows of one kind as a batch sees and changes them, by id.
type Rows[T any] struct {
	b     *Batch
	shelf shelf[T]
}

// Keys are the API keys. They are put and dropped by PutKey and DropKey alone.
func (b *Batch) Keys() Rows[access.Key] { return Rows[access.Key]{b, keyShelf} }

// Users are the users.
func (b *Batch) Users() Rows[access.User] { return Rows[access.User]{b, userShelf} }

// Denied are the denied hosts, by host.
func (b *Batch) Denied() Rows[access.Denied] { return Rows[access.Denied]{b, deniedShelf} }

// Reports are the reports, by code.
func (b *Batch) Reports() Rows[access.Report] { return Rows[access.Report]{b, reportShelf} }

// Get reads a row. What cannot be an id has none.
func (r Rows[T]) Get(id string) (row T, found bool, err error) {
	b := r.b
	if err := b.usable(); err != nil || !r.shelf.takes(id) {
		return row, false, err
	}
	b.key = r.shelf.key(b.store.schema, b.key[:0], id)
	value, err := b.get(b.key)
	if err != nil || value == nil {
		return row, false, err
	}
	if row, err = r.shelf.decode(id, value); err != nil {
		return row, false, b.fail(err)
	}
	return row, true, nil
}

// Put writes a row, whatever was there. A row that has no room in its fields is ErrMisuse.
func (r Rows[T]) Put(row T) error {
	b := r.b
	if err := b.changeable(); err != nil {
		return err
	}
	id := r.shelf.id(row)
	if !r.shelf.takes(id) {
		return b.fail(fmt.Errorf("%w: an id of %d bytes", ErrMisuse, len(id)))
	}
	value, err := r.shelf.encode(b.value[:0], row)
	if err != nil {
		return b.fail(err)
	}
	b.value = value
	b.key = r.shelf.key(b.store.schema, b.key[:0], id)
	old, err := b.get(b.key)
	if err != nil {
		return err
	}
	if n := r.size(); old == nil && *n != 0 {
		*n++
	}
	return b.replace(b.key, old, value)
}

// Drop removes a row, if there is one.
func (r Rows[T]) Drop(id string) (dropped bool, err error) {
	b := r.b
	if err := b.changeable(); err != nil || !r.shelf.takes(id) {
		return false, err
	}
	b.key = r.shelf.key(b.store.schema, b.key[:0], id)
	old, err := b.get(b.key)
	if err != nil || old == nil {
		return false, err
	}
	if n := r.size(); *n != 0 {
		*n--
	}
	return true, b.drop(b.key, old)
}

// Len is how many rows there are. They are counted once; then their number is known.
func (r Rows[T]) Len() (int, error) {
	if err := r.b.usable(); err != nil {
		return 0, err
	}
	n := r.size()
	if *n == 0 {
		counted := uint64(1)
		if err := r.scan(func(*pebble.Iterator) error { counted++; return nil }); err != nil {
			return 0, err
		}
		*n = counted
	}
	return int(*n - 1), nil
}

// size is what is known of the number of rows, see published.
func (r Rows[T]) size() *uint64 {
	sizes := &r.b.next.sizes
	switch r.shelf.space {
	case spaceKeys:
		return &sizes.keys
	case spaceUsers:
		return &sizes.users
	case spaceDenied:
		return &sizes.denied
	}
	return &sizes.reports
}

// Each shows every row, in the order of ids. The batch must not be changed meanwhile.
func (r Rows[T]) Each(visit func(T)) error {
	if err := r.b.usable(); err != nil {
		return err
	}
	return r.scan(func(it *pebble.Iterator) error {
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		row, err := r.shelf.decode(string(it.Key()[prefixSize:]), value)
		if err == nil {
			visit(row)
		}
		return err
	})
}

func (r Rows[T]) scan(visit func(*pebble.Iterator) error) error {
	it, err := r.b.iterate(r.shelf.space)
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if err := visit(it); err != nil {
			return r.b.fail(err)
		}
	}
	if err := it.Error(); err != nil {
		return r.b.fail(err)
	}
	return nil
}

// IsDenied says whether links to a host are refused: it, or a name it lies below, is denied. It costs next to nothing when no
// host is.
func (b *Batch) IsDenied(host string) (bool, error) {
	n, err := b.Denied().Len()
	if err != nil || n == 0 {
		return false, err
	}
	for name := range access.Covering(host) {
		b.key = deniedShelf.key(b.store.schema, b.key[:0], name)
		if denied, err := b.has(b.key); denied || err != nil {
			return denied, err
		}
	}
	return false, nil
}

// has says whether there is a row. That there is none is not remembered: it is of no use to what is looked for next.
func (b *Batch) has(key []byte) (bool, error) {
	_, closer, err := b.rows.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err == nil {
		err = closer.Close()
	}
	if err != nil {
		return false, b.fail(err)
	}
	return true, nil
}
