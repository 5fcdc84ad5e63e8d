package server

import (
	"context"
	"errors"
	"io"

	"tinyurl/api"
	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// authority is a node's api.Keys, api.Users, api.Denials and api.Reports.
type authority struct{ node linkNode }

// all is the authority in all of its parts, with the randomness that keys are made of.
func (a authority) all(random io.Reader) api.Authority {
	return api.Authority{Keys: a, Users: a, Denials: a, Reports: a, Random: random}
}

// CreateKey keeps a new key. One that was revoked before it could be answered is link.ErrNotFound.
func (a authority) CreateKey(ctx context.Context, by access.Holder, draft api.KeyDraft) (access.Key, error) {
	if _, err := one(ctx, a.node, by, command.CreateKey{Key: draft.Key, ExpiresIn: draft.ExpiresIn}); err != nil {
		return access.Key{}, err
	}
	return written(ctx, a.node, (*store.Store).Keys, draft.ID)
}

// RevokeKey ends a key.
func (a authority) RevokeKey(ctx context.Context, by access.Holder, id string) error {
	_, err := one(ctx, a.node, by, command.RevokeKey{ID: id})
	return err
}

// Keys gives a page of keys.
func (a authority) Keys(ctx context.Context, by access.Holder, span api.Span) (keys []access.Key, more bool, err error) {
	return page(ctx, a.node, by, (*store.Store).Keys, span)
}

// CreateUser keeps a new user. One that was deleted before it could be answered is link.ErrNotFound.
func (a authority) CreateUser(ctx context.Context, by access.Holder, user access.User) (access.User, error) {
	if _, err := one(ctx, a.node, by, command.CreateUser{User: user}); err != nil {
		return access.User{}, err
	}
	return written(ctx, a.node, (*store.Store).Users, user.ID)
}

// EditUser changes a user, and gives them as they are by then.
func (a authority) EditUser(ctx context.Context, by access.Holder, edit access.UserEdit) (access.User, error) {
	if _, err := one(ctx, a.node, by, command.EditUser{Edit: edit}); err != nil {
		return access.User{}, err
	}
	state, err := a.node.View(ctx, false)
	if err != nil {
		return access.User{}, err
	}
	return state.Users().Get(edit.ID)
}

// DeleteUser ends a user and their keys.
func (a authority) DeleteUser(ctx context.Context, by access.Holder, id string) error {
	_, err := one(ctx, a.node, by, command.DeleteUser{ID: id})
	return err
}

// Users gives a page of users.
func (a authority) Users(ctx context.Context, by access.Holder, span api.Span) (users []access.User, more bool, err error) {
	return page(ctx, a.node, by, (*store.Store).Users, span)
}

// Deny puts a host on the list.
func (a authority) Deny(ctx context.Context, by access.Holder, denied access.Denied) (stands access.Denied, found bool, err error) {
	r, err := one(ctx, a.node, by, command.Deny{Host: denied.Host, Reason: denied.Reason})
	if err != nil {
		return access.Denied{}, false, err
	}
	stands, err = written(ctx, a.node, (*store.Store).Denied, denied.Host)
	return stands, r.Found, err
}

// Allow takes a host off the list.
func (a authority) Allow(ctx context.Context, by access.Holder, host string) error {
	_, err := one(ctx, a.node, by, command.Allow{Host: host})
	return err
}

// Denied gives a page of denied hosts.
func (a authority) Denied(ctx context.Context, by access.Holder, span api.Span) (hosts []access.Denied, more bool, err error) {
	return page(ctx, a.node, by, (*store.Store).Denied, span)
}

// IsDenied reports whether this node knows a host as denied.
func (a authority) IsDenied(ctx context.Context, host string) (bool, error) {
	state, err := a.node.View(ctx, true)
	if err != nil {
		return false, err
	}
	for name := range access.Covering(host) {
		if _, err := state.Denied().Get(name); !errors.Is(err, link.ErrNotFound) {
			return err == nil, err
		}
	}
	return false, nil
}

// Report adds what a visitor says of a link.
func (a authority) Report(ctx context.Context, code link.Code, reason string) error {
	_, err := one(ctx, a.node, access.RootHolder(), command.Report{Code: code, Reason: reason})
	return err
}

// Dismiss forgets what was said of a link.
func (a authority) Dismiss(ctx context.Context, by access.Holder, code link.Code) error {
	_, err := one(ctx, a.node, by, command.Dismiss{Code: code})
	return err
}

// Reports gives a page of reports.
func (a authority) Reports(ctx context.Context, by access.Holder, span api.Span) (reports []access.Report, more bool, err error) {
	return page(ctx, a.node, by, (*store.Store).Reports, span)
}

// one proposes one command; a refusal is its error.
func one(ctx context.Context, node linkNode, by access.Holder, c command.Command) (command.Result, error) {
	results, err := node.Propose(ctx, by.Actor(), []command.Command{c})
	if err != nil {
		return command.Result{}, err
	}
	return results[0], results[0].Err
}

// written reads what was written just now, and never changes: mostly it is here already.
func written[T any](ctx context.Context, node stateNode, rows func(*store.Store) store.List[T], id string) (row T, err error) {
	for _, local := range [...]bool{true, false} {
		var state *store.Store
		if state, err = node.View(ctx, local); err != nil {
			return row, err
		}
		if row, err = rows(state).Get(id); !errors.Is(err, link.ErrNotFound) {
			return row, err
		}
	}
	return row, err
}

// page reads a part of what only administrators may see.
func page[T any](ctx context.Context, node stateNode, by access.Holder, rows func(*store.Store) store.List[T], span api.Span) ([]T, bool, error) {
	state, by, err := view(ctx, node, by, false)
	if err != nil {
		return nil, false, err
	}
	if !by.Scopes.Holds(access.Admin) {
		return nil, false, link.ErrForbidden
	}
	return rows(state).Page(span.After, span.Limit)
}
