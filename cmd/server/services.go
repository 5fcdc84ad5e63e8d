package server

import (
	"context"
	"time"

	"tinyurl/api"
	"tinyurl/api/redirect"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// linkNode is what a cluster.Node does with links; it answers link.ErrNoLeader while it belongs to no cluster.
type linkNode interface {
	Create(context.Context, []link.Draft) ([]command.Result, error)
	Delete(context.Context, link.Code) error
	Get(ctx context.Context, code link.Code, local bool) (link.Link, error)
}

// links is a node's api.Links.
type links struct{ linkNode }

// Create makes the drafts; see api.Links.
func (l links) Create(ctx context.Context, drafts []link.Draft) ([]api.Made, error) {
	results, err := l.linkNode.Create(ctx, drafts)
	if err != nil {
		return nil, err
	}
	made := make([]api.Made, len(results))
	for i, r := range results {
		made[i] = api.Made{Link: r.Link, Err: r.Err}
	}
	return made, nil
}

// visits is a node's redirect.Resolver.
type visits struct {
	redirect.Resolver
	// age is how long this process has run.
	age func() time.Duration
}

// Staleness is how far this node may be behind. The node says -1 if it was never current in this process: then it is behind
// by the whole life of the process at least.
func (v visits) Staleness() time.Duration {
	if behind := v.Resolver.Staleness(); behind >= 0 {
		return behind
	}
	return v.age()
}
