package link

import "fmt"

// The alphabet of generated codes, in digit order. Its order is part of the replicated state: it must never change.
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// ParseCode takes whatever could be a code: a generated one or a slug (they share one pattern,
// ^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$). Reserved words pass: whether a route or a link answers is not its business.
// Anything else is ErrNotFound, and that is proof: no link can ever have had it.
func ParseCode(s string) (Code, error) {
	if !plausible(s) {
		return "", ErrNotFound
	}
	return Code(s), nil
}

// ParseSlug takes a slug that somebody chose for a new link: ErrSlugReserved for the words of v (whatever their
// characters), ErrInvalidSlug for what does not match the pattern. It never changes what it was given.
func ParseSlug(s string, v Words) (Code, error) {
	if len(s) <= MaxSlug && v.Reserved(Code(s)) {
		return "", fmt.Errorf("%w: %q", ErrSlugReserved, s)
	}
	if !plausible(s) {
		return "", fmt.Errorf("%w: 1 to %d characters of [A-Za-z0-9_-], the first a letter or a digit", ErrInvalidSlug, MaxSlug)
	}
	return Code(s), nil
}

// plausible reports whether s matches the pattern of codes and slugs. Written by hand: it runs before every redirect.
func plausible(s string) bool {
	if len(s) == 0 || len(s) > MaxSlug || !base62(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !base62(c) && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// base62 reports whether c is a digit of generated codes.
func base62(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
