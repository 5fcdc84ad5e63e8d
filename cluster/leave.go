package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tinyurl/cluster/member"
)

// Leave takes this node out of the cluster for good and waits until it is gone; Left is closed then, and the process should
// exit. The last voter cannot leave, and nobody may whose going would leave no quorum (ErrRefused). From the first moment the
// node takes no writes and says so, as it will soon hear of no leader; if it may not leave, it takes writes again.
func (n *Node) Leave(ctx context.Context) (err error) {
	g := n.group.Load()
	if g == nil {
		return ErrNotFormed
	}
	if rest := voters(g.raft); len(rest) == 1 && rest[0] == n.record.ID {
		return fmt.Errorf("%w: this is the last voter; to end the cluster, stop it", ErrRefused)
	}
	n.ready.drain(true)
	defer func() {
		if err != nil {
			n.ready.drain(false)
		}
	}()
	if err := g.proposer.idle(ctx); err != nil {
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
			return fmt.Errorf("the node has not left: %w", err)
		}
	}
	n.log().Info("this node has left the cluster")
	if err := n.plane.gossip.Leave(time.Second); err != nil {
		n.log().Warn("could not say goodbye in gossip", "error", err)
	}
	n.left.once.Do(func() { close(n.left.done) })
	return nil
}

// leaveOnce hands over if this node leads, then asks the leader to remove it.
func (n *Node) leaveOnce(ctx context.Context, g *Group) error {
	if err := g.members.transfer(ctx); err != nil {
		return err
	}
	leader, _ := g.leader.current()
	if leader == "" || leader == n.record.ID {
		return ErrNotLeader
	}
	return n.plane.calls().remove(ctx, leader, n.record.ID)
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
