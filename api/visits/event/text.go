package event

import "unicode/utf8"

// Code points that end a line for some readers of JSON though it lets them stand for themselves.
const (
	lineSeparator      = '\u2028'
	paragraphSeparator = '\u2029'
)

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string. Whole stretches of what stands for itself are copied at once.
func appendString(line []byte, s string) []byte {
	line = append(line, '"')
	copied := 0
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			line = appendEscaped(append(line, s[copied:i]...), c)
			i++
			copied = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			line = utf8.AppendRune(append(line, s[copied:i]...), utf8.RuneError)
			copied = i + size
		case r == lineSeparator || r == paragraphSeparator:
			line = append(append(line, s[copied:i]...), `\u202`...)
			line = append(line, hexDigits[r&0xf])
			copied = i + size
		}
		i += size
	}
	return append(append(line, s[copied:]...), '"')
}

// appendEscaped appends a character of ASCII that may not stand for itself.
func appendEscaped(line []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(line, '\\', c)
	case '\n':
		return append(line, `\n`...)
	case '\r':
		return append(line, `\r`...)
	case '\t':
		return append(line, `\t`...)
	}
	return append(line, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}
