// Package password turns the passwords of links into what is kept of them, and finds out whether a visitor knows one. What is kept
// is argon2id in the PHC string format, "$argon2id$v=19$m=19456,t=2,p=1$salt$hash": the parameters stand in it, so that old hashes
// go on to be understood when new ones are made in another way.
//
// Each hash takes memory (19 MiB) and time (tens of milliseconds) on purpose, so only a few are made at once.
package password

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/argon2"

	"tinyurl/fsm/link"
)

const (
	// MaxLength is the longest password, in bytes.
	MaxLength = 1024
	// atOnce is how many hashes are made at the same time; each has a processor and its memory for itself.
	atOnce = 2
	// patience bounds the wait for one's turn. Beyond it there are more visitors with passwords than this node can serve.
	patience = 2 * time.Second

	saltBytes = 16
	keyBytes  = 32
)

// chosen are the parameters of new hashes: the second choice of OWASP's Password Storage Cheat Sheet for argon2id, as of 2024.
var chosen = parameters{memory: 19456, passes: 2, lanes: 1}

// errUnreadable: what is kept is no hash of ours, or asks for more work than any of ours.
var errUnreadable = errors.New("the password that is kept cannot be read")

// Hasher makes and compares hashes. It is safe for use by many goroutines, who share its turns.
type Hasher struct {
	random io.Reader
	turns  chan struct{} // a token for each hash that is being made
}

// New makes a Hasher whose salts come from random.
func New(random io.Reader) *Hasher {
	return &Hasher{random: random, turns: make(chan struct{}, atOnce)}
}

// Hash gives what is to be kept of a password of 1 to MaxLength bytes; link.ErrInvalidField for any other, link.ErrOverloaded if
// there was no turn for it in two seconds, or before ctx ended.
func (h *Hasher) Hash(ctx context.Context, password string) (link.PasswordHash, error) {
	if password == "" || len(password) > MaxLength {
		return "", fmt.Errorf("%w: a password of 1 to %d bytes", link.ErrInvalidField, MaxLength)
	}
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(h.random, salt); err != nil {
		return "", fmt.Errorf("salt of a password: %w", err)
	}
	made := phc{parameters: chosen, salt: salt}
	var err error
	if made.key, err = h.derive(ctx, made, password, keyBytes); err != nil {
		return "", err
	}
	return made.encode(), nil
}

// Verify reports whether a password is the one of which kept was made, in a time that tells nothing about how much of it was right.
// link.ErrOverloaded as with Hash; any other error says that kept is no hash that could be checked here.
func (h *Hasher) Verify(ctx context.Context, kept link.PasswordHash, password string) (bool, error) {
	known, err := parse(kept)
	if err != nil {
		return false, err
	}
	if password == "" || len(password) > MaxLength {
		return false, nil
	}
	key, err := h.derive(ctx, known, password, len(known.key))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, known.key) == 1, nil
}

// derive does the work, when it is its turn.
func (h *Hasher) derive(ctx context.Context, with phc, password string, length int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case h.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: passwords", link.ErrOverloaded)
	}
	defer func() { <-h.turns }()
	//nolint:gosec // a key is as long as parse allows
	return argon2.IDKey([]byte(password), with.salt, with.passes, with.memory, with.lanes, uint32(length)), nil
}
