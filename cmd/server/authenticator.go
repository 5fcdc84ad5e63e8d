package server

import (
	"context"
	"errors"
	"time"

	"tinyurl/api"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// authenticateTimeout is how long a key that is not known here is looked for.
const authenticateTimeout = time.Second

// stateNode is what a cluster.Node lets be read; it answers link.ErrNoLeader while it belongs to no cluster.
type stateNode interface {
	View(ctx context.Context, local bool) (*store.Store, error)
	Now() time.Time
}

// authenticator is a node's api.Authenticator: it knows the root key and those of the cluster.
type authenticator struct {
	root api.Authenticator
	node stateNode
}

// Authenticate gives the holder of a key. A key that this node knows is taken at its word, since what is asked with it is judged
// again where that matters; one that it does not know may have been made elsewhere a moment ago, which is asked unless local is set.
func (a authenticator) Authenticate(ctx context.Context, key string, local bool) (access.Holder, error) {
	if by, err := a.root.Authenticate(ctx, key, true); err == nil {
		return by, nil
	}
	hash, ok := access.HashOf(key)
	if !ok {
		return access.Holder{}, api.ErrUnauthorized
	}
	ctx, cancel := context.WithTimeout(ctx, authenticateTimeout)
	defer cancel()
	by, err := a.lookUp(ctx, hash, true)
	if errors.Is(err, link.ErrNotFound) && !local {
		by, err = a.lookUp(ctx, hash, false)
	}
	if errors.Is(err, link.ErrNotFound) {
		err = api.ErrUnauthorized
	}
	return by, err
}

// lookUp gives the holder of the key with a hash: link.ErrNotFound if there is none.
func (a authenticator) lookUp(ctx context.Context, hash access.Hash, local bool) (access.Holder, error) {
	state, err := a.node.View(ctx, local)
	if err != nil {
		return access.Holder{}, err
	}
	key, owner, err := state.KeyByHash(hash)
	return holder(key, owner, a.node.Now(), err)
}

// holder is who has a key that was looked up: link.ErrUnauthorized if it has expired; err if it could not be had.
func holder(key access.Key, owner access.User, now time.Time, err error) (access.Holder, error) {
	switch {
	case err != nil:
		return access.Holder{}, err
	case key.Expired(now):
		return access.Holder{}, link.ErrUnauthorized
	}
	return key.Holder(owner), nil
}

// Confirm gives a holder as they are by now, or as this node knows them. For the root key it needs no cluster.
func (a authenticator) Confirm(ctx context.Context, by access.Holder, local bool) (access.Holder, error) {
	if by.Actor() == "" {
		return by, nil
	}
	ctx, cancel := context.WithTimeout(ctx, authenticateTimeout)
	defer cancel()
	_, by, err := view(ctx, a.node, by, local)
	return by, err
}

// view gives the state for reading on behalf of a holder, and the holder as they are by then. What is read after a read index
// is shown to nobody whose key was revoked before: then it is link.ErrUnauthorized. What a node knows by itself is shown to whom
// it knows by now: a call may ask many times, and go on for hours.
func view(ctx context.Context, node stateNode, by access.Holder, local bool) (*store.Store, access.Holder, error) {
	state, err := node.View(ctx, local)
	if err != nil || by.Actor() == "" {
		return state, by, err
	}
	key, owner, err := state.Key(by.ID)
	now, err := holder(key, owner, node.Now(), err)
	if errors.Is(err, link.ErrNotFound) {
		err = link.ErrUnauthorized
	}
	return state, now, err
}
