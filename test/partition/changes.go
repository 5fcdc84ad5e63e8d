package partition

import (
	"context"
	"sync"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/test/harness"
	"tinyurl/test/history"
)

// edit asks a node to have a link lead elsewhere, if it is at a version; 0 is any.
func (u *user) edit(node harness.Endpoint, code, target string, ifVersion uint64) history.Outcome {
	pending := u.begin(history.Operation{
		Node: node.Name(), Kind: history.Edit, Code: code, Target: target, Expected: ifVersion, Holder: u.by.id,
	})
	var err error
	u.ask(node, u.patient(writePatience), func(ctx context.Context, api *client.Client) {
		_, err = api.Edit(ctx, code, v1.EditLink{LongURL: v1.Set(target)}, ifVersion)
	})
	outcome, wrong := u.outcome(err, u.load.options.DiskMayFill)
	if unsent(err) {
		outcome = history.Refused
	}
	// The version that is answered is no part of it: a command that a node had to repeat is answered with the link as it is by then.
	pending.End(func(op *history.Operation) { op.Outcome, op.Error = outcome, text(err) })
	if wrong != nil {
		u.load.violate("%s, asked to edit %s: %v", node.Name(), code, wrong)
	}
	return outcome
}

// change makes links and edits them, with somebody else who wants the same version at the same moment.
func (u *user) change() {
	for u.load.rest(6 * makePause) {
		at, ok := u.node()
		if !ok {
			continue
		}
		made, outcome := u.create(at, v1.CreateLink{LongURL: u.target()}, "")
		if outcome != history.OK {
			u.load.rest(afterwards)
			continue
		}
		if u.own(at, made) {
			u.changeOne(made.ShortCode)
		}
	}
}

// changeOne edits one link a few times, reads it in between, and then mostly deletes it. Who may be told what is for the judge to say,
// but for this: of one version only one edit succeeds.
func (u *user) changeOne(code string) {
	for version := uint64(1); version <= 3; version++ {
		outcomes := u.together(2, func(v *user, at harness.Endpoint) history.Outcome {
			expected := version
			if version == 3 && v.r.IntN(2) == 0 {
				expected = 0
			}
			return v.edit(at, code, v.target(), expected)
		})
		if version < 3 && count(outcomes, history.OK) > 1 {
			u.load.violate("version %d of %s was edited twice", version, code)
		}
		if at, ok := u.node(); ok {
			u.get(at, code, nil)
		}
		if at, ok := u.node(); ok {
			u.visit(at, code, nil)
		}
	}
	if at, ok := u.node(); ok && u.r.IntN(3) > 0 {
		u.remove(at, code)
		u.get(at, code, nil)
	}
}

// together has n users do something at the same moment, each on a random node, and gives what they were told.
func (u *user) together(n int, do func(*user, harness.Endpoint) history.Outcome) []history.Outcome {
	outcomes := make([]history.Outcome, n)
	var all sync.WaitGroup
	for i := range outcomes {
		outcomes[i] = history.Refused
		v := u.load.user()
		v.by = u.by
		if at, ok := v.node(); ok {
			all.Go(func() { outcomes[i] = do(v, at) })
		}
	}
	all.Wait()
	return outcomes
}

func count(outcomes []history.Outcome, of history.Outcome) (n int) {
	for _, o := range outcomes {
		if o == of {
			n++
		}
	}
	return n
}
