package api

import "encoding/json"

// cursor walks through well-formed JSON and gives parts of it, without copying any. On other bytes it gives wrong parts or
// none, but comes to an end.
type cursor struct {
	rest []byte
}

// take goes past mark if it comes next, white space aside, and reports whether it did.
func (c *cursor) take(mark byte) bool {
	c.space()
	if len(c.rest) == 0 || c.rest[0] != mark {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

// value goes past the next value and gives it; nil if there is none.
func (c *cursor) value() json.RawMessage {
	c.space()
	n := span(c.rest)
	if n == 0 {
		return nil
	}
	value := c.rest[:n:n]
	c.rest = c.rest[n:]
	return value
}

func (c *cursor) space() {
	for len(c.rest) > 0 && isSpace(c.rest[0]) {
		c.rest = c.rest[1:]
	}
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

// span is the length of the value that text begins with. It counts brackets rather than calling itself: how deep they nest
// is the sender's choice.
func span(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += stringSpan(text[i:]) - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		default:
			if depth > 0 {
				continue
			}
			return i + scalarSpan(text[i:])
		}
		if depth <= 0 {
			return i + 1
		}
	}
	return len(text)
}

// stringSpan is the length of the string that text begins with, its quotes included.
func stringSpan(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// scalarSpan is the length of the number or word that text begins with.
func scalarSpan(text []byte) int {
	for i, b := range text {
		if b == ',' || b == ']' || b == '}' || b == ':' || isSpace(b) {
			return i
		}
	}
	return len(text)
}

// deeper reports whether brackets nest deeper in text than limit.
func deeper(text []byte, limit int) bool {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += stringSpan(text[i:]) - 1
		case '{', '[':
			if depth++; depth > limit {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}
