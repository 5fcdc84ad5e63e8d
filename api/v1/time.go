package v1

import (
	"fmt"
	"time"
)

// timeLen is the length of a moment as the API writes it, always with three digits of milliseconds.
const timeLen = len("2006-01-02T15:04:05.000Z")

// Time is a moment as the API writes it: RFC 3339, UTC, milliseconds. It reads any RFC 3339 time, and keeps what is finer
// than a millisecond until it is written.
type Time struct {
	time.Time
}

// MarshalText writes the moment; whatever is finer than a millisecond is cut off. Years that RFC 3339 cannot write are an
// error.
func (t Time) MarshalText() ([]byte, error) { return t.appendText(make([]byte, 0, timeLen)) }

// MarshalJSON is MarshalText in quotes. (time.Time has a MarshalJSON of its own, which would be promoted.)
func (t Time) MarshalJSON() ([]byte, error) { return t.appendJSON(make([]byte, 0, timeLen+len(`""`))) }

func (t Time) appendJSON(b []byte) ([]byte, error) {
	b, err := t.appendText(append(b, '"'))
	if err != nil {
		return nil, err
	}
	return append(b, '"'), nil
}

// appendText appends what MarshalText writes. The fraction is appended apart, since package time is quick with its own RFC 3339
// layout alone.
func (t Time) appendText(b []byte) ([]byte, error) {
	utc := t.UTC()
	if y := utc.Year(); y < 0 || y > 9999 {
		return nil, fmt.Errorf("year %d is outside of RFC 3339", y)
	}
	b = utc.AppendFormat(b, time.RFC3339)
	b = append(b[:len(b)-len("Z")], '.')
	ms := utc.Nanosecond() / int(time.Millisecond)
	return append(b, '0'+byte(ms/100), '0'+byte(ms/10%10), '0'+byte(ms%10), 'Z'), nil
}
