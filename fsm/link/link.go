// Package link owns the words of the domain: what a link, a code, a target and a counter value are, how they are
// parsed, and the errors that every layer may meet. It is a leaf: it knows no storage, no wire format and no clock.
package link

import "time"

// Code is what follows the host in a short URL: seven base62 characters made from the counter (a generated code), or a
// slug that somebody chose. Codes are case-sensitive. A Code that did not come from ParseCode, ParseSlug or Codec may hold anything.
type Code string

// Target is the URL a link leads to, byte for byte as it was given. A Target that did not come from ParseTarget may hold
// anything.
type Target string

// ID is a value of the replicated monotonic counter. The first link made has ID 1; 0 means "none" (a link with a slug).
type ID uint64

// Link is one short→long mapping. Links can be compared with ==.
type Link struct {
	Code Code
	Fields
	// Owner is the id of the user whose link it is; empty for the root key's and for anonymous links.
	Owner string
	// CreatedAt and UpdatedAt are the leader's stamps, in UTC with milliseconds. An imported link brings its CreatedAt along.
	CreatedAt, UpdatedAt time.Time
	// Visits are those that counted towards MaxVisits, of a link that has or had such a limit, and what an import brought along.
	Visits uint64
	// Version starts at 1 and grows by one with every change, visits aside.
	Version uint64
}

// Expired reports whether the link has stopped redirecting at now.
func (l Link) Expired(now time.Time) bool {
	return !l.ValidUntil.IsZero() && !now.Before(l.ValidUntil)
}

const (
	// MaxKey is the longest idempotency key, in bytes.
	MaxKey = 255
	// MaxTarget is the longest target, in bytes.
	MaxTarget = 8192
	// MaxSlug is the longest slug, in bytes.
	MaxSlug = 128
	// MaxOwner is the longest owner, in bytes.
	MaxOwner = 64
	// CodeLength is the length of a generated code, in characters.
	CodeLength = 7
	// OnceKept is how long a client's request identity is remembered, by the leader's stamps.
	OnceKept = 24 * time.Hour
)

// ExpiredKept is how long an expired link stays as it is, by the leader's stamps, before it is deleted: until then its end can
// be moved.
const ExpiredKept = 30 * 24 * time.Hour
