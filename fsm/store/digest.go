package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// Digest is a fingerprint of a whole replicated state: equal states have equal digests, and states that differ by accident
// have different ones. The empty state's digest is zero.
//
// It is a multiset hash in the manner of AdHash (Bellare and Micciancio, "A new paradigm for collision-free hashing:
// incrementality at reduced cost", EUROCRYPT 1997), in four 64-bit lanes: the sum of the rows' SHA-256. A row can be added
// and taken away in any order, which is what lets it move with every batch. It guards against faults, not against somebody
// who chooses rows in order to forge a sum.
type Digest [32]byte

// String gives the digest in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// boundaryEvery is how many log indexes lie between two digests that replicas exchange.
const boundaryEvery = 4096

// lanes is a running digest.
type lanes [4]uint64

// digest gives the sum in the form that is kept and exchanged.
func (l lanes) digest() (d Digest) {
	for i, lane := range l {
		binary.BigEndian.PutUint64(d[i*8:], lane)
	}
	return d
}

// lanes undoes digest.
func (d Digest) lanes() (l lanes) {
	for i := range l {
		l[i] = binary.BigEndian.Uint64(d[i*8:])
	}
	return l
}

func (l *lanes) add(row lanes) {
	for i := range l {
		l[i] += row[i]
	}
}

func (l *lanes) subtract(row lanes) {
	for i := range l {
		l[i] -= row[i]
	}
}

// tally is what a set of replicated rows adds up to.
type tally struct {
	digest lanes
	count  uint64 // rows
	size   uint64 // bytes of their records in a stream
}

// hasher hashes rows; its buffer makes that free of allocation. Not for concurrent use.
type hasher struct {
	buf []byte
}

// row gives the lanes of one row: SHA-256 over the key's length, the key and the value.
func (h *hasher) row(key, value []byte) lanes {
	h.buf = binary.AppendUvarint(h.buf[:0], uint64(len(key)))
	h.buf = append(h.buf, key...)
	h.buf = append(h.buf, value...)
	return Digest(sha256.Sum256(h.buf)).lanes()
}

// add counts a row in.
func (t *tally) add(h *hasher, key, value []byte) {
	t.digest.add(h.row(key, value))
	t.count++
	t.size += recordSize(key, value)
}

// remove counts a row out.
func (t *tally) remove(h *hasher, key, value []byte) {
	t.digest.subtract(h.row(key, value))
	t.count--
	t.size -= recordSize(key, value)
}
