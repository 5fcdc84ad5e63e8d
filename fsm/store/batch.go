package store

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/link"
)

// Batch is what one or more log entries change. It reads through itself: every method sees what the batch has changed so
// far. Nothing of it is visible to others before Commit, and after Commit all of it. A batch belongs to one goroutine.
//
// Each entry begins with Advance; only then come its changes. A method that fails with an error it does not name has made
// the batch unusable, and the node has to stop.
type Batch struct {
	store *Store
	gen   *generation // with a reference
	base  *published  // what the batch builds on
	rows  *pebble.Batch
	next  published // the state as the batch leaves it; its state row is flushed late
	// absent are keys that were looked for and have no row, so that nobody looks for them again. A key leaves when its row
	// is written, which is in replace and nowhere else.
	absent [8][]byte
	oldest int // the place in absent that is taken next

	hash    hasher
	places  *placeChanges // what is not in rows yet, as are sums
	sums    sums
	key     []byte  // room for keys
	row     []byte  // room for what the key of a link's row ends with
	value   []byte  // room for new values
	old     []byte  // room for the value that get found
	request request // the client's request last seen to exist
	// edited are the links that had a row and get another one: each of those rows is in the batch too, and takes more room.
	edited      []link.Code
	walks       map[string]*walk // by what the keys of their places begin with; at most maxWalks
	owned       bool             // next.proposers is the batch's own, and may be changed
	chunksOwned bool             // next.chunks is, likewise
	advanced    bool             // an entry has begun
	done        bool             // committed or closed
	err         error            // why the batch cannot be used any more
}

// NewBatch begins a batch on the committed state. It must be closed, also after Commit. ErrClosed, or the store's failure.
func (s *Store) NewBatch() (*Batch, error) {
	if err := s.failed.err(); err != nil {
		return nil, err
	}
	g, err := s.acquire()
	if err != nil {
		return nil, err
	}
	base := g.state.Load()
	return &Batch{store: s, gen: g, base: base, next: *base, rows: g.db.NewIndexedBatch(), places: takePlaces()}, nil
}

// Advance says that the entry at p comes now. It is called before the entry's changes, and for entries that change nothing
// too. Indexes have to grow, terms must not fall. Where p is the first entry past a multiple of 4,096, the digest of the
// state as it stands is kept.
func (b *Batch) Advance(p Position) error {
	if err := b.usable(); err != nil {
		return err
	}
	at := b.next.position
	if p.Index <= at.Index || p.Term < at.Term {
		return b.fail(fmt.Errorf("%w: entry %d of term %d after entry %d of term %d", ErrMisuse, p.Index, p.Term, at.Index, at.Term))
	}
	// The boundary itself may be an entry that never reaches the state machine: what counts is who is first behind it.
	if boundary := (p.Index - 1) / boundaryEvery * boundaryEvery; boundary > 0 && boundary >= at.Index {
		if err := b.flush(); err != nil {
			return err
		}
		b.next.boundary, b.next.boundaryValue = boundary, b.next.digest.digest()
	}
	b.next.position = p
	b.advanced = true
	return nil
}

// Commit makes the batch's changes and its position visible, together, and the log's durability theirs: the engine's own
// sync is left to Checkpoint. ErrClosed, or that the store has failed; a batch that another commit or a Replace overtook is
// ErrMisuse.
func (b *Batch) Commit() (err error) {
	if err := b.usable(); err != nil {
		return err
	}
	s := b.store
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.writable(); err != nil {
		return b.fail(err)
	}
	if s.live.Load() != b.gen || b.gen.state.Load() != b.base {
		return b.fail(fmt.Errorf("%w: the state has changed since the batch began", ErrMisuse))
	}
	if !b.advanced {
		b.done = true
		return nil
	}
	if err := b.flush(); err != nil {
		return err
	}
	if err := b.finish(); err != nil {
		return err
	}
	if err := b.rows.Set(s.schema.position(nil), encodeMeta(nil, b.next.meta), nil); err != nil {
		return b.fail(err)
	}
	if err := b.apply(); err != nil {
		s.failed.report(fmt.Errorf("commit entry %d: %w", b.next.position.Index, err))
		return b.fail(err)
	}
	b.done = true
	b.releaseChunks()
	state := b.next
	b.gen.state.Store(&state)
	return nil
}

// apply hands the rows to the engine, and has look-ups forget the links that change (see hotLinks). If the engine fails,
// nobody knows which rows it has: then they keep nothing new any more.
func (b *Batch) apply() (err error) {
	defer b.gen.alarm.recoverFault(&err)
	if len(b.edited) == 0 {
		return b.rows.Commit(pebble.NoSync)
	}
	hot := b.gen.hot.Load()
	hot.beginChange(b.edited)
	if err := b.rows.Commit(pebble.NoSync); err != nil {
		return err
	}
	hot.endChange()
	return nil
}

// finish adds the places, now that nobody reads through the batch any more: its rows go on in one without an index.
func (b *Batch) finish() error {
	rows := b.gen.db.NewBatchWithSize(b.rows.Len() + b.places.size())
	err := errors.Join(rows.Apply(b.rows, nil), b.places.flush(rows), b.rows.Close())
	b.rows = rows
	if err != nil {
		return b.fail(err)
	}
	return nil
}

// Close drops what was not committed. It may be called more than once.
func (b *Batch) Close() error {
	if b.gen == nil {
		return nil
	}
	err := b.rows.Close()
	b.places.release()
	b.places = nil
	b.gen.release()
	b.gen, b.done = nil, true
	return err
}

// usable says whether the batch can still be read and written.
func (b *Batch) usable() error {
	if b.err == nil && b.done {
		return fmt.Errorf("%w: the batch is over", ErrMisuse)
	}
	return b.err
}

// changeable says whether the batch can be written: an entry has begun.
func (b *Batch) changeable() error {
	if err := b.usable(); err != nil {
		return err
	}
	if !b.advanced {
		return b.fail(fmt.Errorf("%w: a change before its position", ErrMisuse))
	}
	return nil
}

// fail makes the batch unusable.
func (b *Batch) fail(err error) error {
	b.err = explain(err)
	return b.err
}

// get reads a row, into b.old; nil if there is none.
func (b *Batch) get(key []byte) ([]byte, error) {
	if b.findAbsent(key) >= 0 {
		return nil, nil
	}
	value, closer, err := b.rows.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		b.absent[b.oldest] = append(b.absent[b.oldest][:0], key...)
		b.oldest = (b.oldest + 1) % len(b.absent)
		return nil, nil
	}
	if err != nil {
		return nil, b.fail(err)
	}
	if b.old == nil { // or an empty value would look like a missing row
		b.old = make([]byte, 0, 2*len(value)+1)
	}
	b.old = append(b.old[:0], value...)
	if err := closer.Close(); err != nil {
		return nil, b.fail(err)
	}
	return b.old, nil
}

// findAbsent gives the place of a key in absent; -1 if it is not there, which says nothing about its row.
func (b *Batch) findAbsent(key []byte) int {
	for i, known := range b.absent {
		if bytes.Equal(known, key) {
			return i
		}
	}
	return -1
}

// set writes a row, whatever was there. value must not be in b.old.
func (b *Batch) set(key, value []byte) error {
	old, err := b.get(key)
	if err != nil {
		return err
	}
	return b.replace(key, old, value)
}

// replace writes a row whose value was old until now; nil means that there was none.
func (b *Batch) replace(key, old, value []byte) error {
	if old != nil {
		if bytes.Equal(old, value) {
			return nil
		}
		b.next.remove(&b.hash, key, old)
	} else if i := b.findAbsent(key); i >= 0 {
		b.absent[i] = b.absent[i][:0]
	}
	b.next.add(&b.hash, key, value)
	if err := b.rows.Set(key, value, nil); err != nil {
		return b.fail(err)
	}
	return nil
}

// drop removes a row whose value was old until now.
func (b *Batch) drop(key, old []byte) error {
	b.next.remove(&b.hash, key, old)
	if err := b.rows.Delete(key, nil); err != nil {
		return b.fail(err)
	}
	return nil
}

// dropRange removes the rows with keys from lower up to upper, which is not among them.
func (b *Batch) dropRange(lower, upper []byte) error {
	it, err := b.rows.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return b.fail(err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if err := b.dropAt(it); err != nil {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return b.fail(err)
	}
	return nil
}

// dropAt removes the row an iterator stands on.
func (b *Batch) dropAt(it *pebble.Iterator) error {
	value, err := it.ValueAndErr()
	if err != nil {
		return b.fail(err)
	}
	return b.drop(it.Key(), value)
}

// flush writes the rows that are written late.
func (b *Batch) flush() error {
	if err := b.flushChunks(); err != nil {
		return err
	}
	if err := b.flushSums(); err != nil {
		return err
	}
	return b.flushScalars()
}

// flushScalars brings the state row up to the batch's state. Everything in it only ever grows away from zero (a link needs a
// code key first), so whether there is a row does not depend on when this is called.
func (b *Batch) flushScalars() error {
	if b.next.stateRow == nil && b.next.scalars == (scalars{}) {
		return nil
	}
	value := encodeScalars(nil, b.next.scalars)
	if err := b.replace(b.store.schema.scalars(b.key[:0]), b.next.stateRow, value); err != nil {
		return err
	}
	b.next.stateRow = value
	return nil
}
