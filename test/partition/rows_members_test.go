//go:build linux

package partition

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tinyurl/test/harness"
)

// votesWithin is the time from a join to the vote: catching up, 10 s of good health and the leader's rounds.
const votesWithin = 60 * time.Second

// addressesChange gives every node another address, one after the other.
func addressesChange(w *world) func() {
	for _, n := range w.shuffled() {
		n.Stop()
		w.note("stop", "%s", n.Name())
		old := w.fabric.IP(n.Name())
		now := w.fabric.Host(n.Name()).Move()
		n.Move()
		w.note("move", "%s from %s to %s", n.Name(), old, now)
		w.start(n)
		n.WaitReady(harness.StartWithin)
	}
	return func() {}
}

// addressesSwapped kills two nodes and gives each the other's address.
func addressesSwapped(w *world) func() {
	two := w.shuffled()[:2]
	start := w.killed(two...)
	w.fabric.Swap(two[0].Name(), two[1].Name())
	for _, n := range two {
		n.Move()
	}
	w.note("move", "%s and %s, each to the other's address", two[0].Name(), two[1].Name())
	return start
}

// killInJoin kills a node in the midst of its joining, more than once, lets it join at last, and has it leave.
func killInJoin(w *world) func() {
	joiner := w.cluster.Joiner("joiner", w.shuffled()[0])
	for range 3 {
		w.start(joiner)
		w.hold(w.between(200*time.Millisecond, 2500*time.Millisecond))
		w.killed(joiner)
	}
	w.start(joiner)
	joiner.WaitReady(harness.StartWithin)
	w.load.Add(joiner.Name())
	id := w.idOf(joiner)
	w.eventually(votesWithin, "the vote of the joiner", func(ctx context.Context) error { return w.votes(ctx, id) })
	joiner.Leaving()
	w.note("stop", "%s leaves", joiner.Name())
	if err := joiner.Client().Leave(w.Context()); err != nil {
		w.Fatalf("leave: %v", err)
	}
	if exit := joiner.Wait(recoverWithin); exit.Code != 0 {
		w.Errorf("the joiner left and ended with %+v", exit)
	}
	w.cluster.Remove(joiner)
	w.hold(reconciled)
	for _, n := range w.nodes() {
		if err := w.hasVote(n, id); err != nil {
			w.violated("%s has left: %v", id, err)
		}
	}
	return func() {}
}

// reconciled is longer than a leader takes to act on what it saw of the members before.
const reconciled = 5 * time.Second

// hasVote returns an error if a node knows of a voter that is gone. (It may be listed for a while: its lives that were killed are
// not yet known to be dead.)
func (w *world) hasVote(n *harness.Node, gone string) error {
	status, err := n.Status(w.Context())
	if err != nil {
		return err
	}
	for _, m := range status.Members {
		if m.ID == gone && m.Voter {
			return fmt.Errorf("%s counts its vote: %+v", n.Name(), m)
		}
	}
	return nil
}

// wipeAndRejoin kills a follower and takes its disk away: it comes back as another member, which gets a vote.
func wipeAndRejoin(w *world) func() {
	victim := following(w)
	old := w.idOf(victim)
	w.killed(victim)
	victim.Wipe()
	w.note("wipe", "%s", victim.Name())
	w.start(victim)
	victim.WaitReady(harness.StartWithin)
	fresh := w.idOf(victim)
	if fresh == old {
		w.violated("%s lost its disk and is %s again", victim.Name(), fresh)
	}
	w.eventually(votesWithin, "the vote of the new member", func(ctx context.Context) error { return w.votes(ctx, fresh) })
	return func() {}
}

func (w *world) idOf(n *harness.Node) string {
	status, err := n.Status(w.Context())
	if err != nil {
		w.Fatalf("the status of %s: %v", n.Name(), err)
	}
	return status.Node.ID
}

// votes returns nil when some node that serves knows that a member votes.
func (w *world) votes(ctx context.Context, id string) error {
	var errs []error
	for _, n := range w.nodes() {
		if !n.Running() {
			continue
		}
		status, err := n.Status(ctx)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, m := range status.Members {
			if m.ID == id && m.Voter {
				return nil
			}
		}
		errs = append(errs, fmt.Errorf("%s does not know %s as a voter", n.Name(), id))
	}
	return errors.Join(errs...)
}
