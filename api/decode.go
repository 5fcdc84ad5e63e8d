package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"tinyurl/fsm/link"
)

// encoding/json is kinder than this API: it takes repeated fields, matches names in any case, and replaces broken text in
// silence, which would change a URL. So objects are taken apart here, and only their strings are left to it. What is taken
// apart stays where it is, in the body: a body is as long as its sender likes, and must not cost many times its length.

// maxName is the longest unknown field name repeated in a problem, in bytes.
const maxName = 64

// maxDepth is how deep values of a body may nest. Nothing that is understood nests deeper than three; encoding/json keeps
// many bytes for each bracket that is open.
const maxDepth = 64

// lookEvery is how much of a body is read between two looks at the clock, in bytes. It is some milliseconds' work.
const lookEvery = 1 << 20

// patience ends the reading of a body when its call ends. It is for one goroutine.
type patience struct {
	ctx  context.Context
	read int // bytes since the last look
}

// spend says that n bytes were read. The error is that the call has ended, before anything was done.
func (p *patience) spend(n int) error {
	if p.read += n; p.read < lookEvery {
		return nil
	}
	p.read = 0
	if p.ctx.Err() != nil {
		return fmt.Errorf("%w: the body was not read in time: %w", link.ErrOverloaded, context.Cause(p.ctx))
	}
	return nil
}

// wellFormed checks that body is one JSON value and nothing else, in intact Unicode.
func wellFormed(body []byte, p *patience) error {
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 {
		return invalid(errJSON, "the body is empty")
	}
	if !utf8.Valid(body) {
		return invalid(errJSON, "the body is not valid UTF-8")
	}
	if deeper(body, maxDepth) {
		return invalid(errJSON, fmt.Sprintf("values nest deeper than %d", maxDepth))
	}
	if err := p.spend(len(body)); err != nil {
		return err
	}
	if !json.Valid(body) {
		var value json.RawMessage
		return invalid(errJSON, fmt.Sprint(json.Unmarshal(body, &value))) // says what and where
	}
	if err := p.spend(len(body)); err != nil {
		return err
	}
	if at := loneSurrogate(body); at >= 0 {
		return invalid(errJSON, fmt.Sprintf("half a surrogate pair at byte %d", at))
	}
	return p.spend(len(body))
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

// members takes an object apart, in its own order, and refuses it at the first name that is not known or that came before:
// an object costs no more than the names there are. raw must be well formed.
func members(raw []byte, known func(name string) bool) ([]member, error) {
	c := cursor{raw}
	if !c.take('{') {
		return nil, invalid(errJSON, "a JSON object is required")
	}
	var found []member
	for !c.take('}') {
		name, err := nameOf(c.value())
		if err != nil {
			return nil, err
		}
		c.take(':')
		m := member{name: name, value: c.value()}
		switch {
		case m.value == nil:
			return nil, invalid(errJSON, "a value could not be read", clip(name, maxName))
		case !known(name):
			// Ignoring it would make a link without what was asked for, such as a password of a later version.
			return nil, invalid(errJSON, "unknown field", clip(name, maxName))
		case slices.ContainsFunc(found, func(before member) bool { return before.name == name }):
			return nil, invalid(errJSON, "a field is given twice", clip(name, maxName))
		}
		found = append(found, m)
		c.take(',')
	}
	return found, nil
}

// nameOf reads the name of a member, as decoded: "long\u0055rl" is longUrl.
func nameOf(raw []byte) (string, error) {
	if len(raw) > 0 && raw[0] == '"' {
		if name, err := unquote(raw); err == nil {
			return name, nil
		}
	}
	return "", invalid(errJSON, "a field name is required")
}

// unquote reads a well-formed JSON string. Most have no escapes, and are copied once only.
func unquote(raw []byte) (text string, err error) {
	if len(raw) >= len(`""`) && bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	err = json.Unmarshal(raw, &text)
	return text, err
}

// elements takes an array of at most limit elements apart. raw must be well formed; more elements make ok false, and are
// not looked at.
func elements(raw []byte, limit int) (found []json.RawMessage, ok bool, err error) {
	c := cursor{raw}
	if !c.take('[') {
		return nil, false, invalid(errJSON, "a JSON array is required")
	}
	for !c.take(']') {
		if len(found) == limit {
			return nil, false, nil
		}
		value := c.value()
		if value == nil {
			return nil, false, invalid(errJSON, "an element could not be read")
		}
		found = append(found, value)
		c.take(',')
	}
	return found, true, nil
}
