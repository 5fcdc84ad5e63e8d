package store

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"

	"tinyurl/fsm/link"
)

// census goes over all rows of a state and adds them up.
type census struct {
	tally
	hash    hasher
	scalars scalars
	codec   *link.Codec
	living  uint64
	onces   uint64
	dues    uint64

	// derived is the sum of hashes of what rows have to follow from the links and keys, less that of those there are: 0 in the end. A
	// number of links counts as so many rows. It tells accidents, as the digest does.
	derived uint64
	seed    maphash.Seed
	key     []byte // room for keys
}

func newCensus() *census { return &census{seed: maphash.MakeSeed()} }

// visit checks a row and counts it. Rows come in key order, so the state row is the first.
func (c *census) visit(s schema, key, value []byte) error {
	if err := s.checkRow(key, value); err != nil {
		return err
	}
	switch key[prefixSize-1] {
	case spaceScalars:
		c.scalars, _ = decodeScalars(value)
		if c.scalars.hasKey {
			c.codec = link.NewCodec(c.scalars.codeKey)
		}
	case spaceLinks, spaceSlugs:
		if err := c.visitLink(s, key, value); err != nil {
			return err
		}
	case spaceOnces:
		c.onces++
	case spaceOnceDue:
		c.dues++
	case spaceTargets, spaceTimes, spaceOwned, spaceTags, spaceDue, spaceOwnedKeys:
		c.derived -= maphash.Bytes(c.seed, key)
	case spaceOwnerSums, spaceTagSums:
		n, _ := decodeSum(value)
		c.derived -= n * maphash.Bytes(c.seed, key)
	case spaceKeys:
		k, _ := decodeKey(string(key[prefixSize:]), value)
		c.key = s.keyHash(c.key[:0], k.Hash)
		c.derived += c.place(k.ID)
		if k.Owner != "" {
			c.key = s.ownedKey(c.key[:0], k.Owner, k.ID)
			c.derived += maphash.Bytes(c.seed, c.key)
		}
	case spaceKeyHashes:
		c.key = append(c.key[:0], key...)
		c.derived -= c.place(string(value))
	}
	c.add(&c.hash, key, value)
	return nil
}

// place is the hash of a row that follows from a key, whose own key is in c.key.
func (c *census) place(id string) uint64 {
	c.key = append(c.key, id...)
	return maphash.Bytes(c.seed, c.key)
}

// visitLink counts a link and what follows from it, and makes sure that a look-up would look where it lies.
func (c *census) visitLink(s schema, key, value []byte) error {
	if c.codec == nil {
		return fmt.Errorf("%w: links and no code key", ErrDamaged)
	}
	var l link.Link
	rest := key[prefixSize:]
	if key[prefixSize-1] == spaceLinks {
		l.Code = c.codec.Encode(link.ID(binary.BigEndian.Uint64(rest)))
	} else {
		l.Code = link.Code(rest)
		if _, ok := c.codec.Decode(l.Code); ok {
			return fmt.Errorf("%w: a code among the slugs", ErrDamaged)
		}
	}
	alive, err := decodeLink(value, &l)
	if err != nil || !alive {
		return err
	}
	c.living++
	c.key = derivedOf(&l, rest).each(s, c.key, func(key []byte, _ bool) { c.derived += maphash.Bytes(c.seed, key) })
	return nil
}

// compare says whether the rows add up to want, to what the state row says of them, and to what follows from the links.
func (c *census) compare(want tally) error {
	switch {
	case c.count != want.count || c.size != want.size:
		return fmt.Errorf("%w: %d rows in %d bytes where there should be %d in %d", ErrDamaged, c.count, c.size, want.count, want.size)
	case c.digest != want.digest:
		return fmt.Errorf("%w: the rows have the digest %v where it should be %v", ErrDamaged, c.digest.digest(), want.digest.digest())
	case c.living != c.scalars.links:
		return fmt.Errorf("%w: %d links where there should be %d", ErrDamaged, c.living, c.scalars.links)
	case c.onces != c.dues:
		return fmt.Errorf("%w: %d requests, of which %d expire", ErrDamaged, c.onces, c.dues)
	case c.derived != 0:
		return fmt.Errorf("%w: the indexes are not those of the links and keys", ErrDamaged)
	}
	return nil
}
