package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tinyurl/cluster/forming"
	"tinyurl/cluster/member"
)

const (
	// settleFirst and settleMost bound the pause between two tries to enter a cluster.
	settleFirst = 100 * time.Millisecond
	settleMost  = 2 * time.Second
	// joinTimeout bounds one try to be admitted.
	joinTimeout = 8 * time.Second
	// membershipCheck is how often a node looks whether it still hears a leader; after silentChecks of silence it asks to be a
	// member again.
	membershipCheck = 2 * time.Second
	silentChecks    = 3
	// progressEvery is how often a node looks whether it has caught up for the first time.
	progressEvery = 100 * time.Millisecond
)

// settle brings a new node into a cluster and sees to it that a returning one is still a member. The same command line thus
// serves the first start, every restart and growth.
func (n *Node) settle() {
	if n.group.Load() == nil {
		if err := n.enter(); err != nil {
			if !n.life.over() {
				n.fail(fmt.Errorf("could not start as a member of a cluster: %w", err))
			}
			return
		}
	}
	// Beside the asking: a founder leads, applies and has state long before anybody has to admit it.
	n.life.Go(n.followProgress)
	if err := n.keepTrying("be a member", n.beMember); err == nil {
		n.log().Info("member of the cluster", "cluster", n.clusterID(), "id", n.record.ID)
	}
	n.stayMember()
}

// beMember has the leader count this node among the members, unless it is about to leave.
func (n *Node) beMember(ctx context.Context) error {
	return n.left.unlessLeaving(func() error { return n.admitAtLeader(ctx, n.record.ID) })
}

// stayMember asks to be a member again when no leader is heard of for a while. Most often that is a lost quorum, and nobody
// answers; but a node that was removed while it was cut off hears no leader either, and would redirect for ever what the
// others have deleted.
func (n *Node) stayMember() {
	ticker := time.NewTicker(membershipCheck)
	defer ticker.Stop()
	silent := 0
	for {
		select {
		case <-ticker.C:
		case <-n.life.ctx.Done():
			return
		}
		if leader, _ := n.group.Load().leader.current(); leader != "" || n.left.leaving() {
			silent = 0
			continue
		}
		if silent++; silent < silentChecks {
			continue
		}
		ctx, cancel := context.WithTimeout(n.life.ctx, joinTimeout)
		err := n.left.unlessLeaving(func() error { _, err := n.askToJoin(ctx); return err })
		if err == nil && !n.left.leaving() {
			n.log().Info("a member again, after no leader was heard of")
			silent = 0
		}
		cancel()
	}
}

// enter founds a cluster or joins one; it returns when this node's group runs, or with an error that no waiting mends.
func (n *Node) enter() error {
	if p := n.parked.Load(); p != nil {
		return n.unpark(p)
	}
	if n.config.BootstrapExpect == 1 {
		n.listenFirst()
	}
	// A promise of an earlier start binds, whatever today's command line says.
	if n.config.BootstrapExpect > 0 || n.plane.former.Bound() {
		set, err := n.plane.former.Run(n.life.ctx)
		switch {
		case err == nil:
			return n.found(set)
		case !errors.Is(err, forming.ErrFormedElsewhere):
			return err
		}
	}
	return n.join()
}

// listenFirst gives the members of a cluster that this node may have been part of, before its disk was wiped, time to be
// heard: they go on looking for it at its old address.
func (n *Node) listenFirst() {
	if n.config.Tuning.Listen <= 0 {
		return
	}
	n.log().Info("listening for a cluster with this secret before founding one", "for", n.config.Tuning.Listen)
	over := time.NewTimer(n.config.Tuning.Listen)
	defer over.Stop()
	changes := n.plane.gossip.Changes()
	for {
		for _, m := range n.plane.gossip.Members() {
			if !m.ClusterID.IsZero() {
				return
			}
		}
		select {
		case <-changes:
		case <-over.C:
			return
		case <-n.life.ctx.Done():
			return
		}
	}
}

// found makes this node one of the founders.
func (n *Node) found(set []member.ID) error {
	n.log().Info("founding a cluster", "founders", set)
	n.foundedAlone.Store(len(set) == 1)
	return n.begin(clusterRecord{Format: dataFormat, ClusterID: member.Founding(set, 0), Founders: set})
}

// join asks the members that gossip shows, one after the other, until one of them admits this node.
func (n *Node) join() error {
	var cluster member.ClusterID
	err := n.keepTrying("join a cluster", func(ctx context.Context) error {
		var err error
		cluster, err = n.askToJoin(ctx)
		return err
	})
	if err != nil {
		return err
	}
	n.log().Info("joining", "cluster", cluster)
	return n.begin(clusterRecord{Format: dataFormat, ClusterID: cluster})
}

func (n *Node) askToJoin(ctx context.Context) (member.ClusterID, error) {
	err := errors.New("no member of a cluster is in sight")
	// Any member will do: it passes the question on to the leader, which this node cannot know yet.
	for _, m := range n.plane.gossip.Members() {
		if m.ID == n.record.ID || m.ClusterID.IsZero() || m.Status != member.Alive {
			continue
		}
		var reply joinReply
		if reply, err = n.plane.calls().join(ctx, m.ID); err == nil {
			return reply.ClusterID, nil
		}
	}
	return member.ClusterID{}, err
}

// begin remembers the cluster and starts the group. It is remembered first: a node that crashes in between starts the group
// at its next start.
func (n *Node) begin(record clusterRecord) error {
	if err := n.remember(record); err != nil {
		return err
	}
	s, err := openStorage(n.config, mainGroup, record)
	if err != nil {
		return err
	}
	if err := n.openGroup(s, record.Founders); err != nil {
		return err
	}
	// Last: whoever hears of it may ask this node at once what only a member can answer.
	return n.plane.gossip.SetMeta(func(m *member.Member) { m.ClusterID = record.ClusterID })
}

// remember makes the record durable.
func (n *Node) remember(record clusterRecord) error {
	if err := n.dir.write("cluster.json", record); err != nil {
		return err
	}
	n.cluster.Store(&record)
	return nil
}

// followProgress notes what must outlive this process: that raft has state here, and that this node has caught up once.
func (n *Node) followProgress() {
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	for {
		g, record := n.group.Load(), *n.cluster.Load()
		empty, err := g.store.empty()
		has := record.HasState || err == nil && !empty // it never falls again, whatever a failing log says
		caught := g.Staleness() >= 0
		if caught {
			n.ready.caughtUp()
		}
		if has && !record.HasState || caught && !record.CaughtUp {
			record.HasState, record.CaughtUp = has, record.CaughtUp || caught
			if err := n.remember(record); err != nil {
				n.fail(err)
				return
			}
		}
		if caught && has {
			return
		}
		select {
		case <-ticker.C:
		case <-n.life.ctx.Done():
			return
		}
	}
}

// keepTrying repeats until do succeeds or the node stops; it says now and then what it is waiting for.
func (n *Node) keepTrying(what string, do func(context.Context) error) error {
	pause, said := settleFirst, time.Time{}
	for {
		ctx, cancel := context.WithTimeout(n.life.ctx, joinTimeout)
		err := do(ctx)
		cancel()
		if err == nil {
			return nil
		}
		if time.Since(said) > 10*time.Second {
			said = time.Now()
			n.log().Info("still trying to "+what, "error", err)
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, settleMost)
		case <-n.life.ctx.Done():
			return n.life.ctx.Err()
		}
	}
}
