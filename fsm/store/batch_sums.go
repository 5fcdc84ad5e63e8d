package store

import (
	"fmt"
	"maps"
	"slices"
)

// sums are the numbers of links that a batch changes, by their keys. A tag that is in fashion is in every other link: its number
// is written once a batch, not once a link.
type sums map[string]sum

// sum is a number as the batch found it, and as it leaves it. A number of 0 has no row.
type sum struct{ was, is uint64 }

// maxSums is how many numbers a batch keeps before it writes them.
const maxSums = 16 << 10

// count adds to the number that a key leads to.
func (b *Batch) count(key []byte, change int64) error {
	n, known := b.sums[string(key)]
	if !known {
		old, err := b.get(key)
		if err != nil {
			return err
		}
		if old != nil {
			if n.was, err = decodeSum(old); err != nil {
				return b.fail(err)
			}
		}
		n.is = n.was
	}
	if change < 0 && n.is == 0 {
		return b.fail(fmt.Errorf("%w: a number of links below 0", ErrDamaged))
	}
	n.is += uint64(change)
	if b.sums == nil {
		b.sums = make(sums)
	}
	b.sums[string(key)] = n
	if len(b.sums) < maxSums {
		return nil
	}
	return b.flushSums()
}

// flushSums writes the numbers that have changed.
func (b *Batch) flushSums() error {
	for _, key := range slices.Sorted(maps.Keys(b.sums)) {
		if err := b.putSum([]byte(key), b.sums[key]); err != nil {
			return err
		}
	}
	clear(b.sums)
	return nil
}

func (b *Batch) putSum(key []byte, n sum) error {
	var old []byte
	if n.was != 0 {
		old = encodeSum(nil, n.was)
	}
	if n.is == 0 {
		if old == nil {
			return nil
		}
		return b.drop(key, old)
	}
	b.value = encodeSum(b.value[:0], n.is)
	return b.replace(key, old, b.value)
}
