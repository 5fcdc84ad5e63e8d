package visit

import (
	"cmp"
	"errors"
	"fmt"
)

// ErrMalformed is returned for bytes that this package could not have written.
var ErrMalformed = errors.New("malformed visits")

// Kind is what kind of thing visits are counted of. The numbers are on disk and never change.
type Kind uint8

const (
	// OfAll is all redirects of the cluster.
	OfAll Kind = 1
	// OfOrphans is all visits that were not redirected: of codes that are unknown, expired, disabled, used up or not given free.
	OfOrphans Kind = 2
	// OfLink is the redirects of one link.
	OfLink Kind = 3
	// OfTag is the redirects of links that had a tag when they were visited.
	OfTag Kind = 4
)

// MaxName is the longest name of a subject, in bytes: no code and no tag is longer.
const MaxName = 255

// Subject is what visits are counted of.
type Subject struct {
	Kind Kind
	// Name is a link's code, or a tag; empty for others.
	Name string
}

// Append appends the subject in the form keys hold it, which is in the order of Compare.
func (s Subject) Append(buf []byte) []byte { return append(append(buf, byte(s.Kind)), s.Name...) }

// ParseSubject undoes Append. ErrMalformed.
func ParseSubject(b []byte) (Subject, error) {
	if len(b) == 0 {
		return Subject{}, fmt.Errorf("%w: no subject", ErrMalformed)
	}
	s := Subject{Kind: Kind(b[0]), Name: string(b[1:])}
	named := s.Kind == OfLink || s.Kind == OfTag
	if s.Kind < OfAll || s.Kind > OfTag || named != (s.Name != "") || len(s.Name) > MaxName {
		return Subject{}, fmt.Errorf("%w: a subject of kind %d with a name of %d bytes", ErrMalformed, s.Kind, len(s.Name))
	}
	return s, nil
}

// Compare orders subjects by kind and name.
func (s Subject) Compare(o Subject) int {
	return cmp.Or(cmp.Compare(s.Kind, o.Kind), cmp.Compare(s.Name, o.Name))
}
