// Package identity turns the cluster's one secret into everything that proves a node belongs: the gossip key, the root API
// key, and a certificate authority every node runs for itself. Whoever knows the secret is the cluster; there is no other
// set-up, and no certificate to copy about.
package identity

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a secret's text, in characters. What derives from it can be tried offline by anyone who reaches a port, so a
// short one would be a guess away: NewSecret makes 256 random bits.
const (
	MinSecret = 32
	MaxSecret = 1024
)

// ErrInvalidSecret: too short, too long, or with characters no terminal would show. The text never holds the secret.
var ErrInvalidSecret = errors.New("invalid cluster secret")

// The labels keep what is derived apart: knowing one value tells nothing of another. Changing any splits running clusters.
const (
	hkdfSalt       = "tinyurl cluster secret v1"
	labelGossip    = "gossip key"
	labelRoot      = "root api key"
	labelVisitors  = "visitors of a day"
	labelAuthority = "certificate authority"
)

const redacted = "[cluster secret]"

// Secret is the cluster's one secret. It does not print itself, whatever the verb; Reveal does. The zero value is no secret.
type Secret struct {
	// text is behind a pointer because fmt prints the unexported fields of a struct around it without asking us.
	text *string
}

// ParseSecret takes the secret as people and files hold it: white space around it does not count. It fails with
// ErrInvalidSecret.
func ParseSecret(s string) (Secret, error) {
	s = strings.TrimSpace(s)
	n := utf8.RuneCountInString(s)
	switch {
	case n == 0:
		return Secret{}, fmt.Errorf("%w: it is empty", ErrInvalidSecret)
	case n < MinSecret:
		return Secret{}, fmt.Errorf("%w: it has %d characters, at least %d are needed", ErrInvalidSecret, n, MinSecret)
	case n > MaxSecret:
		return Secret{}, fmt.Errorf("%w: it has %d characters, more than %d", ErrInvalidSecret, n, MaxSecret)
	case !utf8.ValidString(s):
		return Secret{}, fmt.Errorf("%w: it is not UTF-8 text", ErrInvalidSecret)
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return Secret{}, fmt.Errorf("%w: it has line breaks or control characters inside", ErrInvalidSecret)
	}
	return Secret{text: &s}, nil
}

// NewSecret makes a secret of 256 bits from rand, 43 characters of base64url that paste into any shell. It fails with rand's
// error.
func NewSecret(rand io.Reader) (Secret, error) {
	var b [32]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return Secret{}, fmt.Errorf("making a cluster secret: %w", err)
	}
	s := base64.RawURLEncoding.EncodeToString(b[:])
	return Secret{text: &s}, nil
}

// IsZero says that there is no secret.
func (s Secret) IsZero() bool { return s.text == nil }

// Equal compares in constant time.
func (s Secret) Equal(o Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(o.Reveal())) == 1
}

// Reveal is the secret's text, for the file that keeps it and the command that prints it; empty for the zero value.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// GossipKey is the 32-byte AES key of the gossip plane.
func (s Secret) GossipKey() []byte { return s.derive(labelGossip, 32) }

// RootKey is the API key that may do everything: "tu_" and 43 characters of base64url.
func (s Secret) RootKey() string {
	return "tu_" + base64.RawURLEncoding.EncodeToString(s.derive(labelRoot, 32))
}

// VisitorSalt is the key by which visitors are told apart on a day, counted from 1970. It is the same on all nodes.
func (s Secret) VisitorSalt(day uint32) [16]byte {
	return [16]byte(s.derive(labelVisitors+" "+strconv.FormatUint(uint64(day), 10), 16))
}

// authorityKey signs the nodes' certificates. Every node has it: what it proves is knowledge of the secret, no more.
func (s Secret) authorityKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(s.derive(labelAuthority, ed25519.SeedSize))
}

// derive is HKDF (RFC 5869) with SHA-256. No slow password hash: secrets are long random strings, and MinSecret sees to the
// long.
func (s Secret) derive(label string, n int) []byte {
	if s.IsZero() {
		// Deriving from nothing would give every careless cluster the same keys.
		panic("identity: deriving from no secret")
	}
	key, err := hkdf.Key(sha256.New, []byte(s.Reveal()), []byte(hkdfSalt), label, n)
	if err != nil {
		panic(fmt.Sprintf("identity: deriving %s: %v", label, err)) // only for lengths beyond 255 hashes, or a FIPS refusal
	}
	return key
}

// String, GoString, Format, LogValue and MarshalText keep the secret out of logs, errors and documents.
func (s Secret) String() string { return redacted }

// GoString is String.
func (s Secret) GoString() string { return redacted }

// Format is String for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
