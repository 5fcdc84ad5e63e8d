package store

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// gap is a range of numbers of which it is known that none has a row: from is in it, to is not. The zero gap knows nothing.
// Numbers are ids or rows of a request: whoever writes the row of a number takes it out of the gap first or
// with it, and a row that is removed needs nothing.
type gap struct {
	from, to uint64
}

// has says whether n is known to have no row.
func (g gap) has(n uint64) bool { return g.from <= n && n < g.to }

// above takes n out of the gap and leaves what is above it.
func (g *gap) above(n uint64) {
	if g.has(n) {
		g.from = n + 1
	}
}

// below takes n out of the gap and leaves what is below it.
func (g *gap) below(n uint64) {
	if g.has(n) {
		g.to = n
	}
}

// gapAt looks for the gap that begins at n, among the rows whose keys are prefix and a number of eight bytes; it is empty if
// n has a row. At most width numbers are looked at: rows removed long ago slow the engine down until it has cleared them
// away, and so it never meets more than that many.
func (b *Batch) gapAt(prefix []byte, n, width uint64) (gap, error) {
	to := n + min(width, ^n)
	lower := binary.BigEndian.AppendUint64(prefix[:len(prefix):len(prefix)], n)
	upper := binary.BigEndian.AppendUint64(prefix[:len(prefix):len(prefix)], to)
	it, err := b.rows.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return gap{}, b.fail(err)
	}
	defer it.Close()
	if it.First() {
		number := it.Key()[len(prefix):]
		if len(number) != 8 {
			return gap{}, b.fail(fmt.Errorf("%w: a key of %d bytes", ErrDamaged, len(it.Key())))
		}
		to = binary.BigEndian.Uint64(number)
	}
	if err := it.Error(); err != nil {
		return gap{}, b.fail(err)
	}
	return gap{from: n, to: to}, nil
}
