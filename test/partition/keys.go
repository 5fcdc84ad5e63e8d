package partition

import (
	"context"
	"fmt"
	"sync"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/test/harness"
	"tinyurl/test/history"
)

// apiKey is what a user asks with. The zero value stands for the cluster's own key.
type apiKey struct{ id, secret string }

// grant makes API keys, asks with them on every node, and revokes them: a key works everywhere from the answer that made it, and
// nowhere from the answer that revoked it.
func (u *user) grant() {
	for u.load.rest(10 * makePause) {
		at, ok := u.node()
		if !ok {
			continue
		}
		key, outcome := u.makeKey(at)
		if outcome != history.OK {
			u.load.rest(afterwards)
			continue
		}
		u.everywhere(key, history.Unauthorized, "nobody had revoked it")
		var meanwhile sync.WaitGroup
		meanwhile.Go(func() { u.everywhere(key, "", "") })
		if at, ok = u.node(); ok {
			outcome = u.revoke(at, key)
		}
		meanwhile.Wait()
		if ok && outcome == history.OK {
			u.everywhere(key, history.OK, "it had been revoked")
		}
	}
}

// everywhere asks every node with a key, all at once, for a link or to read one. What must not be answered is a violation.
func (u *user) everywhere(key apiKey, never history.Outcome, why string) {
	var all sync.WaitGroup
	for _, at := range u.load.options.Nodes() {
		v := u.load.user()
		v.by = key
		all.Go(func() {
			if got := v.tryOut(at); never != "" && got == never {
				u.load.violate("%s answered %s to who asked with key %s, and %s", at.Name(), got, key.id, why)
			}
		})
	}
	all.Wait()
}

// tryOut asks for something with the user's key.
func (u *user) tryOut(at harness.Endpoint) history.Outcome {
	link, ok := u.load.options.Book.Pick(u.r, recent)
	if ok && u.r.IntN(2) == 0 {
		return u.get(at, link.Code, &promise{target: link.Target})
	}
	made, outcome := u.create(at, v1.CreateLink{LongURL: u.target()}, "")
	if outcome == history.OK {
		u.note(at, made.ShortCode, made.LongURL)
	}
	return outcome
}

// makeKey makes an API key.
func (u *user) makeKey(node harness.Endpoint) (key apiKey, outcome history.Outcome) {
	pending := u.begin(history.Operation{Node: node.Name(), Kind: history.Grant})
	want := v1.CreateKey{Name: fmt.Sprintf("%s-%d", u.load.options.Name, u.number), Scopes: []string{"links:create", "links:read"}}
	var made v1.Key
	var err error
	u.ask(node, u.patient(writePatience), func(ctx context.Context, api *client.Client) { made, err = api.CreateKey(ctx, want) })
	outcome, wrong := u.outcome(err, u.load.options.DiskMayFill)
	if outcome == history.OK && (made.ID == "" || made.Key == "") {
		wrong = fmt.Errorf("it made a key without an id, or without a secret")
		outcome = history.Unknown
	}
	pending.End(func(op *history.Operation) { op.Outcome, op.Error, op.Holder = outcome, text(err), made.ID })
	if wrong != nil {
		u.load.violate("%s, asked for a key: %v", node.Name(), wrong)
	}
	return apiKey{id: made.ID, secret: made.Key}, outcome
}

// revoke ends an API key.
func (u *user) revoke(node harness.Endpoint, key apiKey) history.Outcome {
	pending := u.begin(history.Operation{Node: node.Name(), Kind: history.Revoke, Holder: key.id})
	var err error
	u.ask(node, u.patient(writePatience), func(ctx context.Context, api *client.Client) { err = api.RevokeKey(ctx, key.id) })
	outcome, wrong := u.outcome(err, u.load.options.DiskMayFill)
	if unsent(err) {
		outcome = history.Refused
	}
	pending.End(func(op *history.Operation) { op.Outcome, op.Error = outcome, text(err) })
	if wrong != nil {
		u.load.violate("%s, asked to revoke key %s: %v", node.Name(), key.id, wrong)
	}
	return outcome
}
