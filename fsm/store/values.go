package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"tinyurl/fsm/link"
)

// Values have an encoding of their own, because digests compare bytes across versions of the binary: one state has one
// encoding. A value is a version byte, a byte of flags and the fields in a fixed order; numbers are the shortest varints,
// times are stamps (see appendStamp). Decoding accepts what encoding makes and nothing else.

// valueVersion is the first byte of every value.
const valueVersion = 1

// flagCodeKey says that the state row holds a code key.
const flagCodeKey = 1

// maxStamp is the last stamp, the last millisecond of the year 9999: later times have no place in JSON.
const maxStamp uint64 = 253402300800000

// errTime: a time before 1970 or after 9999.
var errTime = errors.New("a time that has no stamp")

// refusals are the sentinels a Result may hold; their places are on disk, 0 is none.
var refusals = [...]error{
	1: link.ErrNotFound, 2: link.ErrGone, 3: link.ErrSlugTaken, 4: link.ErrSlugReserved, 5: link.ErrInvalidSlug,
	6: link.ErrInvalidTarget, 7: link.ErrInvalidField, 8: link.ErrKeyReused, 9: link.ErrNoLeader, 10: link.ErrOverloaded,
	11: link.ErrDiskFull, 12: link.ErrPrecondition, 13: link.ErrTargetDenied, 14: link.ErrUnauthorized,
	15: link.ErrForbidden, 16: link.ErrFull,
}

// foundResult stands in the place of a refusal for a link that was found. Refusals do not come that far.
const foundResult = 127

// stampOf gives the stamp of a time: 0 for none, else one more than its milliseconds since 1970. What is finer is cut off.
func stampOf(t time.Time) (uint64, error) {
	if t.IsZero() {
		return 0, nil
	}
	ms := t.UnixMilli()
	if ms < 0 || uint64(ms) >= maxStamp {
		return 0, fmt.Errorf("%w: %v", errTime, t)
	}
	return uint64(ms) + 1, nil
}

// timeOf undoes stampOf, in UTC.
func timeOf(stamp uint64) time.Time {
	if stamp == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(stamp - 1)).UTC()
}

// encodeScalars appends the state row.
func encodeScalars(buf []byte, s scalars) []byte {
	var flags byte
	if s.hasKey {
		flags |= flagCodeKey
	}
	buf = append(buf, valueVersion, flags)
	buf = binary.AppendUvarint(buf, uint64(s.counter))
	buf = binary.AppendUvarint(buf, s.stamp)
	buf = binary.AppendUvarint(buf, uint64(s.version))
	buf = binary.AppendUvarint(buf, s.links)
	if s.hasKey {
		buf = append(buf, s.codeKey[:]...)
	}
	return buf
}

func decodeScalars(value []byte) (scalars, error) {
	d := reader{rest: value}
	flags := d.head(flagCodeKey)
	s := scalars{counter: link.ID(d.uvarint())}
	s.stamp = d.stamp()
	version := d.uvarint()
	d.require(s.counter <= link.MaxID && version < 1<<32)
	s.version = uint32(version)
	s.links = d.uvarint()
	if flags&flagCodeKey != 0 {
		s.hasKey = true
		copy(s.codeKey[:], d.take(len(s.codeKey)))
	}
	return s, d.end("state row")
}

// encodeOnce appends the head of a request.
func encodeOnce(buf []byte, h OnceHead) ([]byte, error) {
	expires, err := stampOf(h.Expires)
	if err != nil {
		return nil, err
	}
	buf = binary.AppendUvarint(append(buf, valueVersion, 0), expires)
	return append(buf, h.Body[:]...), nil
}

func decodeOnce(value []byte) (OnceHead, error) {
	d := reader{rest: value}
	d.head(0)
	h := OnceHead{Expires: timeOf(d.stamp())}
	copy(h.Body[:], d.take(len(h.Body)))
	return h, d.end("request row")
}

// encodeOrigin appends an origin row.
func encodeOrigin(buf []byte, o Origin) []byte {
	buf = binary.AppendUvarint(append(buf, valueVersion, 0), o.Boot)
	return binary.AppendUvarint(buf, o.Floor)
}

func decodeOrigin(value []byte) (Origin, error) {
	d := reader{rest: value}
	d.head(0)
	o := Origin{Boot: d.uvarint(), Floor: d.uvarint()}
	return o, d.end("origin row")
}

// keepable gives a result in the form that is kept: with one of the sentinels for an error.
func keepable(r Result) (Result, error) {
	if r.Err != nil {
		i := slices.IndexFunc(refusals[:], func(known error) bool { return known != nil && errors.Is(r.Err, known) })
		if i < 0 {
			return Result{}, fmt.Errorf("%w: an error that cannot be kept: %w", ErrMisuse, r.Err)
		}
		r.Err, r.Found = refusals[i], false // what was found and then refused is a refusal
	}
	if len(r.Code) > link.MaxSlug {
		return Result{}, fmt.Errorf("%w: a code of %d bytes", ErrMisuse, len(r.Code))
	}
	return r, nil
}

// appendResult appends a result that is keepable as it is.
func appendResult(buf []byte, r Result) []byte {
	refusal := 0
	switch {
	case r.Err != nil:
		refusal = slices.Index(refusals[:], r.Err)
	case r.Found:
		refusal = foundResult
	}
	return appendText(binary.AppendUvarint(buf, uint64(refusal)), string(r.Code))
}

// result takes a result.
func (r *reader) result() Result {
	refusal := r.uvarint()
	code := link.Code(r.text(link.MaxSlug))
	if refusal == foundResult {
		return Result{Code: code, Found: true}
	}
	if r.require(refusal < uint64(len(refusals))); r.bad {
		return Result{}
	}
	return Result{Code: code, Err: refusals[refusal]}
}

// encodeResult appends a result that stands alone; its error must be one of the sentinels, or wrap one.
func encodeResult(buf []byte, r Result) ([]byte, error) {
	r, err := keepable(r)
	if err != nil {
		return nil, err
	}
	return appendResult(append(buf, valueVersion, 0), r), nil
}

func decodeResult(value []byte) (Result, error) {
	d := reader{rest: value}
	d.head(0)
	r := d.result()
	return r, d.end("result row")
}
