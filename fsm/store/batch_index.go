package store

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/link"
)

// maxFound bounds the links with one target that Find looks at: a bulk of creates has Apply do this a thousand times.
const maxFound = 256

// reindex brings the rows that follow from a link from its old state to its new one; nil is no living link.
func (b *Batch) reindex(old, now *link.Link) error {
	var gone, come derived
	switch {
	case old == nil:
		come = derivedOf(now)
	case now == nil:
		gone = derivedOf(old)
	default:
		before, behind := derivedOf(old), derivedOf(now)
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
	}
}

// count adds to the number that a key leads to. A number of 0 has no row.
func (b *Batch) count(key []byte, change int64) error {
	old, err := b.get(key)
	if err != nil {
		return err
	}
	n := uint64(0)
	if old != nil {
		if n, err = decodeSum(old); err != nil {
			return b.fail(err)
		}
	}
	n += uint64(change)
	switch {
	case change < 0 && n == 1<<64-1:
		return b.fail(fmt.Errorf("%w: a number of links below 0", ErrDamaged))
	case n == 0:
		return b.drop(key, old)
	}
	b.value = encodeSum(b.value[:0], n)
	return b.replace(key, old, b.value)
}

// Find gives the oldest living link of an owner's with a target for which same holds. At most 256 links with the target are
// looked at, the oldest ones; found is false if none of these is the same. The batch must not be changed by same.
func (b *Batch) Find(owner string, target link.Target, same func(link.Link) bool) (l link.Link, found bool, err error) {
	if err := b.usable(); err != nil {
		return link.Link{}, false, err
	}
	if err := b.flushPlaces(); err != nil {
		return link.Link{}, false, err
	}
	prefix := b.store.schema.targets(nil, owner, target)
	it, err := b.rows.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return link.Link{}, false, b.fail(err)
	}
	defer it.Close()
	for looked, ok := 0, it.First(); ok && looked < maxFound; looked, ok = looked+1, it.Next() {
		_, c, err := placeAt(it)
		if err != nil {
			return link.Link{}, false, b.fail(err)
		}
		l, err := b.Link(c)
		if err != nil {
			return link.Link{}, false, b.fail(astray(c, err))
		}
		if l.Owner == owner && l.Target == target && same(l) {
			return l, true, nil
		}
	}
	if err := it.Error(); err != nil {
		return link.Link{}, false, b.fail(err)
	}
	return link.Link{}, false, nil
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
	for ok := it.SeekGE(appendPlace(b.store.schema.due(nil), b.next.linksDue, "")); ok; ok = it.Next() {
		until, c, err := placeAt(it)
		if err != nil {
			return nil, b.fail(err)
		}
		first = min(first, until)
		if until > last || len(codes) == limit {
			break
		}
		codes = append(codes, c)
	}
	if err := it.Error(); err != nil {
		return nil, b.fail(err)
	}
	b.next.linksDue = first
	return codes, nil
}

// placeAt takes the place apart that an iterator over an index stands on.
func placeAt(it *pebble.Iterator) (stamp uint64, c link.Code, err error) {
	stamp, c, ok := cutIndex(it.Key())
	if !ok {
		err = fmt.Errorf("%w: an index key of %d bytes", ErrDamaged, len(it.Key()))
	}
	return stamp, c, err
}
