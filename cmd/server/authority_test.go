package server

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api"
	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

var noon = time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)

// twoViews is a node that lags behind: what it knows by itself is the first store, after a read index it has the second.
type twoViews struct {
	fakeLinks
	behind   *store.Store
	noLeader bool
	asked    int  // for a read index
	bounded  bool // the last time
}

func (f *twoViews) View(ctx context.Context, local bool) (*store.Store, error) {
	if local {
		return f.behind, f.err
	}
	f.asked++
	if _, f.bounded = ctx.Deadline(); f.noLeader {
		return nil, link.ErrNoLeader
	}
	return f.view, f.err
}

// secretOf is a key's secret, made of its id.
func secretOf(id string) string {
	return access.Secret([32]byte([]byte(id + strings.Repeat(".", 32-len(id)))))
}

func keyOf(id, owner string, scopes access.Scopes) access.Key {
	hash, _ := access.HashOf(secretOf(id))
	return access.Key{ID: id, Name: "key " + id, Hash: hash, Scopes: scopes, Owner: owner, CreatedAt: noon}
}

// peopled is a store with a creator u1, an editor, and administrators; with keys of theirs and links of u1's and nobody's. Do may
// change it before it is committed.
func peopled(t *testing.T, do func(*store.Batch) error) *store.Store {
	t.Helper()
	s, err := store.Open(t.TempDir(), store.Options{CacheBytes: 1 << 20, MemTableBytes: 256 << 10, Fatal: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b, err := s.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	errs := []error{b.Advance(store.Position{Index: 1, Term: 1}), b.SetCodeKey([16]byte{7})}
	for id, role := range map[string]access.Role{"u1": access.Creator, "u2": access.Editor, "u3": access.AdminRole} {
		errs = append(errs, b.Users().Put(access.User{ID: id, Name: id, Role: role, CreatedAt: noon}))
	}
	ends := keyOf("ends", "", access.AllScopes)
	ends.ExpiresAt = noon.Add(time.Hour)
	for _, k := range []access.Key{
		keyOf("k1", "u1", access.AllScopes), keyOf("k2", "u2", access.AllScopes), keyOf("k3", "u3", access.AllScopes), keyOf("free", "", access.AllScopes),
		keyOf("reader", "", access.LinksRead), ends,
	} {
		errs = append(errs, b.PutKey(k))
	}
	for code, owner := range map[link.Code]string{"mine": "u1", "gone": "u1", "his": "u2", "hisgone": "u2", "nobodys": ""} {
		errs = append(errs, b.Put(link.Link{Code: code, Fields: link.Fields{Target: "https://example.com", Tags: "x"}, Owner: owner, CreatedAt: noon, UpdatedAt: noon, Version: 1}))
	}
	errs = append(errs, b.Delete("gone", noon), b.Delete("hisgone", noon), b.Denied().Put(access.Denied{Host: "bad.example", Reason: "first", CreatedAt: noon}))
	errs = append(errs, b.Reports().Put(access.Report{Code: "mine", Reason: "r", Count: 1, CreatedAt: noon, UpdatedAt: noon}))
	if do != nil {
		errs = append(errs, do(b))
	}
	if err := errors.Join(append(errs, b.Commit(), b.Close())...); err != nil {
		t.Fatal(err)
	}
	return s
}

var rootKey = strings.Repeat("r", 32)

func TestKeysAreKnown(t *testing.T) {
	state := peopled(t, nil)
	for key, c := range map[string]struct {
		want access.Holder
		err  error
	}{
		rootKey:          {access.RootHolder(), nil},
		secretOf("k1"):   {access.Holder{ID: "k1", Owner: "u1", Scopes: access.AllScopes &^ access.Admin, OwnOnly: true}, nil},
		secretOf("k2"):   {access.Holder{ID: "k2", Owner: "u2", Scopes: access.AllScopes &^ access.Admin}, nil},
		secretOf("k3"):   {access.Holder{ID: "k3", Owner: "u3", Scopes: access.AllScopes}, nil},
		secretOf("free"): {access.Holder{ID: "free", Scopes: access.AllScopes}, nil},
		secretOf("ends"): {access.Holder{}, link.ErrUnauthorized},
		secretOf("none"): {access.Holder{}, api.ErrUnauthorized},
		"":               {access.Holder{}, api.ErrUnauthorized},
		"k1":             {access.Holder{}, api.ErrUnauthorized},
		rootKey + "r":    {access.Holder{}, api.ErrUnauthorized},
	} {
		node := &twoViews{behind: state}
		node.view, node.now = state, noon.Add(time.Hour)
		by, err := authenticator{api.RootKey(rootKey), node}.Authenticate(context.Background(), key, false)
		if by != c.want || !errors.Is(err, c.err) {
			t.Errorf("%.9q: %+v, %v; want %+v, %v", key, by, err, c.want, c.err)
		}
		if asked := node.asked > 0; asked != (key == secretOf("none")) || asked && !node.bounded {
			t.Errorf("%.9q: the leader was asked: %v, with a bound: %v", key, asked, node.bounded)
		}
	}
}

func TestAKeyMadeElsewhereIsFoundAfterAReadIndex(t *testing.T) {
	ahead := peopled(t, func(b *store.Batch) error { return b.PutKey(keyOf("new", "u2", access.LinksRead)) })
	node := &twoViews{behind: peopled(t, nil)}
	node.view, node.now = ahead, noon
	a := authenticator{api.RootKey(rootKey), node}
	for _, key := range []string{secretOf("new"), "wrong"} {
		if _, err := a.Authenticate(t.Context(), key, true); !errors.Is(err, api.ErrUnauthorized) || node.asked != 0 {
			t.Errorf("by what the node knows itself: %v, after %d questions", err, node.asked)
		}
	}
	for _, key := range []string{rootKey, secretOf("k1")} {
		if _, err := a.Authenticate(t.Context(), key, true); err != nil || node.asked != 0 {
			t.Errorf("a key that the node knows: %v, after %d questions", err, node.asked)
		}
	}
	by, err := a.Authenticate(t.Context(), secretOf("new"), false)
	if want := (access.Holder{ID: "new", Owner: "u2", Scopes: access.LinksRead}); err != nil || by != want || node.asked != 1 {
		t.Errorf("%+v, %v, after %d questions", by, err, node.asked)
	}
	node.noLeader = true
	if _, err := a.Authenticate(t.Context(), secretOf("new"), false); !errors.Is(err, link.ErrNoLeader) {
		t.Errorf("without a leader: %v", err)
	}
	for _, key := range []string{rootKey, secretOf("k1")} {
		if _, err := a.Authenticate(t.Context(), key, false); err != nil {
			t.Errorf("a known key without a leader: %v", err)
		}
	}
	node.err = link.ErrNoLeader // the node belongs to no cluster
	if _, err := a.Authenticate(t.Context(), rootKey, false); err != nil {
		t.Errorf("the root key without a cluster: %v", err)
	}
	for _, local := range []bool{true, false} {
		if _, err := a.Authenticate(t.Context(), secretOf("k1"), local); !errors.Is(err, link.ErrNoLeader) {
			t.Errorf("a key without a cluster, local %v: %v", local, err)
		}
	}
}

// A node that lags behind knows a key that was revoked, and an owner who has another role by now. What it shows after a read index
// is what the key may see by then; what it is asked to show as it knows it follows what it knows.
func TestLinearizableReadsJudgeTheKeyAgain(t *testing.T) {
	behind := peopled(t, nil)
	ahead := peopled(t, func(b *store.Batch) error {
		_, err := b.DropKey("free")
		return errors.Join(err, b.Users().Put(access.User{ID: "u2", Name: "n", Role: access.Creator}), b.Users().Put(access.User{ID: "u3", Name: "n", Role: access.Editor}))
	})
	node := &twoViews{behind: behind}
	node.view, node.now = ahead, noon
	holder := func(id string) access.Holder {
		t.Helper()
		by, err := authenticator{api.RootKey(rootKey), node}.Authenticate(t.Context(), secretOf(id), false)
		if err != nil {
			t.Fatal(err)
		}
		return by
	}
	l, a, span := links{node}, authority{node}, api.Span{Limit: 5}
	free, editor, admin, ends := holder("free"), holder("k2"), holder("k3"), holder("ends")
	node.now = noon.Add(time.Hour)
	for _, by := range []access.Holder{free, ends} {
		_, get := l.Get(t.Context(), by, "mine", false)
		_, list := l.List(t.Context(), by, api.Listing{Limit: 1, Examine: 9})
		_, tags := l.Tags(t.Context(), by, api.TagListing{Limit: 1})
		_, _, keys := a.Keys(t.Context(), by, span)
		_, _, users := a.Users(t.Context(), by, span)
		_, _, hosts := a.Denied(t.Context(), by, span)
		_, _, reports := a.Reports(t.Context(), by, span)
		for what, err := range map[string]error{"get": get, "list": list, "tags": tags, "keys": keys, "users": users, "hosts": hosts, "reports": reports} {
			if !errors.Is(err, link.ErrUnauthorized) {
				t.Errorf("%s by %s: %v", what, by.ID, err)
			}
		}
	}
	for _, local := range []bool{true, false} {
		if found, err := l.Get(t.Context(), editor, "mine", local); (err == nil) != local || local && found.Code != "mine" || !local && !errors.Is(err, link.ErrNotFound) {
			t.Errorf("by an editor who is a creator now, local %v: %v", local, err)
		}
	}
	if _, err := l.Get(t.Context(), free, "mine", true); err != nil {
		t.Errorf("as the node knows it: %v", err)
	}
	if _, _, err := a.Keys(t.Context(), admin, span); !errors.Is(err, link.ErrForbidden) {
		t.Errorf("an administrator no more: %v", err)
	}
	if page, err := l.List(t.Context(), admin, api.Listing{Limit: 9, Examine: 9}); err != nil || len(page.Links) != 3 {
		t.Errorf("an editor by now: %+v, %v", page, err)
	}
}

func TestAHolderIsConfirmedAsTheyAreByNow(t *testing.T) {
	behind := peopled(t, nil)
	ahead := peopled(t, func(b *store.Batch) error {
		_, err := b.DropKey("free")
		return errors.Join(err, b.Users().Put(access.User{ID: "u3", Name: "n", Role: access.Editor}))
	})
	for _, c := range []struct {
		id    string
		local bool
		want  access.Holder
		err   error
		asks  bool
	}{
		{access.Root, false, access.RootHolder(), nil, false},
		{"free", true, access.Holder{ID: "free", Scopes: access.AllScopes}, nil, false},
		{"free", false, access.Holder{}, link.ErrUnauthorized, true},
		{"k3", true, access.Holder{ID: "k3", Owner: "u3", Scopes: access.AllScopes}, nil, false},
		{"k3", false, access.Holder{ID: "k3", Owner: "u3", Scopes: access.AllScopes &^ access.Admin}, nil, true},
		{"none", true, access.Holder{}, link.ErrUnauthorized, false},
	} {
		node := &twoViews{behind: behind}
		node.view, node.now = ahead, noon
		by, err := authenticator{api.RootKey(rootKey), node}.Confirm(context.Background(), access.Holder{ID: c.id, Scopes: access.AllScopes}, c.local)
		if by != c.want || !errors.Is(err, c.err) || (node.asked > 0) != c.asks || c.asks && !node.bounded {
			t.Errorf("%s, local %v: %+v, %v after %d questions", c.id, c.local, by, err, node.asked)
		}
	}
}

// An export asks for page after page as the node knows them, and may go on for hours.
func TestLaterPagesFollowWhatTheKeyMaySeeByThen(t *testing.T) {
	state := peopled(t, func(b *store.Batch) error {
		_, err := b.DropKey("free")
		return errors.Join(err, b.Users().Put(access.User{ID: "u3", Name: "n", Role: access.Creator}))
	})
	node := &twoViews{behind: state}
	node.view, node.now = state, noon
	l, page := links{node}, api.Listing{Limit: 9, Examine: 9, Local: true}
	if found, err := l.List(t.Context(), access.Holder{ID: "free", Scopes: access.AllScopes}, page); !errors.Is(err, link.ErrUnauthorized) {
		t.Errorf("a revoked key is shown %+v, %v", found, err)
	}
	found, err := l.List(t.Context(), access.Holder{ID: "k3", Owner: "u3", Scopes: access.AllScopes}, page)
	if err != nil || len(found.Links) != 0 {
		t.Errorf("a creator by now is shown %+v, %v", found, err)
	}
}

func TestCreatorsSeeTheirOwnLinks(t *testing.T) {
	node := &twoViews{behind: peopled(t, nil)}
	node.view, node.now = node.behind, noon
	l := links{node}
	creator := access.Holder{ID: "k1", Owner: "u1", Scopes: access.AllScopes &^ access.Admin, OwnOnly: true}
	editor := access.Holder{ID: "k2", Owner: "u2", Scopes: access.AllScopes &^ access.Admin}
	for _, local := range []bool{true, false} {
		for code, c := range map[link.Code]struct{ creator, editor error }{
			"mine": {}, "gone": {link.ErrGone, link.ErrGone}, "his": {link.ErrNotFound, nil}, "hisgone": {link.ErrNotFound, link.ErrGone},
			"nobodys": {link.ErrNotFound, nil}, "unknown": {link.ErrNotFound, link.ErrNotFound},
		} {
			found, err := l.Get(t.Context(), creator, code, local)
			if !errors.Is(err, c.creator) || errors.Is(err, link.ErrNotFound) && found != (link.Link{}) {
				t.Errorf("%s for its creator: %+v, %v", code, found, err)
			}
			if _, err := l.Get(t.Context(), editor, code, local); !errors.Is(err, c.editor) {
				t.Errorf("%s for an editor: %v", code, err)
			}
			if _, err := l.Get(t.Context(), access.RootHolder(), code, local); !errors.Is(err, c.editor) {
				t.Errorf("%s for root: %v", code, err)
			}
		}
		for by, want := range map[access.Holder]uint64{creator: 1, editor: 3, access.RootHolder(): 3} {
			page, err := l.List(t.Context(), by, api.Listing{Limit: 9, Examine: 9, Count: true, Local: local})
			if err != nil || page.Total != want || uint64(len(page.Links)) != want {
				t.Errorf("%s sees %+v, %v; want %d", by.ID, page, err, want)
			}
			tags, err := l.Tags(t.Context(), by, api.TagListing{Limit: 9, Local: local})
			if err != nil || !cmp.Equal(tags.Tags, []api.TagCount{{Tag: "x", Links: want}}) {
				t.Errorf("%s sees tags %+v, %v", by.ID, tags, err)
			}
		}
	}
}

func TestCommandsSayWhoAsksAndWhereALinkLeads(t *testing.T) {
	imported := &link.Imported{}
	creator, editor := access.Holder{ID: "k1", Owner: "u1", OwnOnly: true}, access.Holder{ID: "k2", Owner: "u2"}
	drafts := []link.Draft{
		{Fields: link.Fields{Target: "http://Sub.Example.com:8080/x"}}, {Fields: link.Fields{Target: "http://a"}, Owner: "u9"}, {Fields: link.Fields{Target: "http://b"}, Imported: imported},
	}
	for _, c := range []struct {
		by     access.Holder
		actor  string
		owners []string
	}{
		{access.RootHolder(), "", []string{"", "u9", ""}},
		{editor, "k2", []string{"u2", "u9", ""}},
		{creator, "k1", []string{"u1", "u1", "u1"}},
		{access.AnonymousHolder(), "", []string{access.Anonymous, "u9", ""}},
	} {
		node := &fakeLinks{results: make([]command.Result, 3)}
		if _, err := (links{node}).Create(t.Context(), c.by, drafts); err != nil || node.actor != c.actor {
			t.Errorf("%s asks as %q, %v", c.by.ID, node.actor, err)
		}
		for i, host := range []string{"sub.example.com", "a", "b"} {
			if d := node.asked[i].(command.Create).Draft; d.Owner != c.owners[i] || d.Host != host || d.Target != drafts[i].Target {
				t.Errorf("%s, draft %d: %+v", c.by.ID, i, d)
			}
		}
	}
	if drafts[0].Host != "" || drafts[0].Owner != "" {
		t.Error("the caller's drafts were changed")
	}
	node := &fakeLinks{results: make([]command.Result, 1)}
	edit := link.Edit{Code: "x", Set: link.TargetField, Fields: link.Fields{Target: "http://EXAMPLE.com"}}
	_, err := links{node}.Edit(t.Context(), creator, edit)
	if asked := node.asked[0].(command.Edit).Edit; err != nil || asked.Host != "example.com" || node.actor != "k1" {
		t.Errorf("edit %+v by %q, %v", asked, node.actor, err)
	}
}

func TestTheAuthorityProposesAndShowsWhatStands(t *testing.T) {
	state := peopled(t, nil)
	by := access.Holder{ID: "k3", Owner: "u3", Scopes: access.AllScopes}
	name := "n"
	edit := access.UserEdit{ID: "u2", Name: &name}
	k1 := keyOf("k1", "u1", access.AllScopes)
	draft := api.KeyDraft{Key: access.Key{ID: "k1", Name: "as asked for"}, ExpiresIn: time.Hour}
	denied := access.Denied{Host: "bad.example", Reason: "second"}
	stands := access.Denied{Host: "bad.example", Reason: "first", CreatedAt: noon}
	found := []command.Result{{Found: true}}
	for name, c := range map[string]struct {
		do      func(a authority) (any, error)
		want    any
		asked   command.Command
		actor   string
		results []command.Result
	}{
		"create a key":  {func(a authority) (any, error) { return a.CreateKey(t.Context(), by, draft) }, k1, command.CreateKey{Key: draft.Key, ExpiresIn: time.Hour}, "k3", nil},
		"revoke a key":  {func(a authority) (any, error) { return nil, a.RevokeKey(t.Context(), by, "k1") }, nil, command.RevokeKey{ID: "k1"}, "k3", nil},
		"create a user": {func(a authority) (any, error) { return a.CreateUser(t.Context(), by, access.User{ID: "u2"}) }, access.User{ID: "u2", Name: "u2", Role: access.Editor, CreatedAt: noon}, command.CreateUser{User: access.User{ID: "u2"}}, "k3", nil},
		"edit a user":   {func(a authority) (any, error) { return a.EditUser(t.Context(), by, edit) }, access.User{ID: "u2", Name: "u2", Role: access.Editor, CreatedAt: noon}, command.EditUser{Edit: edit}, "k3", nil},
		"delete a user": {func(a authority) (any, error) { return nil, a.DeleteUser(t.Context(), by, "u2") }, nil, command.DeleteUser{ID: "u2"}, "k3", nil},
		"deny": {func(a authority) (any, error) {
			d, found, err := a.Deny(t.Context(), by, denied)
			return [2]any{d, found}, err
		}, [2]any{stands, false}, command.Deny{Host: "bad.example", Reason: "second"}, "k3", nil},
		"deny again": {func(a authority) (any, error) {
			d, found, err := a.Deny(t.Context(), by, denied)
			return [2]any{d, found}, err
		}, [2]any{stands, true}, command.Deny{Host: "bad.example", Reason: "second"}, "k3", found},
		"allow":   {func(a authority) (any, error) { return nil, a.Allow(t.Context(), by, "bad.example") }, nil, command.Allow{Host: "bad.example"}, "k3", nil},
		"report":  {func(a authority) (any, error) { return nil, a.Report(t.Context(), "mine", "r") }, nil, command.Report{Code: "mine", Reason: "r"}, "", nil},
		"dismiss": {func(a authority) (any, error) { return nil, a.Dismiss(t.Context(), by, "mine") }, nil, command.Dismiss{Code: "mine"}, "k3", nil},
	} {
		node := &twoViews{behind: state}
		node.view, node.results = state, append(c.results, command.Result{})
		got, err := c.do(authority{node})
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" || node.actor != c.actor || !cmp.Equal(node.fakeLinks.asked, []command.Command{c.asked}) {
			t.Errorf("%s: %v, asked for %+v as %q; answer (-want +got):\n%s", name, err, node.fakeLinks.asked, node.actor, diff)
		}
		for _, refusal := range []error{link.ErrForbidden, link.ErrOverloaded} {
			node.results = []command.Result{{Err: refusal}}
			if _, err := c.do(authority{node}); !errors.Is(err, refusal) {
				t.Errorf("%s, refused: %v", name, err)
			}
			node.err = refusal
			if _, err := c.do(authority{node}); !errors.Is(err, refusal) {
				t.Errorf("%s, failed: %v", name, err)
			}
			node.err = nil
		}
	}
}

func TestWhatIsWrittenIsFoundOnANodeThatLagsBehind(t *testing.T) {
	made := keyOf("new", "", access.Admin)
	node := &twoViews{behind: peopled(t, nil)}
	node.view, node.results = peopled(t, func(b *store.Batch) error { return b.PutKey(made) }), make([]command.Result, 1)
	a := authority{node}
	if k, err := a.CreateKey(t.Context(), access.RootHolder(), api.KeyDraft{Key: access.Key{ID: "new"}}); err != nil || k != made {
		t.Errorf("%+v, %v", k, err)
	}
	if _, err := a.CreateKey(t.Context(), access.RootHolder(), api.KeyDraft{Key: access.Key{ID: "revoked"}}); !errors.Is(err, link.ErrNotFound) {
		t.Errorf("a key that was revoked meanwhile: %v", err)
	}
	node.noLeader = true
	if _, err := a.CreateKey(t.Context(), access.RootHolder(), api.KeyDraft{Key: access.Key{ID: "new"}}); !errors.Is(err, link.ErrNoLeader) {
		t.Errorf("without a leader: %v", err)
	}
}

func TestPagesOfTheAuthority(t *testing.T) {
	node := &twoViews{behind: peopled(t, nil)}
	node.view, node.now = node.behind, noon
	a := authority{node}
	admin := access.Holder{ID: "k3", Owner: "u3", Scopes: access.AllScopes}
	for _, by := range []access.Holder{admin, access.RootHolder()} {
		keys, more, err := a.Keys(t.Context(), by, api.Span{After: "ends", Limit: 2})
		if err != nil || !more || len(keys) != 2 || keys[0].ID != "free" || keys[1].ID != "k1" {
			t.Errorf("%+v, %v, %v", keys, more, err)
		}
		users, more, err := a.Users(t.Context(), by, api.Span{Limit: 3})
		if err != nil || more || len(users) != 3 || users[2].ID != "u3" {
			t.Errorf("%+v, %v, %v", users, more, err)
		}
		hosts, more, err := a.Denied(t.Context(), by, api.Span{Limit: 1})
		if err != nil || more || len(hosts) != 1 || hosts[0].Host != "bad.example" {
			t.Errorf("%+v, %v, %v", hosts, more, err)
		}
		reports, more, err := a.Reports(t.Context(), by, api.Span{After: "mine", Limit: 1})
		if err != nil || more || len(reports) != 0 {
			t.Errorf("%+v, %v, %v", reports, more, err)
		}
	}
	for _, by := range []access.Holder{{ID: "reader", Scopes: access.AllScopes}, access.AnonymousHolder()} {
		if _, _, err := a.Keys(t.Context(), by, api.Span{Limit: 1}); !errors.Is(err, link.ErrForbidden) {
			t.Errorf("by %s: %v", by.ID, err)
		}
	}
}
