package v1

import (
	"fmt"
	"time"
)

// timeLayout is RFC 3339 in UTC with milliseconds, always three digits of them.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Time is a moment as the API writes it: RFC 3339, UTC, milliseconds. It reads any RFC 3339 time, and keeps what is finer
// than a millisecond until it is written.
type Time struct {
	time.Time
}

// MarshalText writes the moment; whatever is finer than a millisecond is cut off. Years that RFC 3339 cannot write are an
// error.
func (t Time) MarshalText() ([]byte, error) {
	utc := t.UTC()
	if y := utc.Year(); y < 0 || y > 9999 {
		return nil, fmt.Errorf("year %d is outside of RFC 3339", y)
	}
	return utc.AppendFormat(make([]byte, 0, len(timeLayout)), timeLayout), nil
}

// MarshalJSON is MarshalText in quotes. (time.Time has a MarshalJSON of its own, which would be promoted.)
func (t Time) MarshalJSON() ([]byte, error) {
	text, err := t.MarshalText()
	if err != nil {
		return nil, err
	}
	return append(append([]byte{'"'}, text...), '"'), nil
}
