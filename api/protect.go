package api

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"tinyurl/fsm/link"
)

// bulkPasswords is how many rows of a bulk may have a password. To hash one takes tens of milliseconds, on purpose: a thousand of
// them would keep the processors from all else, and not be done before the call ends.
const bulkPasswords = 10

// protect hashes the password of a request; empty if it has none. It comes last, when nothing else is wrong with the request.
func (o *linkCalls) protect(ctx context.Context, want *wanted) (link.PasswordHash, error) {
	if !want.has(inPassword) {
		return "", nil
	}
	hash, err := o.passwords.Hash(ctx, want[inPassword].text)
	switch {
	case err == nil:
		return hash, nil
	case ctx.Err() != nil && !errors.Is(err, link.ErrOverloaded):
		// Nothing was asked of the cluster yet.
		return "", fmt.Errorf("%w: a password was not hashed in time: %w", link.ErrOverloaded, err)
	}
	return "", fmt.Errorf("hash a password: %w", err)
}

// passwords counts those of a bulk.
type passwords struct{ taken int }

// take refuses a row whose password is one too many.
func (p *passwords) take(want *wanted) error {
	if !want.has(inPassword) {
		return nil
	}
	if p.taken == bulkPasswords {
		return wrong("only "+strconv.Itoa(bulkPasswords)+" links of a bulk may have a password", inPassword)
	}
	p.taken++
	return nil
}
