package access

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrInvalid: a field cannot be taken. The text says which and why.
var ErrInvalid = errors.New("invalid")

func checkID(id string) error {
	for i := range len(id) {
		if c := id[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' && c != '-' {
			return fmt.Errorf("%w: an id is made of letters, digits, _ and -", ErrInvalid)
		}
	}
	if id == "" || len(id) > MaxID || id == Root || id == Anonymous {
		return fmt.Errorf("%w: an id has 1 to %d bytes and is neither %q nor %q", ErrInvalid, MaxID, Root, Anonymous)
	}
	return nil
}

func checkName(name string) error {
	if name == "" || len(name) > MaxName || strings.TrimSpace(name) != name || !printable(name) {
		return fmt.Errorf("%w: a name has 1 to %d bytes without control characters, and no space at its ends", ErrInvalid, MaxName)
	}
	return nil
}

func checkReason(reason string) error {
	if len(reason) > MaxReason || !printable(reason) {
		return fmt.Errorf("%w: a reason has at most %d bytes without control characters", ErrInvalid, MaxReason)
	}
	return nil
}

// printable reports whether text is UTF-8 without control characters.
func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
