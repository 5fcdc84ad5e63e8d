package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"tinyurl/cluster"
	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/test/history"
	"tinyurl/test/sim/links"
)

// apiKey is what a client asks with. The zero value is the root key, which always holds.
type apiKey struct {
	id   string
	hash access.Hash
}

// authenticateTimeout is how long a node looks for a key that it does not know, as the program has it.
const authenticateTimeout = time.Second

// known finds the key as a server does before it does anything else: in what the node knows by itself, and after a read index what
// is not there.
func (k apiKey) known(ctx context.Context, n *cluster.Node) error {
	if k.id == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, authenticateTimeout)
	defer cancel()
	for _, local := range [...]bool{true, false} {
		view, err := n.View(ctx, local)
		if err != nil {
			return err
		}
		if _, _, err = view.KeyByHash(k.hash); !errors.Is(err, link.ErrNotFound) {
			return err
		}
	}
	return link.ErrUnauthorized
}

// create asks for links; the state machine looks at the key again.
func (k apiKey) create(ctx context.Context, n *cluster.Node, drafts []link.Draft) ([]command.Result, error) {
	if err := k.known(ctx, n); err != nil {
		return nil, err
	}
	return n.Propose(ctx, k.id, links.Commands(drafts))
}

// get reads linearizably, and looks at the key again once it has its read index.
func (k apiKey) get(ctx context.Context, n *cluster.Node, code link.Code) (link.Link, error) {
	if k.id == "" {
		return links.Get(ctx, n, code, false)
	}
	if err := k.known(ctx, n); err != nil {
		return link.Link{}, err
	}
	view, err := n.View(ctx, false)
	if err != nil {
		return link.Link{}, err
	}
	if _, _, err := view.Key(k.id); errors.Is(err, link.ErrNotFound) {
		return link.Link{}, link.ErrUnauthorized
	} else if err != nil {
		return link.Link{}, err
	}
	return view.Lookup(code)
}

// govern makes a key, or ends it.
func (w *world) govern(p *process, client int, wait time.Duration, k apiKey, kind history.Kind) history.Outcome {
	outcome := history.Unknown
	var c command.Command = command.RevokeKey{ID: k.id}
	if kind == history.Grant {
		c = command.CreateKey{Key: access.Key{ID: k.id, Name: k.id, Hash: k.hash, Scopes: access.LinksCreate | access.LinksRead}}
	}
	a := asked{process: p, wait: wait, pending: []*history.Pending{
		w.recorder.Begin(history.Operation{Client: client, Node: p.machine.name, Kind: kind, Holder: k.id}),
	}}
	a.send(func(ctx context.Context, n *cluster.Node) []answer {
		results, err := n.Propose(ctx, "", []command.Command{c})
		if err == nil {
			err = results[0].Err
		}
		return []answer{func(o *history.Operation) {
			p.sortAnswer(o, err)
			outcome = o.Outcome
		}}
	})
	return outcome
}

// keep makes an API key, asks with one, or revokes it; what was just made or revoked is tried everywhere at once.
func (l *workload) keep(p *process, client int, wait time.Duration, r *rand.Rand) {
	l.mu.Lock()
	latest := l.keys[max(len(l.keys)-4, 0):]
	l.mu.Unlock()
	switch at := r.IntN(10); {
	case len(latest) == 0 || at < 3:
		l.grant(p, client, wait, r)
	case at < 5:
		k := pick(r, latest)
		l.use(k, r)
		if l.world.govern(p, client, wait, k, history.Revoke) == history.OK {
			l.use(k, r)
		}
	default:
		l.use(pick(r, latest), r)
	}
}

func (l *workload) grant(p *process, client int, wait time.Duration, r *rand.Rand) {
	k := apiKey{id: fmt.Sprintf("api-key-%d", l.races.Add(1))}
	for i := range k.hash {
		k.hash[i] = byte(r.Uint32())
	}
	if l.world.govern(p, client, wait, k, history.Grant) != history.OK {
		return
	}
	l.mu.Lock()
	l.keys = append(l.keys, k)
	l.mu.Unlock()
	l.use(k, r)
}

// use asks with a key on every running node at this very instant.
func (l *workload) use(k apiKey, r *rand.Rand) {
	code := fmt.Sprintf("race-%d", l.races.Load())
	if known, ok := l.choose(r); ok {
		code = known.code
	}
	for _, m := range l.world.running() {
		p := m.current()
		if p == nil {
			continue
		}
		client, wait := l.number(), l.world.plan.patience
		if r.IntN(2) == 0 {
			l.all.Go(func() { l.world.readBy(k, p, client, wait, history.Get, code) })
			continue
		}
		d := link.Draft{Fields: link.Fields{Target: l.target()}}
		l.all.Go(func() { l.world.createBy(k, p, client, wait, d) })
	}
}
