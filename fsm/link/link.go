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

// Link is one short→long mapping.
type Link struct {
	Code   Code
	Target Target
	// CreatedAt and UpdatedAt are the leader's stamps, in UTC with milliseconds.
	CreatedAt, UpdatedAt time.Time
	// ValidUntil is the moment from which the link no longer redirects; zero means never.
	ValidUntil time.Time
	// Version starts at 1 and grows by one with every change.
	Version uint64
}

// Expired reports whether the link has stopped redirecting at now.
func (l Link) Expired(now time.Time) bool {
	return !l.ValidUntil.IsZero() && !now.Before(l.ValidUntil)
}

// Draft is what a caller asks for when it makes a link.
type Draft struct {
	Target Target
	// Slug is the code the caller chose; empty asks for a generated one.
	Slug Code
	// ValidUntil and ExpiresIn both end the link; at most one is set. ExpiresIn counts from the leader's stamp.
	ValidUntil time.Time
	ExpiresIn  time.Duration
	// Once makes retries of one request give one link; nil asks for none.
	Once *Once
}

// Once is the identity of a client's request (its Idempotency-Key). It is kept for OnceKept.
type Once struct {
	// Scope is who asks (an API key's id): equal keys in two scopes are strangers.
	Scope string
	// Key is the client's own word, 1 to MaxKey bytes.
	Key string
	// Row is the position in a bulk, from 0; a single create is row 0 of its own kind, told apart by Body.
	Row uint32
	// Body is the SHA-256 of the request (method, path and body). The same key with another body is ErrKeyReused.
	Body [32]byte
}

const (
	// MaxKey is the longest idempotency key, in bytes.
	MaxKey = 255
	// MaxTarget is the longest target, in bytes.
	MaxTarget = 8192
	// MaxSlug is the longest slug, in bytes.
	MaxSlug = 128
	// CodeLength is the length of a generated code, in characters.
	CodeLength = 7
	// OnceKept is how long a client's request identity is remembered, by the leader's stamps.
	OnceKept = 24 * time.Hour
)
