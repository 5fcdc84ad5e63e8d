package sim

import (
	"context"
	"errors"
	"time"

	"tinyurl/cluster"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/test/history"
	"tinyurl/test/sim/links"
)

// answer fills in what became of an operation.
type answer func(*history.Operation)

// asked is one connection of a client to a node: requests that travel together, and one wait for their answers.
type asked struct {
	process *process
	wait    time.Duration // how long the client waits
	pending []*history.Pending
}

// What a client sees when the process it talks to dies, and what it says when it has waited long enough.
var (
	errBroken    = errors.New("connection lost")
	errImpatient = errors.New("no answer in time")
)

// send runs do on the node as a server does for a client: it begins when the process hears of it, its answer gets out only while
// the process lives, and the client waits no longer than it likes; then it hangs up, which the node notices. The operations have
// begun; send ends them.
func (a asked) send(do func(context.Context, *cluster.Node) []answer) {
	p := a.process
	connected, hangUp := context.WithCancel(context.Background())
	answered := make(chan []answer, 1)
	go func() {
		defer hangUp()
		<-p.paused.passage() // a request to a machine that stands still is served when it goes on, whoever still waits
		if p.dead() {
			return
		}
		got := do(connected, p.node)
		<-p.paused.passage() // nor does it send what it has ready
		answered <- got
	}()
	patience := time.NewTimer(a.wait)
	defer patience.Stop()
	select {
	case got := <-answered:
		if p.dead() {
			a.lost(errBroken)
			return
		}
		for i, pending := range a.pending {
			pending.End(got[i])
		}
	case <-p.over:
		a.lost(errBroken)
	case <-patience.C:
		a.lost(errImpatient)
		hangUp()
	}
}

// lost ends every operation as unknown.
func (a asked) lost(why error) {
	for _, pending := range a.pending {
		pending.End(func(o *history.Operation) { o.Outcome, o.Error = history.Unknown, why.Error() })
	}
}

// create asks for links. It returns the operations as they ended.
func (w *world) create(p *process, client int, wait time.Duration, drafts ...link.Draft) []history.Operation {
	return w.createBy(apiKey{}, p, client, wait, drafts...)
}

// createBy is create with an API key.
func (w *world) createBy(by apiKey, p *process, client int, wait time.Duration, drafts ...link.Draft) []history.Operation {
	a := asked{process: p, wait: wait}
	for _, d := range drafts {
		op := history.Operation{
			Client: client, Node: p.machine.name, Kind: history.Create, Code: string(d.Slug), Slug: d.Slug != "", Target: string(d.Target),
			Limit: d.MaxVisits, Holder: by.id,
		}
		if d.Once != nil {
			op.Key = d.Once.Key
		}
		a.pending = append(a.pending, w.recorder.Begin(op))
	}
	ended := make([]history.Operation, len(drafts))
	for i := range ended {
		ended[i].Outcome = history.Unknown
	}
	a.send(func(ctx context.Context, n *cluster.Node) []answer {
		results, err := by.create(ctx, n, drafts)
		answers := make([]answer, len(drafts))
		for i := range drafts {
			result := command.Result{Err: err}
			if err == nil {
				result = results[i]
			}
			answers[i] = func(o *history.Operation) {
				p.sortAnswer(o, result.Err)
				if o.Outcome == history.OK {
					made, d := result.Link, drafts[i]
					o.Code, o.Target, o.Version = string(made.Code), string(made.Target), made.Version
					if made.Target != d.Target || d.Slug != "" && made.Code != d.Slug {
						w.problem("answer", "%s answered a create of %q at %q with a link to %q at %q", p.machine.name, d.Target, d.Slug, made.Target, made.Code)
					}
				}
				ended[i] = *o
			}
		}
		return answers
	})
	return ended
}

// read asks for a link by get, follow or visit; remove deletes one.
func (w *world) read(p *process, client int, wait time.Duration, kind history.Kind, code string) history.Outcome {
	return w.readBy(apiKey{}, p, client, wait, kind, code)
}

// readBy is read with an API key, which counts for a get.
func (w *world) readBy(by apiKey, p *process, client int, wait time.Duration, kind history.Kind, code string) history.Outcome {
	outcome := history.Unknown
	a := asked{process: p, wait: wait, pending: []*history.Pending{
		w.recorder.Begin(history.Operation{Client: client, Node: p.machine.name, Kind: kind, Code: code, Holder: by.id}),
	}}
	a.send(func(ctx context.Context, n *cluster.Node) []answer {
		var l link.Link
		var err error
		if kind == history.Get {
			l, err = by.get(ctx, n, link.Code(code))
		} else {
			var route link.Route
			route, err = redirect(ctx, n, link.Code(code), kind == history.Visit)
			l.Target = route.Target
			if err == nil {
				w.visits.saw(p, code)
			}
		}
		return []answer{func(o *history.Operation) {
			p.sortAnswer(o, err)
			if o.Outcome == history.OK {
				o.Target, o.Version, o.Visits, o.Counted = string(l.Target), l.Version, l.Visits, l.MaxVisits != 0
			}
			outcome = o.Outcome
		}}
	})
	return outcome
}

// redirect is a redirect, as a visitor sees it: what is used up is gone. It is counted, of a link with a limit, or is one that is let
// through uncounted, as those of bots are.
func redirect(ctx context.Context, n *cluster.Node, code link.Code, counted bool) (link.Route, error) {
	route, err := n.Resolve(ctx, code)
	switch {
	case err != nil:
		return link.Route{}, err
	case route.UsedUp:
		return link.Route{}, link.ErrGone
	case counted && route.Limited:
		return n.Consume(ctx, code)
	}
	return route, nil
}

func (w *world) remove(p *process, client int, wait time.Duration, code string) history.Outcome {
	outcome := history.Unknown
	a := asked{process: p, wait: wait, pending: []*history.Pending{
		w.recorder.Begin(history.Operation{Client: client, Node: p.machine.name, Kind: history.Delete, Code: code}),
	}}
	a.send(func(ctx context.Context, n *cluster.Node) []answer {
		err := links.Delete(ctx, n, link.Code(code))
		return []answer{func(o *history.Operation) {
			p.sortAnswer(o, err)
			outcome = o.Outcome
		}}
	})
	return outcome
}

// edit gives a link another target if it is at the version expected; 0 takes any.
func (w *world) edit(p *process, client int, wait time.Duration, code string, target link.Target, expected uint64) history.Outcome {
	outcome := history.Unknown
	a := asked{process: p, wait: wait, pending: []*history.Pending{w.recorder.Begin(history.Operation{
		Client: client, Node: p.machine.name, Kind: history.Edit, Code: code, Target: string(target), Expected: expected,
	})}}
	change := command.Edit{Edit: link.Edit{
		Code: link.Code(code), Set: link.TargetField, Fields: link.Fields{Target: target}, IfVersion: expected,
	}}
	a.send(func(ctx context.Context, n *cluster.Node) []answer {
		results, err := n.Propose(ctx, "", []command.Command{change})
		if err == nil {
			err = results[0].Err
		}
		return []answer{func(o *history.Operation) {
			// The version that is answered is no part of it: a repeated command is answered with the link as it is by then.
			p.sortAnswer(o, err)
			outcome = o.Outcome
		}}
	})
	return outcome
}

// sortAnswer is sortOutcome for an answer that got out. A process that lives and has no excuse must have a word for what went wrong.
func (p *process) sortAnswer(o *history.Operation, err error) {
	sortOutcome(o, err)
	if err != nil && o.Outcome == history.Unknown && !mayBeUnknown(err) && !p.mayFail() {
		p.machine.world.problem("answer", "%s answered a %s of %q with %v", p.machine.name, o.Kind, o.Code, err)
	}
}

// mayBeUnknown reports whether an error is one of those by which a healthy node says that it does not know.
func mayBeUnknown(err error) bool {
	for _, known := range []error{link.ErrNoLeader, cluster.ErrUnknownOutcome, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// sortOutcome says what an error promises. link.ErrOverloaded and link.ErrDiskFull promise that nothing happened; everything that is
// not a word of the domain promises nothing.
func sortOutcome(o *history.Operation, err error) {
	if err != nil {
		o.Error = err.Error()
	}
	switch {
	case err == nil:
		o.Outcome = history.OK
	case errors.Is(err, link.ErrNoLeader):
		o.Outcome = history.Unknown
	case errors.Is(err, link.ErrNotFound):
		o.Outcome = history.NotFound
	case errors.Is(err, link.ErrGone):
		o.Outcome = history.Gone
	case errors.Is(err, link.ErrSlugTaken):
		o.Outcome = history.Taken
	case errors.Is(err, link.ErrKeyReused), errors.Is(err, link.ErrPrecondition):
		o.Outcome = history.Conflict
	case errors.Is(err, link.ErrUnauthorized):
		o.Outcome = history.Unauthorized
	case errors.Is(err, link.ErrOverloaded), errors.Is(err, link.ErrDiskFull), errors.Is(err, link.ErrSlugReserved),
		errors.Is(err, link.ErrInvalidSlug), errors.Is(err, link.ErrInvalidTarget), errors.Is(err, link.ErrInvalidField),
		errors.Is(err, link.ErrExhausted):
		o.Outcome = history.Refused
	default:
		o.Outcome = history.Unknown
	}
}
