package partition

import (
	"context"

	"tinyurl/api/v1"
	"tinyurl/test/harness"
	"tinyurl/test/history"
)

// spend makes links that let only so many visitors through, and has more come.
func (u *user) spend() {
	for u.load.rest(6 * makePause) {
		at, ok := u.node()
		if !ok {
			continue
		}
		want := v1.CreateLink{LongURL: u.target(), MaxVisits: 1 + u.r.Uint64N(4)}
		made, outcome := u.create(at, want, "")
		if outcome != history.OK {
			u.load.rest(afterwards)
			continue
		}
		if u.own(at, made) {
			u.spendOne(made.ShortCode, &promise{target: made.LongURL}, int(want.MaxVisits))
		}
	}
}

// spendOne visits a link until it must be used up, several at a time, and reads it in between. Now and then it is deleted meanwhile.
func (u *user) spendOne(code string, p *promise, limit int) {
	doomed, through := u.r.IntN(4) == 0, 0
	for rush := range 3 {
		visitors := promise{target: p.target, mayBeGone: true, isGone: p.isGone} // to them a link that is used up is gone
		outcomes := u.together(1+limit/2+u.r.IntN(2), func(v *user, at harness.Endpoint) history.Outcome {
			return v.visitCounted(at, code, &visitors)
		})
		if through += count(outcomes, history.OK); through > limit {
			u.load.violate("%s lets %d visitors through, and %d were", code, limit, through)
		}
		at, ok := u.node()
		switch {
		case !ok:
		case doomed && rush == 1:
			p.mayBeGone = true
			p.isGone = u.remove(at, code) == history.OK
		default:
			u.get(at, code, p)
		}
	}
}

// visitCounted follows a link that has a limit, as a visitor who counts.
func (u *user) visitCounted(node harness.Endpoint, code string, p *promise) history.Outcome {
	pending := u.begin(history.Operation{Node: node.Name(), Kind: history.Visit, Code: code})
	ctx, cancel := context.WithTimeout(u.load.ctx, u.patient(writePatience)) // it is a write
	defer cancel()
	got := harness.Follow(ctx, u.load.counted, node, code)
	outcome, wrong := visitOf(got)
	pending.End(func(op *history.Operation) {
		op.Outcome, op.Target = outcome, got.Location
		if outcome == history.Unknown {
			op.Error = got.String()
		}
	})
	if wrong == nil {
		wrong = p.holds(outcome, got.Location, true)
	}
	if wrong != nil && u.load.ctx.Err() == nil {
		u.load.violate("%s, visited for %s, which has a limit: %v", node.Name(), code, wrong)
	}
	return outcome
}
