package transfer

import (
	"encoding/hex"
	"strings"
)

// badValue is what a value of a dump may not be: an expression, say.
const badValue = fault("a value is neither a text, a number nor NULL")

// sqlValues takes values between brackets and commas apart. NULL is an empty text, as everywhere in rows.
func sqlValues(text []byte) ([]string, error) {
	text = text[1 : len(text)-1]
	var values []string
	for {
		text = trimSpace(text)
		value, rest, err := sqlValue(text)
		if err != nil {
			return nil, err
		}
		if len(values) > maxColumns {
			return nil, fault("the row has too many values")
		}
		values = append(values, value)
		rest = trimSpace(rest)
		if len(rest) == 0 {
			return values, nil
		}
		if rest[0] != ',' {
			return nil, badValue
		}
		text = rest[1:]
	}
}

// sqlValue takes the value at the front.
func sqlValue(text []byte) (value string, rest []byte, err error) {
	end := 0
	for end < len(text) && (wordByte(text[end]) || strings.IndexByte("+-.", text[end]) >= 0) {
		end++
	}
	word, rest := string(text[:end]), trimSpace(text[end:])
	quoted := len(rest) > 0 && (rest[0] == '\'' || rest[0] == '"')
	upper := strings.ToUpper(word)
	switch {
	case quoted && (word == "" || word[0] == '_'): // an introducer names the character set of the text
		return sqlString(rest)
	case quoted && upper == "X":
		value, rest, err = sqlString(rest)
		if err == nil {
			value, err = fromHex(value)
		}
		return value, rest, err
	case quoted || word == "":
		return "", nil, badValue
	case upper == "NULL":
		return "", rest, nil
	case strings.HasPrefix(upper, "0X"):
		value, err = fromHex(word[2:])
		return value, rest, err
	case strings.Trim(word, "0123456789+-.") == "":
		return word, rest, nil
	}
	return "", nil, badValue
}

// sqlString takes the text in quotes at the front.
func sqlString(text []byte) (value string, rest []byte, err error) {
	mark := text[0]
	unquoted := make([]byte, 0, 64)
	for i := 1; i < len(text); i++ {
		b := text[i]
		switch {
		case b == '\\' && i+1 < len(text):
			i++
			unquoted = append(unquoted, unescape(text[i])...)
		case b == mark && i+1 < len(text) && text[i+1] == mark:
			i++
			unquoted = append(unquoted, mark)
		case b == mark:
			return string(unquoted), text[i+1:], nil
		default:
			unquoted = append(unquoted, b)
		}
	}
	return "", nil, badValue
}

// unescape gives what a letter after a backslash stands for.
func unescape(b byte) string {
	switch b {
	case '0':
		return "\x00"
	case 'b':
		return "\b"
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case 't':
		return "\t"
	case 'Z':
		return "\x1a"
	case '%', '_':
		return "\\" + string(rune(b)) // they are escapes of LIKE alone
	}
	return string([]byte{b})
}

func fromHex(digits string) (string, error) {
	value, err := hex.DecodeString(digits)
	if err != nil {
		return "", badValue
	}
	return string(value), nil
}

func trimSpace(text []byte) []byte {
	for len(text) > 0 && strings.IndexByte(" \t\r\n", text[0]) >= 0 {
		text = text[1:]
	}
	return text
}
