package api

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// fakeAuthority keeps in maps what the cluster keeps beside links. Its calls fail, wait and panic as those of its fakeService do.
type fakeAuthority struct {
	service *fakeService
	keys    map[string]access.Key
	users   map[string]access.User
	denied  map[string]access.Denied
	reports map[string]access.Report
	// drafts and edits are those asked for, by who asked last, and spans the parts of lists.
	drafts []KeyDraft
	edits  []access.UserEdit
	by     access.Holder
	spans  []Span
	// changes is how often anything was changed.
	changes int
}

func newFakeAuthority(f *fakeService) *fakeAuthority {
	return &fakeAuthority{
		service: f, keys: make(map[string]access.Key), users: make(map[string]access.User), denied: make(map[string]access.Denied),
		reports: make(map[string]access.Report),
	}
}

// enter is what every call begins with.
func (a *fakeAuthority) enter(ctx context.Context, by access.Holder) error {
	a.by = by
	return a.service.enter(ctx)
}

func (a *fakeAuthority) CreateKey(ctx context.Context, by access.Holder, draft KeyDraft) (access.Key, error) {
	if err := a.enter(ctx, by); err != nil {
		return access.Key{}, err
	}
	a.drafts = append(a.drafts, draft)
	if _, ok := a.users[draft.Owner]; !ok && draft.Owner != "" {
		return access.Key{}, link.ErrInvalidField
	}
	k := draft.Key
	k.CreatedAt = noon
	if draft.ExpiresIn > 0 {
		k.ExpiresAt = noon.Add(draft.ExpiresIn)
	}
	a.changes++
	a.keys[k.ID] = k
	return k, k.Check()
}

func (a *fakeAuthority) RevokeKey(ctx context.Context, by access.Holder, id string) error {
	return remove(ctx, a, by, a.keys, id)
}

func (a *fakeAuthority) Keys(ctx context.Context, by access.Holder, span Span) ([]access.Key, bool, error) {
	return part(ctx, a, by, a.keys, span)
}

func (a *fakeAuthority) CreateUser(ctx context.Context, by access.Holder, user access.User) (access.User, error) {
	if err := a.enter(ctx, by); err != nil {
		return access.User{}, err
	}
	user.CreatedAt = noon
	a.changes++
	a.users[user.ID] = user
	return user, user.Check()
}

func (a *fakeAuthority) EditUser(ctx context.Context, by access.Holder, edit access.UserEdit) (access.User, error) {
	if err := a.enter(ctx, by); err != nil {
		return access.User{}, err
	}
	a.edits = append(a.edits, edit)
	user, ok := a.users[edit.ID]
	if !ok {
		return access.User{}, link.ErrNotFound
	}
	before := user
	if user.Take(edit); user != before {
		a.changes++
	}
	a.users[user.ID] = user
	return user, user.Check()
}

func (a *fakeAuthority) DeleteUser(ctx context.Context, by access.Holder, id string) error {
	return remove(ctx, a, by, a.users, id)
}

func (a *fakeAuthority) Users(ctx context.Context, by access.Holder, span Span) ([]access.User, bool, error) {
	return part(ctx, a, by, a.users, span)
}

func (a *fakeAuthority) Deny(ctx context.Context, by access.Holder, denied access.Denied) (access.Denied, bool, error) {
	if err := a.enter(ctx, by); err != nil {
		return access.Denied{}, false, err
	}
	if stands, found := a.denied[denied.Host]; found {
		return stands, true, nil
	}
	denied.CreatedAt = noon
	a.changes++
	a.denied[denied.Host] = denied
	return denied, false, denied.Check()
}

func (a *fakeAuthority) Allow(ctx context.Context, by access.Holder, host string) error {
	return remove(ctx, a, by, a.denied, host)
}

func (a *fakeAuthority) Denied(ctx context.Context, by access.Holder, span Span) ([]access.Denied, bool, error) {
	return part(ctx, a, by, a.denied, span)
}

func (a *fakeAuthority) IsDenied(ctx context.Context, host string) (bool, error) {
	for name := range access.Covering(host) {
		if _, denied := a.denied[name]; denied {
			return true, a.service.enter(ctx)
		}
	}
	return false, a.service.enter(ctx)
}

func (a *fakeAuthority) Report(ctx context.Context, code link.Code, reason string) error {
	if err := a.enter(ctx, access.AnonymousHolder()); err != nil {
		return err
	}
	if _, ok := a.service.links[code]; !ok {
		return link.ErrNotFound
	}
	r := a.reports[string(code)]
	r.Code, r.Reason, r.CreatedAt, r.UpdatedAt = string(code), reason, cmp.Or(r.CreatedAt, noon), noon
	r.Count++
	a.changes++
	a.reports[string(code)] = r
	return access.CheckReason(reason)
}

func (a *fakeAuthority) Dismiss(ctx context.Context, by access.Holder, code link.Code) error {
	return remove(ctx, a, by, a.reports, string(code))
}

func (a *fakeAuthority) Reports(ctx context.Context, by access.Holder, span Span) ([]access.Report, bool, error) {
	return part(ctx, a, by, a.reports, span)
}

// remove takes something out of what is kept.
func remove[T any](ctx context.Context, a *fakeAuthority, by access.Holder, from map[string]T, id string) error {
	if err := a.enter(ctx, by); err != nil {
		return err
	}
	if _, ok := from[id]; !ok {
		return link.ErrNotFound
	}
	a.changes++
	delete(from, id)
	return nil
}

// part gives a part of what is kept.
func part[T any](ctx context.Context, a *fakeAuthority, by access.Holder, from map[string]T, span Span) (found []T, more bool, err error) {
	if err := a.enter(ctx, by); err != nil {
		return nil, false, err
	}
	a.spans = append(a.spans, span)
	for _, id := range slices.Sorted(maps.Keys(from)) {
		switch {
		case id <= span.After:
		case len(found) == span.Limit:
			return found, true, nil
		default:
			found = append(found, from[id])
		}
	}
	return found, false, nil
}

// Something of everything, for operations to work with.
const (
	someKey, someUser = "k_0123456789abcdef", "u_0123456789abcdef"
	someHost          = "evil.example"
	someReported      = "seen"
)

// fill puts something of everything in.
func (a *fakeAuthority) fill() {
	a.keys[someKey] = access.Key{ID: someKey, Name: "ci", Scopes: access.LinksRead | access.LinksCreate, CreatedAt: noon}
	a.users[someUser] = access.User{ID: someUser, Name: "Ann", Email: "ann@example.com", Role: access.Editor, CreatedAt: noon}
	a.denied[someHost] = access.Denied{Host: someHost, Reason: "phishing", CreatedAt: noon}
	a.reports[someReported] = access.Report{Code: someReported, Reason: "spam", Count: 2, CreatedAt: noon, UpdatedAt: noon}
}
