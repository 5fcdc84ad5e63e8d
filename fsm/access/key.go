package access

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// MaxKeys is how many API keys there can be.
const MaxKeys = 10_000

// Hash is what is kept of a key's secret: its SHA-256. No slow hash: the secret is 32 random bytes, so it cannot be guessed,
// and this is asked for by every call.
type Hash [sha256.Size]byte

// Key is an API key. But for its end it never changes.
type Key struct {
	ID     string
	Name   string
	Hash   Hash
	Scopes Scopes
	// Owner is the id of a user; empty for a key of nobody's, which is judged by its scopes alone.
	Owner     string
	CreatedAt time.Time
	// ExpiresAt is when it ends; zero for never.
	ExpiresAt time.Time
}

// Expired reports whether the key has ended at a moment.
func (k Key) Expired(now time.Time) bool { return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt) }

// Check is nil, or an ErrInvalid that says what of k cannot be taken.
func (k Key) Check() error {
	if err := checkID(k.ID); err != nil {
		return err
	}
	if err := checkName(k.Name); err != nil {
		return err
	}
	if k.Scopes == 0 || k.Scopes&^AllScopes != 0 {
		return fmt.Errorf("%w: at least one scope is required", ErrInvalid)
	}
	return nil
}

// The form of secrets: tu_ and 32 bytes as base64url.
const (
	secretPrefix = "tu_"
	secretBytes  = 32
)

// Secret gives the secret of random bytes.
func Secret(random [secretBytes]byte) string {
	return secretPrefix + base64.RawURLEncoding.EncodeToString(random[:])
}

// HashOf gives what is kept of a secret; false for what cannot be one, of any key.
func HashOf(secret string) (Hash, bool) {
	encoded, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(secretBytes) {
		return Hash{}, false
	}
	return sha256.Sum256([]byte(secret)), true
}
