package partition

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/test/harness"
	"tinyurl/test/history"
)

// How long users wait for an answer. A node without a leader refuses a write after 5 s and a read after 1 s, so that most
// refusals are heard.
const (
	writePatience = 8 * time.Second
	readPatience  = 4 * time.Second
)

// user is one client of the cluster. It writes down every request and judges every answer. It belongs to one goroutine.
type user struct {
	load   *Load
	number int
	r      *rand.Rand
	// by is what this user asks with.
	by apiKey
	// patience, when it is set, is how long this user waits for any answer.
	patience time.Duration
	// unanswered counts the visits, the last ones in a row, that each node left without an answer though it knew the link.
	unanswered map[string]int
}

// promise is what is known of a link before it is read.
type promise struct {
	target string
	// known says that every node that serves knows the link: no answer but the redirect is right, whatever the network does.
	known bool
	// mayBeGone says that a deletion was sent, isGone that one was acknowledged.
	mayBeGone, isGone bool
}

// create asks a node for a link.
func (u *user) create(node harness.Endpoint, want v1.CreateLink, key string) (made v1.Link, outcome history.Outcome) {
	pending := u.begin(history.Operation{
		Node: node.Name(), Kind: history.Create, Target: want.LongURL, Code: want.CustomSlug, Slug: want.CustomSlug != "", Key: key,
		Limit: want.MaxVisits, Holder: u.by.id,
	})
	sent := time.Now()
	var err error
	u.ask(node, u.patient(writePatience), func(ctx context.Context, api *client.Client) {
		made, err = api.Create(ctx, want, key)
	})
	outcome, wrong := u.outcome(err, u.load.options.DiskMayFill)
	if key == "" && unsent(err) {
		outcome = history.Refused
	}
	if outcome == history.OK && (made.LongURL != want.LongURL || made.ShortCode == "" || want.CustomSlug != "" && made.ShortCode != want.CustomSlug) {
		wrong = fmt.Errorf("it made %q for %q of %q", made.ShortCode, made.LongURL, want.LongURL)
	}
	pending.End(func(op *history.Operation) {
		op.Outcome, op.Error = outcome, text(err)
		if outcome == history.OK {
			op.Code, op.Version = made.ShortCode, made.Version
		}
	})
	if wrong != nil {
		u.load.violate("%s, asked for a link to %s: %v", node.Name(), want.LongURL, wrong)
	}
	if outcome == history.OK {
		u.load.figures.accepted(node.Name(), sent, time.Now())
	}
	return made, outcome
}

// get asks a node for a link, linearizably. Nothing is promised when p is nil.
func (u *user) get(node harness.Endpoint, code string, p *promise) history.Outcome {
	pending := u.begin(history.Operation{Node: node.Name(), Kind: history.Get, Code: code, Holder: u.by.id})
	var found v1.Link
	var err error
	u.ask(node, u.patient(readPatience), func(ctx context.Context, api *client.Client) { found, err = api.Get(ctx, code, false) })
	outcome, wrong := u.outcome(err, false)
	pending.End(func(op *history.Operation) {
		op.Outcome, op.Error, op.Target, op.Version = outcome, text(err), found.LongURL, found.Version
	})
	if wrong == nil && p != nil {
		wrong = p.holds(outcome, found.LongURL, true)
	}
	if wrong != nil {
		u.load.violate("%s, asked for %s: %v", node.Name(), code, wrong)
	}
	return outcome
}

// visit follows a link on a node. Nothing is promised when p is nil.
func (u *user) visit(node harness.Endpoint, code string, p *promise) history.Outcome {
	before, served := node.Serving()
	pending := u.begin(history.Operation{Node: node.Name(), Kind: history.Follow, Code: code})
	began := time.Now()
	ctx, cancel := context.WithTimeout(u.load.ctx, u.patient(readPatience))
	defer cancel()
	got := harness.Follow(ctx, u.load.visitors, node, code)
	took := time.Since(began)
	outcome, wrong := visitOf(got)
	pending.End(func(op *history.Operation) {
		op.Outcome, op.Target = outcome, got.Location
		if outcome == history.Unknown {
			op.Error = got.String()
		}
	})
	after, serves := node.Serving()
	up := served && serves && before == after
	if wrong == nil && p != nil && p.known && up {
		wrong = u.hangs(node, got)
	}
	if wrong == nil && p != nil {
		wrong = p.holds(outcome, got.Location, false)
		if wrong == nil && p.known && up && outcome == history.Unknown && got.Err == nil {
			wrong = fmt.Errorf("it knew the link, and answered after %v: %s", took.Round(time.Millisecond), got)
		}
	}
	switch {
	case u.load.ctx.Err() != nil:
		return outcome // the load was given up meanwhile
	case wrong != nil:
		u.load.violate("%s, visited for %s: %v", node.Name(), code, wrong)
	}
	if p != nil && !p.mayBeGone {
		u.load.figures.visited(outcome == history.OK && wrong == nil, wrong != nil, up)
	}
	return outcome
}

// hangs returns an error at the second visit in a row that a node left without an answer, though it was up and knew the link: no
// network lies between, and a redirect of what is known waits for nobody. Once may be the machine's fault.
func (u *user) hangs(node harness.Endpoint, got harness.Answer) error {
	if !errors.Is(got.Err, context.DeadlineExceeded) {
		delete(u.unanswered, node.Name())
		return nil
	}
	if u.unanswered[node.Name()]++; u.unanswered[node.Name()] < 2 {
		return nil
	}
	return fmt.Errorf("it knew the link, and gave no answer for the second time: %w", got.Err)
}

// remove asks a node to delete a link.
func (u *user) remove(node harness.Endpoint, code string) history.Outcome {
	pending := u.begin(history.Operation{Node: node.Name(), Kind: history.Delete, Code: code})
	var err error
	u.ask(node, u.patient(writePatience), func(ctx context.Context, api *client.Client) { err = api.Delete(ctx, code) })
	outcome, wrong := u.outcome(err, u.load.options.DiskMayFill)
	if unsent(err) {
		outcome = history.Refused
	}
	pending.End(func(op *history.Operation) { op.Outcome, op.Error = outcome, text(err) })
	if wrong != nil {
		u.load.violate("%s, asked to delete %s: %v", node.Name(), code, wrong)
	}
	return outcome
}

// holds returns an error when what a read was told cannot be. A linearizable read must have seen an acknowledged deletion; a
// visit may not have.
func (p *promise) holds(outcome history.Outcome, target string, linearizable bool) error {
	switch {
	case outcome == history.Unknown || outcome == history.Refused || outcome == history.Unauthorized:
		return nil
	case outcome == history.OK && target != p.target:
		return fmt.Errorf("it leads to %q, not to %q", target, p.target)
	case outcome == history.OK && p.isGone && linearizable:
		return fmt.Errorf("it is there, and its deletion was acknowledged")
	case outcome == history.OK, outcome == history.Gone && p.mayBeGone:
		return nil
	}
	return fmt.Errorf("%s, and it leads to %q", outcome, p.target)
}

// outcome is outcomeOf for what this user asks with: the cluster's own key always holds.
func (u *user) outcome(err error, diskMayFill bool) (outcome history.Outcome, wrong error) {
	outcome, wrong = outcomeOf(err, diskMayFill)
	if outcome == history.Unauthorized && u.by.id == "" {
		wrong = fmt.Errorf("the root key was refused: %w", err)
	}
	return outcome, wrong
}

func (u *user) begin(op history.Operation) *history.Pending {
	op.Client = u.number
	u.load.figures.operation()
	return u.load.options.Recorder.Begin(op)
}

// ask calls the API of a node, as long as the patience lasts.
func (u *user) ask(node harness.Endpoint, patience time.Duration, call func(context.Context, *client.Client)) {
	ctx, cancel := context.WithTimeout(u.load.ctx, patience)
	defer cancel()
	key := u.load.options.Key
	if u.by.id != "" {
		key = u.by.secret
	}
	api, err := client.New(node.URL(), key, u.load.http)
	if err != nil {
		panic(err) // the harness made the URL
	}
	call(ctx, api)
}

func (u *user) patient(usual time.Duration) time.Duration {
	if u.patience != 0 {
		return u.patience
	}
	return usual
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
