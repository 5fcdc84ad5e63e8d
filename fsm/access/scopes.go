package access

import (
	"fmt"
	"strings"
)

// Scopes is a set of what a key may do. The numbers are on disk and in the log: they never change meaning.
type Scopes uint8

// The scopes of API keys.
const (
	LinksCreate Scopes = 1 << iota
	LinksRead
	LinksWrite
	StatsRead
	Admin

	// AnyKey is what is asked for where a valid key is enough.
	AnyKey Scopes = 0
	// AllScopes are the root key's.
	AllScopes = LinksCreate | LinksRead | LinksWrite | StatsRead | Admin
)

// scopeNames are the scopes by the bit they are, from the lowest.
var scopeNames = [...]string{"links:create", "links:read", "links:write", "stats:read", "admin"}

// Holds reports whether s has all of wanted.
func (s Scopes) Holds(wanted Scopes) bool { return s&wanted == wanted }

// Names gives the names of the scopes in s, in the order of the constants.
func (s Scopes) Names() []string {
	names := make([]string, 0, len(scopeNames))
	for bit, name := range scopeNames {
		if s&(1<<bit) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// ParseScopes reads names as Names gives them. An unknown name, and none at all, is an ErrInvalid that says so.
func ParseScopes(names []string) (Scopes, error) {
	var s Scopes
next:
	for _, name := range names {
		for bit, known := range scopeNames {
			if name == known {
				s |= 1 << bit
				continue next
			}
		}
		return 0, fmt.Errorf("%w: a scope is one of %s", ErrInvalid, strings.Join(scopeNames[:], ", "))
	}
	if s == 0 {
		return 0, fmt.Errorf("%w: at least one scope is required", ErrInvalid)
	}
	return s, nil
}
