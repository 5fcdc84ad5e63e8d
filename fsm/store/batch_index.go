package store

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/link"
)

// reindex brings the rows that follow from a link from its old state to its new one; nil is no living link. key is that of its row,
// and may be b.key.
func (b *Batch) reindex(key []byte, old, now *link.Link) error {
	b.row = append(b.row[:0], key[prefixSize:]...)
	var gone, come derived
	switch {
	case old == nil:
		come = derivedOf(now, b.row)
	case now == nil:
		gone = derivedOf(old, b.row)
	default:
		before, behind := derivedOf(old, b.row), derivedOf(now, b.row)
		gone, come = before.without(behind), behind.without(before)
	}
	if come.until != 0 {
		b.next.linksDue = min(b.next.linksDue, come.until) // stays 0 while it is not known
	}
	b.key = gone.each(b.store.schema, b.key, b.underive)
	b.key = come.each(b.store.schema, b.key, b.derive)
	return b.err
}

// derive adds a row that follows from a link, or counts the link in. A failure is kept in b.err.
func (b *Batch) derive(key []byte, sum bool) {
	switch {
	case b.err != nil:
	case sum:
		b.err = b.count(key, 1)
	default:
		b.next.add(&b.hash, key, nil)
		b.places.note(key, true)
		b.retrace(key, true)
	}
}

// underive removes a row that follows from a link, or counts the link out.
func (b *Batch) underive(key []byte, sum bool) {
	switch {
	case b.err != nil:
	case sum:
		b.err = b.count(key, -1)
	default:
		b.next.remove(&b.hash, key, nil)
		b.places.note(key, false)
		b.retrace(key, false)
	}
}

// Due lists at most limit living links that ended at before or earlier, the first to end first. It costs next to nothing
// when there is none.
func (b *Batch) Due(before time.Time, limit int) (codes []link.Code, err error) {
	if err := b.usable(); err != nil {
		return nil, err
	}
	if before.UnixMilli() < 0 { // there is no stamp for that, nor a link that ended by then
		return nil, nil
	}
	last, err := stampOf(before)
	if err != nil {
		return nil, b.fail(err)
	}
	if b.next.linksDue > last || limit <= 0 {
		return nil, nil
	}
	if err := b.flushPlaces(); err != nil {
		return nil, err
	}
	it, err := b.iterate(spaceDue)
	if err != nil {
		return nil, err
	}
	defer it.Close()
	// Links that were deleted before stood before linksDue: going over their graves would cost more every time.
	first := neverDue
	for ok := it.SeekGE(appendSpot(b.store.schema.due(nil), b.next.linksDue, nil)); ok; ok = it.Next() {
		at, err := spotAt(it)
		if err != nil {
			return nil, b.fail(err)
		}
		until := spot(at).stamp()
		first = min(first, until)
		if until > last || len(codes) == limit {
			break
		}
		codes = append(codes, spot(at).code(b.next.codec))
	}
	if err := it.Error(); err != nil {
		return nil, b.fail(err)
	}
	b.next.linksDue = first
	return codes, nil
}

// spotAt is the spot that an iterator over an index stands on, good until it moves.
func spotAt(it *pebble.Iterator) ([]byte, error) {
	at, ok := cutIndex(it.Key())
	if !ok {
		return nil, fmt.Errorf("%w: an index key of %d bytes", ErrDamaged, len(it.Key()))
	}
	return at, nil
}
