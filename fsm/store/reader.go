package store

import (
	"encoding/binary"
	"fmt"
)

// reader takes a value apart. The first thing that is wrong makes it bad for good, so that only end has to be checked.
type reader struct {
	rest  []byte
	bad   bool
	newer bool // the version or a flag is unknown
}

// head takes the version and the flags, of which only known may be set.
func (r *reader) head(known byte) byte {
	b := r.take(2)
	if r.bad {
		return 0
	}
	if b[0] != valueVersion || b[1]&^known != 0 {
		r.bad, r.newer = true, b[0] > valueVersion
		return 0
	}
	return b[1]
}

// uvarint takes a number in its shortest form.
func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || n > 1 && r.rest[n-1] == 0 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// stamp takes a stamp in range.
func (r *reader) stamp() uint64 {
	v := r.uvarint()
	r.require(v <= maxStamp)
	return v
}

// take takes n bytes; nil if there are fewer.
func (r *reader) take(n int) []byte {
	if r.bad || len(r.rest) < n {
		r.bad = true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// text takes a string of at most limit bytes, written by appendText.
func (r *reader) text(limit int) string {
	n := r.uvarint()
	if n > uint64(limit) {
		r.bad = true
		return ""
	}
	return string(r.take(int(n)))
}

func (r *reader) require(ok bool) {
	r.bad = r.bad || !ok
}

// end gives the verdict: nil only if everything was well-formed and nothing is left.
func (r *reader) end(what string) error {
	switch {
	case r.newer:
		return fmt.Errorf("%w: a %s of a newer version", ErrFormat, what)
	case r.bad || len(r.rest) != 0:
		return fmt.Errorf("%w: a %s does not decode", ErrDamaged, what)
	}
	return nil
}

// appendText appends a string after its length.
func appendText(buf []byte, s string) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(s))), s...)
}
