package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tinyurl/fsm/link"
)

// reads answers look-ups on this node: locally where that is safe, after a read index where it is not.
type reads struct {
	local   localState
	indexes *rounds // asks the leader for an index that covers every acknowledged write
	applied func(ctx context.Context, index uint64) error
	now     func() time.Time
	timeout time.Duration
}

// localState is what a node knows by itself (fsm/store).
type localState interface {
	// Route looks a code up for a visit. proven says whether a link.ErrNotFound proves absence.
	Route(link.Code) (r link.Route, proven bool, err error)
	// Lookup looks a code up.
	Lookup(link.Code) (link.Link, error)
	// Stamp is the leader's stamp of the last applied entry.
	Stamp() time.Time
}

// clock is the local time, never below the last applied stamp: a node whose clock is behind must not revive what the
// cluster has seen expire.
func (r *reads) clock() time.Time {
	now := r.now()
	if stamp := r.local.Stamp(); stamp.After(now) {
		return stamp
	}
	return now
}

// resolve is the read of a redirect (DESIGN section 5, a to d). It returns the route of the link, open or not; link.ErrNotFound
// only when absence is proven; link.ErrGone for a deleted one; link.ErrNoLeader when nothing could be proven in time.
func (r *reads) resolve(ctx context.Context, code link.Code) (link.Route, error) {
	if route, settled, err := r.look(code); settled {
		return route, err
	}
	if err := r.catchUp(ctx); err != nil {
		return link.Route{}, err
	}
	route, _, err := r.local.Route(code)
	return route, err
}

// look is what this node says of a code by itself; settled if that is resolve's answer. Not settled are a miss that proves
// nothing (link.ErrNotFound) and a hit that would not redirect (nil): an acknowledged write may not have arrived yet.
func (r *reads) look(code link.Code) (route link.Route, settled bool, err error) {
	route, proven, err := r.local.Route(code)
	switch {
	case err == nil:
		return route, r.open(route), nil
	case errors.Is(err, link.ErrNotFound):
		return link.Route{}, proven, err
	}
	return link.Route{}, true, err
}

// open says whether a link redirects now. The clock is read for links that can begin or end, and for no others.
func (r *reads) open(route link.Route) bool {
	if route.Timeless() {
		return route.State(time.Time{}) == link.Open
	}
	return route.State(r.clock()) == link.Open
}

// catchUp waits until this node has applied everything acknowledged before the call, at most timeout.
func (r *reads) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	// Two waits under one deadline: a node that lags behind says 503 rather than something old.
	index, err := r.indexes.join(ctx)
	if err == nil {
		err = r.applied(ctx, index)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", link.ErrNoLeader, err)
	}
	return nil
}
