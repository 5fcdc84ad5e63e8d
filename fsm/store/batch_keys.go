package store

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/access"
)

// HasKeyHash says whether there is a key with what is kept of a secret.
func (b *Batch) HasKeyHash(h access.Hash) (bool, error) {
	if err := b.usable(); err != nil {
		return false, err
	}
	b.key = b.store.schema.keyHash(b.key[:0], h)
	return b.has(b.key)
}

// PutKey adds a key. One whose id or hash is there already is ErrMisuse: keys never change.
func (b *Batch) PutKey(k access.Key) error {
	_, known, err := b.Keys().Get(k.ID)
	if err != nil {
		return err
	}
	hashed, err := b.HasKeyHash(k.Hash)
	if err != nil {
		return err
	}
	if known || hashed {
		return b.fail(fmt.Errorf("%w: key %q, or its hash, is there already", ErrMisuse, k.ID))
	}
	if err := b.Keys().Put(k); err != nil {
		return err
	}
	b.key = b.store.schema.keyHash(b.key[:0], k.Hash)
	if err := b.set(b.key, []byte(k.ID)); err != nil {
		return err
	}
	if ends, _ := stampOf(k.ExpiresAt); ends != 0 {
		b.next.keysDue = min(b.next.keysDue, ends) // stays 0 while it is not known
	}
	if k.Owner == "" {
		return nil
	}
	b.key = b.store.schema.ownedKey(b.key[:0], k.Owner, k.ID)
	return b.set(b.key, nil)
}

// DropKey removes a key, if it is there.
func (b *Batch) DropKey(id string) (dropped bool, err error) {
	k, found, err := b.Keys().Get(id)
	if err != nil || !found {
		return false, err
	}
	if dropped, err = b.Keys().Drop(id); err != nil {
		return false, err
	}
	if err := b.dropPlace(b.store.schema.keyHash(b.key[:0], k.Hash), id); err != nil || k.Owner == "" {
		return dropped, err
	}
	return dropped, b.dropPlace(b.store.schema.ownedKey(b.key[:0], k.Owner, id), id)
}

// dropPlace removes a row by which an API key is found.
func (b *Batch) dropPlace(key []byte, id string) error {
	b.key = key
	old, err := b.get(b.key)
	if err != nil {
		return err
	}
	if old == nil {
		return b.fail(fmt.Errorf("%w: key %q is missing in space %d", ErrDamaged, id, key[prefixSize-1]))
	}
	return b.drop(b.key, old)
}

// DropKeysOf removes all keys of an owner's, who is not empty.
func (b *Batch) DropKeysOf(owner string) error {
	if err := b.changeable(); err != nil {
		return err
	}
	if owner == "" || len(owner) > access.MaxID {
		return nil // it has none
	}
	prefix := b.store.schema.ownedKeys(nil, owner)
	it, err := b.rows.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return b.fail(err)
	}
	var ids []string
	for ok := it.First(); ok; ok = it.Next() {
		ids = append(ids, string(it.Key()[len(prefix):]))
	}
	if err := joinClose(it.Error(), it.Close()); err != nil {
		return b.fail(err)
	}
	return b.dropKeys(ids)
}

// DropEndedKeys removes the keys that ended at a moment or before. It costs next to nothing when there is none.
func (b *Batch) DropEndedKeys(by time.Time) error {
	if err := b.changeable(); err != nil {
		return err
	}
	last, err := stampOf(by)
	if err != nil {
		return b.fail(err)
	}
	if b.next.keysDue > last {
		return nil
	}
	var ids []string
	first := neverDue
	err = b.Keys().Each(func(k access.Key) {
		switch ends, _ := stampOf(k.ExpiresAt); {
		case ends == 0:
		case ends <= last:
			ids = append(ids, k.ID)
		default:
			first = min(first, ends)
		}
	})
	if err != nil {
		return err
	}
	b.next.keysDue = first
	return b.dropKeys(ids)
}

func (b *Batch) dropKeys(ids []string) error {
	for _, id := range ids {
		if _, err := b.DropKey(id); err != nil {
			return err
		}
	}
	return nil
}
