package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// keyCalls are the operations with API keys.
type keyCalls struct {
	keys   Keys // nil leaves the operations out
	random io.Reader
	now    func() time.Time
	bodies *budget
}

// endpoints are the operations, within limits.
func (k *keyCalls) endpoints(l Limits) []endpoint {
	if k.keys == nil {
		return nil
	}
	all := base + "/keys"
	return []endpoint{
		{method: http.MethodPost, path: all, scope: access.Admin, takesBody: true, bodyLimit: l.Body, timeout: l.Call, serve: k.createKey},
		{method: http.MethodGet, path: all, scope: access.Admin, query: pageQuery(), bodyLimit: l.Body, timeout: l.Call, serve: k.listKeys},
		{method: http.MethodDelete, path: all + "/:id", scope: access.Admin, bodyLimit: l.Body, timeout: l.Call, serve: k.revokeKey},
	}
}

// createKey serves POST /keys. The key itself is in this answer and nowhere else: what is kept is its hash.
func (k *keyCalls) createKey(ctx context.Context, c *call) (reply, error) {
	draft, err := k.keyDraft(ctx, c.body)
	if err != nil {
		return reply{}, err
	}
	// What somebody's key makes is theirs unless it is said to be another's: it ends with them, and may do no more than they.
	draft.Owner = cmp.Or(draft.Owner, c.by.Owner)
	secret, err := k.newSecret(&draft)
	if err != nil {
		return reply{}, err
	}
	made, err := k.keys.CreateKey(ctx, c.by, draft)
	if err != nil {
		return reply{}, aboutKey(err, draft)
	}
	shown := shownKey(made)
	shown.Key = secret
	return reply{status: http.StatusCreated, header: []headerLine{{"Location", base + "/keys/" + made.ID}}, body: shown}, nil
}

// aboutKey says of a refusal which fields it may mean: all others were judged before.
func aboutKey(err error, draft KeyDraft) error {
	const noUser, over = "owner must be the id of a user", "expiresAt is over already, by the leader's clock"
	switch owned, ends := draft.Owner != "", !draft.ExpiresAt.IsZero(); {
	case !errors.Is(err, link.ErrInvalidField):
	case owned && ends:
		return invalid(err, noUser+", or "+over, "owner", "expiresAt")
	case owned:
		return wrongField("owner", noUser)
	case ends:
		return wrongField("expiresAt", over)
	}
	return fmt.Errorf("create a key: %w", err)
}

// keyFields are the fields of a key that is asked for.
func keyFields() map[string]shape {
	return map[string]shape{
		"name": textual, "scopes": listed(len(access.AllScopes.Names())), "owner": textual, "expiresAt": textual, "expiresIn": textual,
	}
}

// keyDraft reads a key that is asked for.
func (k *keyCalls) keyDraft(ctx context.Context, body []byte) (draft KeyDraft, err error) {
	fields, err := readObject(ctx, body, keyFields())
	if err != nil {
		return draft, err
	}
	if draft.Name, err = nameIn(fields); err != nil {
		return draft, err
	}
	if draft.Scopes, err = access.ParseScopes(fields["scopes"].words); err != nil || len(fields["scopes"].words) > len(access.AllScopes.Names()) {
		return draft, wrongField("scopes", "scopes must be some of links:create, links:read, links:write, stats:read, admin, each once")
	}
	if owner := fields["owner"]; owner.has() {
		if draft.Owner = owner.text; checkID(owner.text) != nil {
			return draft, wrongField("owner", "owner must be the id of a user")
		}
	}
	draft.ExpiresAt, draft.ExpiresIn, err = k.endIn(fields)
	return draft, err
}

// endIn reads when a key ends.
func (k *keyCalls) endIn(fields map[string]sent) (at time.Time, in time.Duration, err error) {
	asked, life := fields["expiresAt"], fields["expiresIn"]
	switch {
	case asked.has() && life.has():
		return at, in, invalid(link.ErrInvalidField, "expiresAt and expiresIn exclude each other", "expiresAt", "expiresIn")
	case asked.has():
		at, err = momentIn("expiresAt", asked.text)
		if err == nil && !at.After(k.now()) {
			err = wrongField("expiresAt", "expiresAt is over already")
		}
	case life.has():
		in, err = lifeIn("expiresIn", life.text)
	}
	return at, in, err
}

// newSecret gives a key that is to be made its id and its secret, which it returns.
func (k *keyCalls) newSecret(draft *KeyDraft) (secret string, err error) {
	var random [32]byte
	if _, err := io.ReadFull(k.random, random[:]); err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	secret = access.Secret(random)
	draft.Hash, _ = access.HashOf(secret) // which it is, of a secret
	draft.ID, err = newID(k.random, "k_")
	return secret, err
}

// idBytes is how many random bytes there are in an id: enough that no two are ever the same.
const idBytes = 12

// newID makes an id that nothing else has.
func newID(source io.Reader, prefix string) (string, error) {
	var random [idBytes]byte
	if _, err := io.ReadFull(source, random[:]); err != nil {
		return "", fmt.Errorf("make an id: %w", err)
	}
	return prefix + base64.RawURLEncoding.EncodeToString(random[:]), nil
}

// listKeys serves GET /keys.
func (k *keyCalls) listKeys(ctx context.Context, c *call) (reply, error) {
	data, next, err := kept[access.Key, v1.Key]{
		name: "keys", ask: k.keys.Keys, place: func(one access.Key) string { return one.ID }, show: shownKey,
	}.page(ctx, k.bodies, c)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: v1.KeyPage{Data: data, NextCursor: next}}, nil
}

// revokeKey serves DELETE /keys/{id}. The root key is no row that could be deleted.
func (k *keyCalls) revokeKey(ctx context.Context, c *call) (reply, error) {
	err := checkID(c.id)
	if err == nil {
		err = k.keys.RevokeKey(ctx, c.by, c.id)
	}
	if err != nil {
		return reply{}, missing(err, "there is no such key")
	}
	return reply{status: http.StatusNoContent}, nil
}

// missing says of an ErrNotFound what it is that is not there.
func missing(err error, detail string) error {
	if errors.Is(err, link.ErrNotFound) {
		return invalid(err, detail)
	}
	return err
}

// shownKey is a key as the API writes it, without its secret.
func shownKey(k access.Key) v1.Key {
	return v1.Key{
		ID: k.ID, Name: k.Name, Scopes: k.Scopes.Names(), Owner: unless(k.Owner, ""),
		CreatedAt: v1.Time{Time: k.CreatedAt}, ExpiresAt: shownTime(k.ExpiresAt),
	}
}
