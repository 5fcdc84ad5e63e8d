package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/cluster/peer"
	"tinyurl/fsm/link"
)

// What operators ask of any node, and the leader decides.

// Remove takes a member out of the cluster for good. One that runs is told to leave, finishes its writes and ends; one that is dead,
// in gossip and to a direct question, is taken out. ErrNoMember: there is none of that id, or none any more. ErrRefused: too few
// living voters would be left, or the member can neither be asked nor taken for dead. link.ErrNoLeader: the outcome is unknown; to ask
// again is safe.
//
// A removed node that is started again on its data joins again, as one does that left.
func (n *Node) Remove(ctx context.Context, id member.ID) error {
	if _, err := member.ParseID(string(id)); err != nil {
		return fmt.Errorf("%w: %w", ErrNoMember, err)
	}
	begun := false // an earlier try of ours may have taken effect
	err := n.insist(ctx, func(ctx context.Context, g *Group, leader member.ID) error {
		runs, err := n.expelAt(ctx, g, leader, id)
		switch {
		case errors.Is(err, ErrNoMember) && begun:
			return nil
		case err != nil:
			begun = begun || !notProcessed(err)
			return err
		case !runs:
			return nil
		}
		begun = true
		return n.sendAway(ctx, id)
	})
	if err == nil {
		n.log().Info("a member was removed as an operator asked", "id", id)
	}
	return err
}

// expelAt asks the leader to remove a member, or to say that it runs.
func (n *Node) expelAt(ctx context.Context, g *Group, leader, id member.ID) (runs bool, err error) {
	if leader == n.record.ID {
		return g.members.expel(ctx, id)
	}
	return n.plane.calls().expel(ctx, leader, id)
}

// sendAway makes a node leave, and waits until it has.
func (n *Node) sendAway(ctx context.Context, id member.ID) error {
	if id == n.record.ID {
		return n.Leave(ctx)
	}
	return n.plane.calls().leave(ctx, id)
}

// Transfer hands leadership to a voter that has caught up, or to the one named, and returns who leads then. There is one try in a
// term. ErrNoMember: there is none of that id. ErrRefused: it must not lead, there was a try in this term already, or another leads
// after it. link.ErrNoLeader: the outcome is unknown.
func (n *Node) Transfer(ctx context.Context, to member.ID) (member.Member, error) {
	if to != "" {
		if _, err := member.ParseID(string(to)); err != nil {
			return member.Member{}, fmt.Errorf("%w: %w", ErrNoMember, err)
		}
	}
	var before member.ID
	var ended uint64
	err := n.insist(ctx, func(ctx context.Context, g *Group, leader member.ID) (err error) {
		before = leader
		ended, err = n.handOverAt(ctx, g, leader, to)
		if err != nil && !notProcessed(err) && !decided(err) {
			return fmt.Errorf("%w: %w", errGivenUp, err) // a second try would not be the same one
		}
		return err
	})
	if err != nil {
		return member.Member{}, err
	}
	now, err := n.awaitLeader(ctx, ended)
	switch {
	case err != nil:
		return member.Member{}, err
	case ended != 0 && now == before:
		return member.Member{}, fmt.Errorf("%w: %s was elected again", ErrRefused, now)
	case to != "" && now != to:
		return member.Member{}, fmt.Errorf("%w: %s was elected in its place", ErrRefused, now)
	}
	return n.memberOf(now), nil
}

// handOverAt asks the leader to hand over, and returns the term that ended.
func (n *Node) handOverAt(ctx context.Context, g *Group, leader, to member.ID) (uint64, error) {
	if leader == n.record.ID {
		return g.members.handOver(ctx, to)
	}
	return n.plane.calls().handOver(ctx, leader, to)
}

// awaitLeader waits for one that is ready, in a later term.
func (n *Node) awaitLeader(ctx context.Context, after uint64) (found member.ID, err error) {
	err = n.insist(ctx, func(ctx context.Context, g *Group, leader member.ID) error {
		ctx, cancel := context.WithTimeout(ctx, statsTimeout)
		defer cancel()
		s, err := g.members.ask(ctx, leader)
		if err == nil && (!s.Ready || s.Term <= after) {
			err = ErrNotLeader
		}
		found = leader
		return err
	})
	return found, err
}

// memberOf is what gossip says of a node; of one that it does not know, the id.
func (n *Node) memberOf(id member.ID) member.Member {
	if m, ok := n.plane.gossip.Member(id); ok {
		return m
	}
	return member.Member{ID: id, Name: id.Name()}
}

// Autopilot is the leader's judgement of the members. link.ErrNoLeader: nobody leads, or not long enough to judge.
func (n *Node) Autopilot(ctx context.Context) (Judgement, error) {
	var j Judgement
	err := n.insist(ctx, func(ctx context.Context, g *Group, leader member.ID) (err error) {
		if leader == n.record.ID {
			j, err = g.judgement()
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, statsTimeout)
		defer cancel()
		j, err = n.plane.calls().judgement(ctx, leader)
		return err
	})
	return j, err
}

// errGivenUp ends insist: what was asked for must not be asked for again.
var errGivenUp = errors.New("not asked again")

// decided reports whether a leader has given an answer that another try would not change.
func decided(err error) bool {
	return errors.Is(err, ErrRefused) || errors.Is(err, ErrNoMember) || errors.Is(err, errGivenUp)
}

// insist asks the leader until it gives an answer. It gives up, with link.ErrNoLeader, when ctx ends or none has for as long as a
// write waits; a departure that is under way is waited for as long as ctx lasts.
func (n *Node) insist(ctx context.Context, ask func(ctx context.Context, g *Group, leader member.ID) error) error {
	g, err := n.formed()
	if err != nil {
		return err
	}
	lost := time.Now()
	for {
		leader, changed := g.leader.current()
		err := ErrNotLeader
		if leader != "" {
			err = ask(ctx, g, leader)
		}
		switch {
		case err == nil || errors.Is(err, ErrRefused) || errors.Is(err, ErrNoMember):
			return err
		case errors.Is(err, peer.ErrNoSuchCall):
			return fmt.Errorf("%w: a node is too old for this: upgrade it first: %w", ErrRefused, err)
		case errors.Is(err, errGivenUp) || notProcessed(err) && time.Since(lost) > n.config.Tuning.Propose:
			return fmt.Errorf("%w: %w", link.ErrNoLeader, err)
		case !notProcessed(err):
			lost = time.Now()
		}
		select {
		case <-changed:
		case <-time.After(retryMost):
		case <-ctx.Done():
			return fmt.Errorf("%w: %w: %w", link.ErrNoLeader, ctx.Err(), err)
		}
	}
}
