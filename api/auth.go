package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"tinyurl/fsm/access"
)

// rootKey is the Authenticator of the one key that has every scope. It keeps the key's hash: comparing hashes takes the
// same time for every key, of whatever length.
type rootKey struct {
	hash [sha256.Size]byte
}

// RootKey gives the Authenticator that knows one key, with every scope.
func RootKey(key string) Authenticator {
	return rootKey{hash: sha256.Sum256([]byte(key))}
}

// Authenticate gives the root key's holder, or ErrUnauthorized.
func (k rootKey) Authenticate(_ context.Context, key string, _ bool) (access.Holder, error) {
	// SHA-256 and no slow hash: the key is random or long, so it cannot be guessed, and this runs for every call.
	hash := sha256.Sum256([]byte(key))
	if subtle.ConstantTimeCompare(hash[:], k.hash[:]) != 1 {
		return access.Holder{}, ErrUnauthorized
	}
	return access.RootHolder(), nil
}

// showsKey reports whether a header has something to say of a key.
func showsKey(h http.Header) bool { return len(h["Authorization"]) > 0 || len(h["X-Api-Key"]) > 0 }

// Confirm gives the root key's holder, who is the only one.
func (rootKey) Confirm(_ context.Context, by access.Holder, _ bool) (access.Holder, error) {
	return by, nil
}

// keyOf reads the API key of a request from "Authorization: Bearer KEY" or "X-Api-Key: KEY". Two that differ are refused:
// whoever sent them may be somebody else than they believe.
func keyOf(h http.Header) (string, error) {
	var found string
	for _, value := range h["X-Api-Key"] {
		if err := oneKey(&found, value); err != nil {
			return "", err
		}
	}
	for _, value := range h["Authorization"] {
		scheme, key, _ := strings.Cut(value, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return "", invalid(ErrUnauthorized, "Authorization must be of the form: Bearer KEY", "Authorization")
		}
		if err := oneKey(&found, key); err != nil {
			return "", err
		}
	}
	if found == "" {
		return "", invalid(ErrUnauthorized, "an API key is required, as Authorization: Bearer KEY or X-Api-Key: KEY")
	}
	return found, nil
}

// oneKey takes the key of one header value into found, which may hold the same key already.
func oneKey(found *string, value string) error {
	value = strings.TrimSpace(value)
	if *found != "" && *found != value {
		return invalid(ErrUnauthorized, "the request carries two different API keys")
	}
	*found = value
	return nil
}
