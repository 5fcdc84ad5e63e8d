package api

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// fickle lets everybody in with every scope, and says who they are by now when it is asked again.
type fickle struct {
	now func(local bool) (access.Holder, error)
	// owner is whose keys they are.
	owner string
	// asked counts the questions for what the whole cluster knows.
	asked int
}

func (f *fickle) Authenticate(context.Context, string, bool) (access.Holder, error) {
	return access.Holder{ID: "k", Owner: f.owner, Scopes: access.AllScopes}, nil
}

func (f *fickle) Confirm(_ context.Context, _ access.Holder, local bool) (access.Holder, error) {
	if !local {
		f.asked++
	}
	return f.now(local)
}

// What the state machine does not judge is refused to whose key holds no more, also by a node that has not heard of it.
func TestWhatNobodyElseJudgesIsConfirmedFirst(t *testing.T) {
	transfers := []operation{
		{"POST", base + "/import?dryRun=true", "longUrl\nhttps://example.com\n", access.Admin},
		{"GET", base + "/export", "", access.Admin},
	}
	for _, o := range append(clusterOperations(), transfers...) {
		if o.scope != access.Admin {
			continue
		}
		for name, c := range map[string]struct {
			now    access.Holder
			err    error
			status int
			code   v1.Code
		}{
			"revoked":   {err: link.ErrUnauthorized, status: 401, code: v1.Unauthorized},
			"demoted":   {now: access.Holder{ID: "k", Scopes: access.AllScopes &^ access.Admin}, status: 403, code: v1.Forbidden},
			"no leader": {err: link.ErrNoLeader, status: 503, code: v1.NoLeader},
		} {
			keys := &fickle{now: func(bool) (access.Holder, error) { return c.now, c.err }}
			f := newFixture(t, func(c *Config) { c.Authenticator = keys })
			f.refused(f.do(o.method, o.path, o.body), c.status, c.code)
			if keys.asked != 1 || f.service.left != 0 || len(f.service.removed)+len(f.service.heirs) != 0 || len(f.service.listings)+len(f.service.drafts) != 0 {
				t.Errorf("%s %s, %s: %d questions, and something was done", o.method, o.path, name, keys.asked)
			}
		}
	}
}

// A right that was given elsewhere a moment ago holds here, too.
func TestAMissingScopeIsAskedForOnceMore(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Authenticator = promoted{} })
	if w := f.do("GET", base+"/keys", ""); w.Code != http.StatusOK {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

// promoted knows somebody as a reader, who is an administrator by now.
type promoted struct{}

func (promoted) Authenticate(context.Context, string, bool) (access.Holder, error) {
	return access.Holder{ID: "k", Scopes: access.LinksRead}, nil
}

func (promoted) Confirm(context.Context, access.Holder, bool) (access.Holder, error) {
	return access.Holder{ID: "k", Scopes: access.AllScopes}, nil
}

// An export is broken off when its key holds no more, whatever of it was sent.
func TestAnExportEndsWithTheRightToIt(t *testing.T) {
	left := 2 // pages
	keys := &fickle{now: func(local bool) (access.Holder, error) {
		if local {
			left--
		}
		if left < 0 {
			return access.Holder{}, link.ErrUnauthorized
		}
		return access.RootHolder(), nil
	}}
	f := newFixture(t, func(c *Config) { c.Authenticator = keys })
	f.service.page = Page{Links: []link.Link{{Code: "abc", Fields: link.Fields{Target: "https://example.com"}, CreatedAt: noon, UpdatedAt: noon, Version: 1}}, Next: &Place{Created: 1, Code: "abc"}}
	defer func() {
		if recover() != http.ErrAbortHandler { //nolint:errorlint // net/http compares so
			t.Error("the answer was not broken off")
		}
		if n := len(f.service.listings); n != 3 || strings.Contains(f.log.String(), testKey) {
			t.Errorf("%d pages were read", n)
		}
	}()
	f.do("GET", base+"/export", "")
}
