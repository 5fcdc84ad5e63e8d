package command

import (
	"errors"

	"tinyurl/fsm/link"
)

var (
	// ErrUpgrade: the bytes hold a format, a type or a field that this program does not know. A newer one wrote them;
	// whoever meets it in the log must stop, since skipping would let replicas differ.
	ErrUpgrade = errors.New("written by a newer version: upgrade this node")
	// ErrMalformed: the bytes are no encoding at all, or say what no version ever says.
	ErrMalformed = errors.New("malformed encoding")
	// ErrTooLarge: more operations or bytes than the limits allow. It is met while encoding; decoders say ErrMalformed.
	ErrTooLarge = errors.New("batch is too large")
	// ErrStale: the operation's sequence is below its origin's floor, or its boot is over. It changed nothing, and whether
	// an earlier try of it did is forgotten.
	ErrStale = errors.New("operation is older than what its origin has finished")
)

// table gives every error that travels between nodes its number. Numbers are never used again. 0 is success.
var table = [...]struct {
	number uint32
	err    error
}{
	{1, link.ErrNotFound},
	{2, link.ErrGone},
	{3, link.ErrSlugTaken},
	{4, link.ErrSlugReserved},
	{5, link.ErrInvalidSlug},
	{6, link.ErrInvalidTarget},
	{7, link.ErrInvalidField},
	{8, link.ErrKeyReused},
	{9, link.ErrNoLeader},
	{10, link.ErrOverloaded},
	{11, link.ErrDiskFull},
	{12, link.ErrExhausted},
	{13, ErrStale},
	{14, link.ErrPrecondition},
	{15, link.ErrTargetDenied},
	{16, link.ErrUnauthorized},
	{17, link.ErrForbidden},
	{18, link.ErrFull},
}

// ErrorNumber gives the number of an error (or of what it wraps) for the wire: 0 for nil, false for an error that does not
// travel.
func ErrorNumber(err error) (uint32, bool) {
	if err == nil {
		return 0, true
	}
	for _, row := range table {
		if errors.Is(err, row.err) {
			return row.number, true
		}
	}
	return 0, false
}

// ErrorOf gives the error of a number, so that errors.Is holds on both sides of the wire: nil for 0, false for a number
// that this version does not know.
func ErrorOf(number uint32) (error, bool) {
	if number == 0 {
		return nil, true
	}
	for _, row := range table {
		if row.number == number {
			return row.err, true
		}
	}
	return nil, false
}
