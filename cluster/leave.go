package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tinyurl/cluster/member"
)

// leaveTimeout bounds the whole of leaving.
const leaveTimeout = time.Minute

// departure is a node's leaving of its cluster for good.
type departure struct {
	done   chan struct{} // closed when it has left
	asking chan struct{} // has room for one token, held while this node asks to be a member; no mutex, as it waits for others

	mu      sync.Mutex
	attempt *attempt // owned by mu; nil while nobody has asked, or the last attempt failed
}

func newDeparture() departure {
	return departure{done: make(chan struct{}), asking: make(chan struct{}, 1)}
}

// attempt is one try to leave; err is set before ended is closed.
type attempt struct {
	ended chan struct{}
	err   error
}

// Leave takes this node out of the cluster for good and waits until it is gone; Left is closed then, and the process should
// exit. The last voter cannot leave, and nobody may whose going would leave no quorum (ErrRefused). From the first moment the
// node takes no writes and says so, as it will soon hear of no leader; if it may not leave, it takes writes again. Once begun,
// leaving goes on when ctx ends: half a departure would be a node that nobody counts on and that counts on itself.
func (n *Node) Leave(ctx context.Context) error {
	g := n.group.Load()
	if g == nil {
		return ErrNotFormed
	}
	if rest := voters(g.raft); len(rest) == 1 && rest[0] == n.record.ID {
		return fmt.Errorf("%w: this is the last voter; to end the cluster, stop it", ErrRefused)
	}
	a := n.beginLeaving(g)
	select {
	case <-a.ended:
		return a.err
	case <-ctx.Done():
		return fmt.Errorf("leaving goes on: %w", ctx.Err())
	}
}

// beginLeaving starts an attempt, or returns the one under way.
func (n *Node) beginLeaving(g *Group) *attempt {
	n.left.mu.Lock()
	defer n.left.mu.Unlock()
	if n.left.attempt != nil {
		return n.left.attempt
	}
	a := &attempt{ended: make(chan struct{})}
	n.left.attempt = a
	n.ready.drain(true)
	finish := func(err error) {
		if a.err = err; err != nil {
			n.log().Warn("this node has not left the cluster", "error", err)
			n.left.mu.Lock()
			n.left.attempt = nil
			n.left.mu.Unlock()
			n.ready.drain(false)
		}
		close(a.ended)
	}
	if !n.life.Go(func() { finish(n.leave(g)) }) {
		a.err = errClosed
		close(a.ended)
	}
	return a
}

// leave finishes the writes under way, has this node removed, and says goodbye.
func (n *Node) leave(g *Group) error {
	ctx, cancel := context.WithTimeout(n.life.ctx, leaveTimeout)
	defer cancel()
	// The writes first: once removed, this node hears no leader, and what became of them could never be told.
	if err := n.left.afterAsking(func() error { return g.proposer.idle(ctx) }); err != nil {
		return fmt.Errorf("the writes under way do not end: %w", err)
	}
	for {
		err := n.leaveOnce(ctx, g)
		if err == nil {
			break
		}
		if errors.Is(err, ErrRefused) {
			return err
		}
		select {
		case <-time.After(retryMost):
		case <-ctx.Done():
			return fmt.Errorf("in %v: %w", leaveTimeout, err)
		}
	}
	n.log().Info("this node has left the cluster")
	if err := n.plane.gossip.Leave(time.Second); err != nil {
		n.log().Warn("could not say goodbye in gossip", "error", err)
	}
	close(n.left.done)
	return nil
}

// unlessLeaving asks to be a member, if this node is not leaving. A departure that begins meanwhile waits for the answer, so
// that it is not undone by a request under way.
func (d *departure) unlessLeaving(ask func() error) error {
	d.asking <- struct{}{}
	defer func() { <-d.asking }()
	if d.leaving() {
		return nil
	}
	return ask()
}

// afterAsking does something once no request to be a member is under way; later ones see that this node is leaving.
func (d *departure) afterAsking(do func() error) error {
	d.asking <- struct{}{}
	defer func() { <-d.asking }()
	return do()
}

// leaving reports whether this node is leaving or has left.
func (d *departure) leaving() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.attempt != nil
}

// leaveOnce hands over if this node leads, then asks the leader to remove it. A node that hears no leader may have been
// removed already, the answer being lost: then whoever says that it leads is asked again.
func (n *Node) leaveOnce(ctx context.Context, g *Group) error {
	if err := g.members.transfer(ctx); err != nil {
		return err
	}
	leader, _ := g.leader.current()
	if leader == "" || leader == n.record.ID {
		if leader = n.findLeader(ctx, g); leader == "" {
			return ErrNotLeader
		}
	}
	return n.plane.calls().remove(ctx, leader, n.record.ID)
}

// findLeader asks all others whether they lead, and returns the one of the latest term that does; empty if there is none.
func (n *Node) findLeader(ctx context.Context, g *Group) member.ID {
	ctx, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	var others []member.ID
	for _, m := range n.plane.gossip.Members() {
		if m.ID != n.record.ID && m.Status == member.Alive {
			others = append(others, m.ID)
		}
	}
	got, _ := askAll(ctx, others, g.members.ask)
	var found member.ID
	for id, s := range got {
		if s.Role == roleLeader && s.Ready && (found == "" || s.Term > got[found].Term) {
			found = id
		}
	}
	return found
}

// admitAtLeader asks the leader, wherever it is, to make id a member; a member stays what it is.
func (n *Node) admitAtLeader(ctx context.Context, id member.ID) error {
	g := n.group.Load()
	if g == nil {
		return ErrNotFormed
	}
	leader, _ := g.leader.current()
	switch leader {
	case "":
		// A newcomer hears no leader before it is admitted; any member can tell.
		if id == n.record.ID {
			_, err := n.askToJoin(ctx)
			return err
		}
		return ErrNotLeader
	case n.record.ID:
		return g.members.admit(id)
	default:
		return n.plane.calls().admit(ctx, leader, id)
	}
}
