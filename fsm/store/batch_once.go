package store

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/link"
)

// neverDue is past every stamp: no request is kept.
const neverDue = maxStamp + 1

// request is what is known of a client's request, as long as a batch is concerned with it.
type request struct {
	key  string // its head's
	head OnceHead
	free gap // rows without a result
}

// Once reads what is remembered of a client's request, also if it has expired and was not yet swept.
func (b *Batch) Once(scope, key string) (h OnceHead, found bool, err error) {
	if err := b.usable(); err != nil {
		return h, false, err
	}
	if err := b.checkOnce(scope, key); err != nil {
		return h, false, err
	}
	if b.key = b.store.schema.once(b.key[:0], scope, key); string(b.key) == b.request.key {
		return b.request.head, true, nil
	}
	row, err := b.get(b.key)
	if err != nil || row == nil {
		return h, false, err
	}
	if h, err = decodeOnce(row); err != nil {
		return h, false, b.fail(err)
	}
	b.request = request{key: string(b.key), head: h}
	return h, true, nil
}

// PutOnce remembers a client's request until h.Expires. Another request under the same scope and key is forgotten, with its
// rows; the same one is left as it is.
func (b *Batch) PutOnce(scope, key string, h OnceHead) error {
	if err := b.changeable(); err != nil {
		return err
	}
	expires, err := stampOf(h.Expires)
	if err != nil {
		return b.fail(err)
	}
	if expires == 0 {
		return b.fail(fmt.Errorf("%w: a request that never expires", ErrMisuse))
	}
	h.Expires = timeOf(expires)
	before, found, err := b.Once(scope, key)
	if err != nil || found && before == h {
		return err
	}
	if found {
		if err := b.replaceOnce(scope, key, before); err != nil {
			return err
		}
	}
	if b.value, err = encodeOnce(b.value[:0], h); err != nil {
		return b.fail(err)
	}
	// There is no head, nor any more, and a place in the order of expiry and rows come and go with their head: none of
	// them need be looked for.
	b.key = b.store.schema.once(b.key[:0], scope, key)
	if err := b.replace(b.key, nil, b.value); err != nil {
		return err
	}
	b.request = request{key: string(b.key), head: h, free: gap{from: 0, to: 1 << 32}}
	b.key = b.store.schema.onceDue(b.key[:0], expires, scope, key)
	b.next.oncesDue = min(b.next.oncesDue, expires) // stays 0 while it is not known
	return b.replace(b.key, nil, []byte{})
}

// replaceOnce forgets a request whose head is about to be written anew.
func (b *Batch) replaceOnce(scope, key string, h OnceHead) error {
	it, err := b.iterate(spaceOnceRows)
	if err != nil {
		return err
	}
	_, err = b.removeOnce(it, scope, key, h)
	if closeErr := it.Close(); err == nil && closeErr != nil {
		err = b.fail(closeErr)
	}
	return err
}

// OnceRow reads the result of one row of a client's request.
func (b *Batch) OnceRow(scope, key string, row uint32) (r Result, found bool, err error) {
	if err := b.usable(); err != nil {
		return r, false, err
	}
	if err := b.checkOnce(scope, key); err != nil {
		return r, false, err
	}
	if b.key = b.store.schema.once(b.key[:0], scope, key); string(b.key) == b.request.key && b.request.free.has(uint64(row)) {
		return r, false, nil
	}
	b.key = b.store.schema.onceRow(b.key[:0], scope, key, row)
	return b.result(b.key)
}

// PutOnceRow remembers the result of one row of a client's request, as long as the request itself. A request that is not
// remembered is ErrMisuse, as is a result that encodeResult has no room for.
func (b *Batch) PutOnceRow(scope, key string, row uint32, r Result) error {
	if err := b.changeable(); err != nil {
		return err
	}
	if _, found, err := b.Once(scope, key); err != nil {
		return err
	} else if !found {
		return b.fail(fmt.Errorf("%w: a row of a request that is not remembered", ErrMisuse))
	}
	b.key = b.store.schema.onceRow(b.key[:0], scope, key, row)
	if b.request.free.has(uint64(row)) { // Once has found the request, so it is the one at hand
		b.request.free.above(uint64(row))
		return b.addResult(b.key, r)
	}
	return b.putResult(b.key, r)
}

// result reads a result's row.
func (b *Batch) result(key []byte) (r Result, found bool, err error) {
	row, err := b.get(key)
	if err != nil || row == nil {
		return r, false, err
	}
	if r, err = decodeResult(row); err != nil {
		return r, false, b.fail(err)
	}
	return r, true, nil
}

// addResult writes a result's row, which is known not to be there.
func (b *Batch) addResult(key []byte, r Result) (err error) {
	if b.value, err = encodeResult(b.value[:0], r); err != nil {
		return b.fail(err)
	}
	return b.replace(key, nil, b.value)
}

// putResult writes a result's row, whatever was there.
func (b *Batch) putResult(key []byte, r Result) (err error) {
	if b.value, err = encodeResult(b.value[:0], r); err != nil {
		return b.fail(err)
	}
	return b.set(key, b.value)
}

// dueOnce is a request that has expired.
type dueOnce struct {
	expires    uint64
	scope, key string
}

// SweepOnce forgets the client requests that expired at before or earlier, oldest first and whole, and stops when limit rows
// or more are gone. It costs next to nothing when none has expired.
func (b *Batch) SweepOnce(before time.Time, limit int) (removed int, err error) {
	if err := b.changeable(); err != nil {
		return 0, err
	}
	cut, err := stampOf(before)
	if err != nil {
		return 0, b.fail(err)
	}
	if b.next.oncesDue > cut || limit <= 0 {
		return 0, nil
	}
	due, next, err := b.dueOnces(cut, limit)
	if err != nil {
		return 0, err
	}
	if len(due) > 0 {
		it, err := b.iterate(spaceOnceRows)
		if err != nil {
			return 0, err
		}
		defer it.Close()
		for i, d := range due {
			if removed >= limit {
				next = due[i].expires
				break
			}
			n, err := b.removeOnce(it, d.scope, d.key, OnceHead{Expires: timeOf(d.expires)})
			if err != nil {
				return removed, err
			}
			removed += n
		}
	}
	b.next.oncesDue = next
	return removed, nil
}

// dueOnces lists at most limit requests that expire at cut or earlier, and gives the expiry of the first one after them.
func (b *Batch) dueOnces(cut uint64, limit int) (due []dueOnce, next uint64, err error) {
	it, err := b.iterate(spaceOnceDue)
	if err != nil {
		return nil, 0, err
	}
	defer it.Close()
	// What was swept before lies before oncesDue: going over it again would cost more with every sweep.
	next = neverDue
	for ok := it.SeekGE(b.store.schema.onceDue(nil, b.next.oncesDue, "", "")); ok; ok = it.Next() {
		var d dueOnce
		if d.expires, d.scope, d.key, err = b.store.schema.cutDue(it.Key()); err != nil {
			return nil, 0, b.fail(err)
		}
		if d.expires > cut || len(due) == limit {
			next = d.expires
			break
		}
		due = append(due, d)
	}
	if err := it.Error(); err != nil {
		return nil, 0, b.fail(err)
	}
	return due, next, nil
}

// removeOnce forgets a request and its rows, which it finds with it. It answers how many rows are gone.
func (b *Batch) removeOnce(it *pebble.Iterator, scope, key string, h OnceHead) (removed int, err error) {
	expires, err := stampOf(h.Expires)
	if err != nil {
		return 0, b.fail(err)
	}
	s := b.store.schema
	for _, k := range [][]byte{s.once(nil, scope, key), s.onceDue(nil, expires, scope, key)} {
		old, err := b.get(k)
		if err != nil {
			return removed, err
		}
		if old == nil {
			return removed, b.fail(fmt.Errorf("%w: a request and its place in the order of expiry do not agree", ErrDamaged))
		}
		if err := b.drop(k, old); err != nil {
			return removed, err
		}
		removed++
	}
	b.request = request{}
	prefix := s.onceRows(nil, scope, key)
	for ok := it.SeekGE(prefix); ok && len(it.Key()) == len(prefix)+4 && string(it.Key()[:len(prefix)]) == string(prefix); ok = it.Next() {
		if err := b.dropAt(it); err != nil {
			return removed, err
		}
		removed++
	}
	if err := it.Error(); err != nil {
		return removed, b.fail(err)
	}
	return removed, nil
}

// checkOnce says whether a request's name fits into a key.
func (b *Batch) checkOnce(scope, key string) error {
	if len(scope) > maxScope || key == "" || len(key) > link.MaxKey {
		return b.fail(fmt.Errorf("%w: the name of a request: %w", ErrMisuse, errLong))
	}
	return nil
}

// iterate opens an iterator over one space of the batch as it stands now.
func (b *Batch) iterate(space byte) (*pebble.Iterator, error) {
	lower, upper := b.store.schema.spaceBounds(space)
	it, err := b.rows.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, b.fail(err)
	}
	return it, nil
}
