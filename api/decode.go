package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// encoding/json is kinder than this API: it takes repeated fields, matches names in any case, and replaces broken text in
// silence, which would change a URL. So objects are taken apart here, and only their members are left to it.

// maxName is the longest unknown field name repeated in a problem, in bytes.
const maxName = 64

// wellFormed checks that body is one JSON value and nothing else, in intact Unicode.
func wellFormed(body []byte) error {
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 {
		return invalid(errJSON, "the body is empty")
	}
	if !utf8.Valid(body) {
		return invalid(errJSON, "the body is not valid UTF-8")
	}
	if !json.Valid(body) {
		var value json.RawMessage
		return invalid(errJSON, fmt.Sprint(json.Unmarshal(body, &value))) // says what and where
	}
	if at := loneSurrogate(body); at >= 0 {
		return invalid(errJSON, fmt.Sprintf("half a surrogate pair at byte %d", at))
	}
	return nil
}

// loneSurrogate finds the first \uD800..\uDFFF in valid JSON that is not part of a pair, or gives -1.
func loneSurrogate(body []byte) int {
	const escape = len(`\u1234`)
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		first, ok := escaped(body[i:])
		if !ok {
			i++ // an escape of two characters
			continue
		}
		switch {
		case first >= 0xDC00 && first <= 0xDFFF:
			return i
		case first >= 0xD800 && first <= 0xDBFF:
			second, ok := escaped(body[i+escape:])
			if !ok || second < 0xDC00 || second > 0xDFFF {
				return i
			}
			i += escape
		}
		i += escape - 1
	}
	return -1
}

// escaped reads the \u1234 that text begins with.
func escaped(text []byte) (uint64, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return unit, err == nil
}

// member is one name and value of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// members takes an object apart, in its own order. raw must be well formed.
func members(raw []byte) ([]member, error) {
	// raw is well formed, so the errors below say "another type"; they are checked all the same.
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, invalid(errJSON, "a JSON object is required")
	}
	var found []member
	seen := make(map[string]bool)
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, invalid(errJSON, "a field name is required")
		}
		if seen[name] {
			return nil, invalid(errJSON, "a field is given twice", clip(name, maxName))
		}
		seen[name] = true // as decoded: "long\u0055rl" is longUrl
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, invalid(errJSON, "a value could not be read", clip(name, maxName))
		}
		found = append(found, member{name: name, value: value})
	}
	return found, nil
}

// elements takes an array of at most limit elements apart. raw must be well formed; more elements make ok false, and are
// not read.
func elements(raw []byte, limit int) (found []json.RawMessage, ok bool, err error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if token, err := decoder.Token(); err != nil || token != json.Delim('[') {
		return nil, false, invalid(errJSON, "a JSON array is required")
	}
	for decoder.More() {
		if len(found) == limit {
			return nil, false, nil
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil && err != io.EOF {
			return nil, false, invalid(errJSON, "an element could not be read")
		}
		found = append(found, value)
	}
	return found, true, nil
}

// text reads a member that must be a string. Null stands for a member that is not there.
func (m member) text() (value string, given bool, err error) {
	if string(m.value) == "null" {
		return "", false, nil
	}
	if m.value[0] != '"' {
		return "", false, invalid(errJSON, m.name+" must be a string", m.name)
	}
	if err := json.Unmarshal(m.value, &value); err != nil {
		return "", false, invalid(errJSON, m.name+" could not be read", m.name)
	}
	return value, true, nil
}

// unknown refuses a member that this version does not know. Ignoring it would make a link without what was asked for, such
// as a password of a later version.
func (m member) unknown() error {
	return invalid(errJSON, "unknown field", clip(m.name, maxName))
}
