package visit

import (
	"encoding/binary"
	"fmt"
)

// maxCount bounds every number of visits: sums of many fit into 64 bits.
const maxCount = 1 << 56

// reader takes bytes apart. After its first error all it gives is zero.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}

// number reads a number up to a limit, in the one form it can have.
func (r *reader) number(limit uint64) uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || n > limit || size > 1 && r.rest[size-1] == 0 {
		r.fail(fmt.Errorf("%w: no number up to %d", ErrMalformed, limit))
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// bytes reads n bytes, which belong to what is read.
func (r *reader) bytes(n int) []byte {
	if n > len(r.rest) {
		r.fail(fmt.Errorf("%w: cut short", ErrMalformed))
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// text reads a string with its length before it.
func (r *reader) text(limit int) string {
	return string(r.bytes(int(r.number(uint64(limit)))))
}

// end says whether all went well and nothing is left.
func (r *reader) end() error {
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%w: %d bytes too many", ErrMalformed, len(r.rest))
	}
	return r.err
}
