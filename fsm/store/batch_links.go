package store

import (
	"errors"
	"fmt"
	"time"

	"tinyurl/fsm/link"
)

// Link reads the link with a code. link.ErrNotFound; link.ErrGone with the tombstone's code, stamps and version.
func (b *Batch) Link(c link.Code) (link.Link, error) {
	if err := b.usable(); err != nil {
		return link.Link{}, err
	}
	row, err := b.get(b.linkKey(c))
	if err != nil {
		return link.Link{}, err
	}
	return b.decode(row, c)
}

// AddGenerated adds a link whose code was made from the counter, and moves the counter to its id if it stands below.
// link.ErrSlugTaken if the code has a row already, living or not: then nothing was changed. A code whose id the counter has
// passed is ErrMisuse.
func (b *Batch) AddGenerated(l link.Link) (err error) {
	if err := b.linkable(l.Code); err != nil {
		return err
	}
	id, ok := b.next.codec.Decode(l.Code)
	if !ok || id == 0 || id < b.next.counter {
		return b.fail(fmt.Errorf("%w: %q is not the next code", ErrMisuse, l.Code))
	}
	if !b.next.unused.has(uint64(id)) {
		// The row at id itself, or the next one behind it: somebody chose it as a slug.
		if b.next.unused, err = b.gapAt(b.store.schema.prefix(nil, spaceLinks), uint64(id), uint64(link.MaxID-id)+1); err != nil {
			return err
		}
		if !b.next.unused.has(uint64(id)) {
			return link.ErrSlugTaken
		}
	}
	b.key = b.store.schema.linkID(b.key[:0], id)
	if err := b.putLink(b.key, nil, nil, l); err != nil {
		return err
	}
	b.next.unused.above(uint64(id))
	b.next.counter = id
	return nil
}

// Put adds a link under the slug in l.Code, or replaces the link that is there. Nothing was changed if it answers
// link.ErrGone, for a deleted link, or link.ErrSlugTaken, for a new link whose code is that of an id the counter has passed:
// absence of such codes is taken for proven.
func (b *Batch) Put(l link.Link) error {
	if err := b.linkable(l.Code); err != nil {
		return err
	}
	key := b.linkKey(l.Code)
	old, err := b.get(key)
	if err != nil {
		return err
	}
	if old == nil {
		if b.next.passed(l.Code) {
			return link.ErrSlugTaken
		}
		if id, ok := b.next.codec.Decode(l.Code); ok {
			b.next.unused.below(uint64(id))
		}
		return b.putLink(key, nil, nil, l)
	}
	before, err := b.decode(old, l.Code)
	if err != nil {
		return err
	}
	return b.putLink(key, old, &before, l)
}

// Delete leaves a tombstone in a link's place, so that its code is never used again. link.ErrNotFound, link.ErrGone.
func (b *Batch) Delete(c link.Code, at time.Time) error {
	if err := b.linkable(c); err != nil {
		return err
	}
	key := b.linkKey(c)
	old, err := b.get(key)
	if err != nil {
		return err
	}
	l, err := b.decode(old, c)
	if err != nil {
		return err
	}
	before := l
	l.UpdatedAt = at
	l.Version++
	value, err := encodeTombstone(b.value[:0], l)
	if err != nil {
		return b.fail(err)
	}
	b.value = value
	b.edited = append(b.edited, c)
	b.next.links--
	if err := b.replace(key, old, value); err != nil {
		return err
	}
	return b.reindex(key, &before, nil)
}

// linkable says whether the link with a code can be written.
func (b *Batch) linkable(c link.Code) error {
	if err := b.changeable(); err != nil {
		return err
	}
	if b.next.codec == nil || c == "" || c[0] == 0 || len(c) > link.MaxSlug {
		return b.fail(fmt.Errorf("%w: a link needs a code key and a code of 1 to %d bytes that begins with none of zero", ErrMisuse, link.MaxSlug))
	}
	return nil
}

// putLink writes a living link in place of old, which is the row of before. Both are nil for a new one.
func (b *Batch) putLink(key, old []byte, before *link.Link, l link.Link) error {
	value, err := encodeLink(b.value[:0], l)
	if err != nil {
		return b.fail(err)
	}
	b.value = value
	if old == nil {
		b.next.links++
	} else {
		b.edited = append(b.edited, l.Code)
	}
	if err := b.replace(key, old, value); err != nil {
		return err
	}
	return b.reindex(key, before, &l)
}

// linkKey makes the key of a code, in b.key.
func (b *Batch) linkKey(c link.Code) []byte {
	b.key = b.store.schema.link(b.key[:0], b.next.codec, c)
	return b.key
}

// decode reads a link's row; nil is link.ErrNotFound.
func (b *Batch) decode(row []byte, c link.Code) (link.Link, error) {
	if row == nil {
		return link.Link{}, link.ErrNotFound
	}
	l, err := linkOf(row, c)
	if err != nil && !errors.Is(err, link.ErrGone) {
		return link.Link{}, b.fail(err)
	}
	return l, err
}
