package transfer

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"
	"unicode/utf8"
)

// unmarshal parses a row of foreign JSON: members nobody asks for are passed over. Every error is a fault.
func unmarshal(text []byte, into any) error {
	if !utf8.Valid(text) {
		return notUTF8 // the parser would put other letters in its place
	}
	if err := json.Unmarshal(text, into); err != nil {
		return jsonFault(err)
	}
	return nil
}

// jsonFault says what is wrong with a row in words that name no Go types.
func jsonFault(err error) error {
	var bad fault
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &bad):
		return bad
	case !errors.As(err, &wrong):
		return fault("the row is not JSON")
	case wrong.Field == "":
		return faultf("a JSON object was expected, not %s", kindOf(wrong.Value))
	}
	return faultf("%.64q must not be %s", wrong.Field, kindOf(wrong.Value))
}

// kindOf puts an article to what the parser calls a value.
func kindOf(value string) string {
	switch value {
	case "array", "object":
		return "an " + value
	case "bool":
		return "true or false"
	}
	return "a " + value
}

// moment is a time in JSON: a text or a number as parseTime takes them, or null.
type moment struct{ time.Time }

// UnmarshalJSON reads a moment.
func (m *moment) UnmarshalJSON(text []byte) error {
	s, err := scalar(text)
	if err != nil {
		return err
	}
	m.Time, err = parseTime(s)
	return err
}

// count is a number of things in JSON; a text of digits and null will do.
type count uint64

// UnmarshalJSON reads a count.
func (c *count) UnmarshalJSON(text []byte) error {
	s, err := scalar(text)
	if err != nil {
		return err
	}
	n, err := parseCount(s)
	*c = count(n)
	return err
}

// flag is true or false in JSON, which some databases write as 1 and 0.
type flag bool

// UnmarshalJSON reads a flag. null is false.
func (f *flag) UnmarshalJSON(text []byte) error {
	s, err := scalar(text)
	if err != nil || s == "" {
		return err
	}
	set, err := parseBool(s)
	*f = flag(set)
	return err
}

// scalar gives the text of a JSON text, number or word, and none of null.
func scalar(text []byte) (string, error) {
	switch text[0] {
	case 'n':
		return "", nil
	case '{', '[':
		return "", fault("a list or an object stands where a text or a number must be")
	case '"':
		var s string
		err := json.Unmarshal(text, &s)
		return s, err
	}
	// Programs of one number type write large whole numbers like 1.7e12.
	if f, err := strconv.ParseFloat(string(text), 64); err == nil && f == float64(int64(f)) {
		return strconv.FormatInt(int64(f), 10), nil
	}
	return string(text), nil
}
