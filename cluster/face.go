package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// statusTimeout bounds the status document as a whole.
const statusTimeout = time.Second

var errNotCaughtUp = errors.New("this node has not heard a leader and caught up with it yet")

// Propose puts commands through the log; see Group.Propose. A node that belongs to no cluster answers link.ErrNoLeader, as do the
// others below.
func (n *Node) Propose(ctx context.Context, actor string, commands []command.Command) ([]command.Result, error) {
	g, err := n.writer()
	if err != nil {
		return nil, err
	}
	return g.Propose(ctx, actor, commands)
}

// View gives the state for reading; see Group.View.
func (n *Node) View(ctx context.Context, local bool) (*store.Store, error) {
	g, err := n.formed()
	if err != nil {
		return nil, err
	}
	return g.View(ctx, local)
}

// Resolve is the read of a redirect: from this node's own state wherever that is safe.
func (n *Node) Resolve(ctx context.Context, code link.Code) (link.Route, error) {
	g, p := n.serving()
	if g != nil {
		return g.Resolve(ctx, code)
	}
	if p != nil {
		return p.reads.resolve(ctx, code)
	}
	return link.Route{}, fmt.Errorf("%w: %w", link.ErrNoLeader, ErrNotFormed)
}

// Look is what this node can say of a code by itself. When it is settled, Resolve would answer the same. Otherwise Resolve
// would ask the leader: about a code that is not known here (link.ErrNotFound), or a link that does not redirect here
// (nil).
func (n *Node) Look(code link.Code) (found link.Route, settled bool, err error) {
	g, p := n.serving()
	if g != nil {
		return g.Look(code)
	}
	if p != nil {
		return p.reads.look(code)
	}
	return link.Route{}, true, fmt.Errorf("%w: %w", link.ErrNoLeader, ErrNotFormed)
}

// Lookup looks a link up in this node's own view, also while this node cannot take part.
func (n *Node) Lookup(code link.Code) (link.Link, error) {
	g, p := n.serving()
	if g != nil {
		return g.Lookup(code)
	}
	if p != nil {
		return p.reads.local.Lookup(code)
	}
	return link.Link{}, fmt.Errorf("%w: %w", link.ErrNoLeader, ErrNotFormed)
}

// Consume counts a visit of a link that has only so many; see Group.Consume.
func (n *Node) Consume(ctx context.Context, code link.Code) (link.Route, error) {
	g, err := n.writer()
	if err != nil {
		return link.Route{}, err
	}
	return g.Consume(ctx, code)
}

// Now is the time that decides whether a link has expired: the wall clock, never below the last applied stamp.
func (n *Node) Now() time.Time {
	if g := n.group.Load(); g != nil {
		return g.reads.clock()
	}
	return n.config.Environment.Now()
}

// serving is what has the state open: the group, or what stands in for it. Whoever stands in is asked for first, since it goes when the
// group is there: the other way round neither might be seen.
func (n *Node) serving() (*Group, *parked) {
	p := n.parked.Load()
	return n.group.Load(), p
}

func (n *Node) formed() (*Group, error) {
	if g := n.group.Load(); g != nil {
		return g, nil
	}
	return nil, fmt.Errorf("%w: %w", link.ErrNoLeader, ErrNotFormed)
}

// writer is formed for writes: a node that is parked for want of disk space says so, and one that is about to go sends its
// callers elsewhere at once.
func (n *Node) writer() (*Group, error) {
	if n.parked.Load() != nil {
		return nil, link.ErrDiskFull
	}
	if n.ready.going() {
		return nil, fmt.Errorf("%w: %w", link.ErrNoLeader, errClosed)
	}
	return n.formed()
}

// Staleness is how old this node's view may be: 0 when it is current, -1 when this process was never current.
func (n *Node) Staleness() time.Duration {
	if g := n.group.Load(); g != nil {
		return g.Staleness()
	}
	return -1
}

// ClusterVersion selects the rules the cluster applies today; 0 before it has any.
func (n *Node) ClusterVersion() uint32 {
	if g := n.group.Load(); g != nil {
		return g.fsm.Store().ClusterVersion()
	}
	return 0
}

// Ready returns nil when redirects should be sent to this node. It stays nil through a later loss of the leader.
func (n *Node) Ready() error { return n.ready.check() }

// Writable returns nil when a leader has confirmed itself just now and this node has disk space.
func (n *Node) Writable(ctx context.Context) error {
	g, err := n.formed()
	if err != nil {
		return err
	}
	if g.disk.full() {
		return link.ErrDiskFull
	}
	return g.reads.catchUp(ctx)
}

// Opened returns nil when the store is open, so that known links can be redirected.
func (n *Node) Opened() error {
	g, p := n.serving()
	if g != nil {
		return g.fsm.Failed()
	}
	if p != nil {
		return nil
	}
	return ErrNotFormed
}

// Status puts together what this node knows and what the others answer within a second; it needs no leader.
func (n *Node) Status(ctx context.Context) Status {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	s := Status{
		ClusterID: n.clusterID(),
		Node: NodeStatus{
			ID: n.record.ID, Name: n.config.Name, Version: n.config.Version, Uptime: time.Since(n.started), HTTPURL: n.config.HTTPURL,
		},
	}
	known := n.plane.gossip.Members()
	if g := n.group.Load(); g != nil {
		group, members := g.status(ctx, known)
		s.ClusterVersion, s.Groups, s.Members = g.fsm.Store().ClusterVersion(), []GroupStatus{group}, members
	} else {
		for _, m := range known {
			s.Members = append(s.Members, MemberStatus{Member: m})
		}
	}
	if warning := n.disk.warning(); warning != "" {
		s.Warnings = append(s.Warnings, warning)
	}
	s.judgeHealth()
	if seen := n.stranger.Load(); seen.recent() {
		s.Healthy, s.Warnings = false, append(s.Warnings, seen.warning())
	}
	return s
}
