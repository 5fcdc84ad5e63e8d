package link

import (
	"time"
	"unicode"
	"unicode/utf8"
)

// Fields are what people decide about a link, its code aside. Their zero values are the defaults.
type Fields struct {
	Target Target
	// Title is shown in lists, at most MaxTitle bytes.
	Title string
	Tags  Tags
	// ValidSince is the moment from which the link redirects, ValidUntil that from which it no longer does; zero for no
	// such moment. In UTC with milliseconds.
	ValidSince, ValidUntil time.Time
	// MaxVisits is how often the link redirects at most; 0 means any number of times.
	MaxVisits uint64
	Redirect  Redirect
	// DropQuery keeps a visitor's query from being added to the target.
	DropQuery bool
	// Disabled links do not redirect.
	Disabled bool
	Password PasswordHash
}

// Redirect is the HTTP status of a redirect: 0, which stands for 302, or 301, 307 or 308.
type Redirect uint16

// RedirectOf gives the Redirect of a status. ErrInvalidField: it is none of the four.
func RedirectOf(status int) (Redirect, error) {
	switch status {
	case 302:
		return 0, nil
	case 301, 307, 308:
		return Redirect(status), nil
	}
	return 0, ErrInvalidField
}

// Status is the status with the default filled in.
func (r Redirect) Status() int {
	if r == 0 {
		return 302
	}
	return int(r)
}

// Cached reports whether browsers may keep the answer for a moment.
func (r Redirect) Cached() bool { return r == 301 || r == 308 }

// valid reports whether RedirectOf could have given r.
func (r Redirect) valid() bool {
	again, err := RedirectOf(r.Status())
	return err == nil && again == r
}

// PasswordHash is a password as it is kept, in the form of the PHC string format ("$argon2id$v=19$…"); empty for none. What
// is in it is for its maker to say: the state machine compares it byte by byte.
type PasswordHash string

const (
	// MaxTitle is the longest title, in bytes.
	MaxTitle = 512
	// MaxPasswordHash is the longest hash, in bytes.
	MaxPasswordHash = 255
	// MaxVisitLimit is the highest MaxVisits, and the most visits that are counted.
	MaxVisitLimit = 1<<53 - 1 // what every JSON reader can hold
)

// FieldSet names some of the fields.
type FieldSet uint16

// The fields by name. TargetField is the least of them, and PasswordField the greatest.
const (
	TargetField FieldSet = 1 << iota
	TitleField
	TagsField
	ValidSinceField
	ValidUntilField
	MaxVisitsField
	RedirectField
	DropQueryField
	DisabledField
	PasswordField

	// AllFields are all of them.
	AllFields = PasswordField<<1 - 1
)

// Has reports whether s names all of wanted.
func (s FieldSet) Has(wanted FieldSet) bool { return s&wanted == wanted }

// Take copies the fields in s from from.
func (f *Fields) Take(from Fields, s FieldSet) {
	take(&f.Target, from.Target, s.Has(TargetField))
	take(&f.Title, from.Title, s.Has(TitleField))
	take(&f.Tags, from.Tags, s.Has(TagsField))
	take(&f.ValidSince, from.ValidSince, s.Has(ValidSinceField))
	take(&f.ValidUntil, from.ValidUntil, s.Has(ValidUntilField))
	take(&f.MaxVisits, from.MaxVisits, s.Has(MaxVisitsField))
	take(&f.Redirect, from.Redirect, s.Has(RedirectField))
	take(&f.DropQuery, from.DropQuery, s.Has(DropQueryField))
	take(&f.Disabled, from.Disabled, s.Has(DisabledField))
	take(&f.Password, from.Password, s.Has(PasswordField))
}

func take[T any](to *T, from T, yes bool) {
	if yes {
		*to = from
	}
}

// Same reports whether the fields in s are equal.
func (f Fields) Same(other Fields, s FieldSet) bool {
	var a, b Fields
	a.Take(f, s)
	b.Take(other, s)
	return a == b
}

// Check gives the refusal of fields that no link can have, whoever checked them before: ErrInvalidTarget or ErrInvalidField.
// What a node's settings decide (the schemes taken, its own host) and whether ValidUntil is over are not judged here.
func (f Fields) Check() error {
	switch {
	case f.Target == "" || len(f.Target) > MaxTarget || !utf8.ValidString(string(f.Target)):
		return ErrInvalidTarget
	case !ValidTitle(f.Title), !f.Tags.valid(), !f.Redirect.valid(), f.MaxVisits > MaxVisitLimit,
		len(f.Password) > MaxPasswordHash || !printable(string(f.Password)),
		!f.ValidSince.IsZero() && !f.ValidUntil.IsZero() && !f.ValidUntil.After(f.ValidSince):
		return ErrInvalidField
	}
	return nil
}

// ValidTitle reports whether a title can be taken: MaxTitle bytes of text without control characters.
func ValidTitle(title string) bool {
	if len(title) > MaxTitle || !utf8.ValidString(title) {
		return false
	}
	for _, r := range title {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}

// printable reports whether text is ASCII without control characters and spaces.
func printable(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
