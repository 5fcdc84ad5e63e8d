package forming

import (
	"context"
	"fmt"
	"slices"

	"tinyurl/cluster/member"
)

// HandlePromise answers a Promise of node from, whose identity the caller has
// proved. A promise is durable when it is given. Errors: ErrNotAllowed, a
// malformed proposal, or a store that failed.
func (f *Former) HandlePromise(_ context.Context, from member.ID, p Proposal) (Answer, error) {
	if err := p.check(); err != nil {
		return "", err
	}
	if p.Proposer() == f.conf.Self {
		return f.inform(from, p)
	}
	if from != p.Proposer() {
		return "", fmt.Errorf("%w: %s proposes in the name of %s", ErrNotAllowed, from, p.Proposer())
	}
	exists := clusterInSight(f.conf.Self, f.conf.View()) // not under the lock: it is foreign code

	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.broken != nil:
		return "", f.broken
	case f.record.State == formed || f.sealed:
		return Formed, nil
	case f.record.State != free && f.record.Proposal.Attempt == p.Attempt:
		return Promised, nil
	case f.record.State != free:
		f.poke() // it may be of an attempt long abandoned: ask now
		return Refused, nil
	case exists || len(p.Set) != f.conf.Expect || !slices.Contains(p.Set, f.conf.Self):
		return Refused, nil
	}
	if err := f.save(record{State: promised, Proposal: p.clone()}); err != nil {
		return "", err
	}
	f.poke()
	f.conf.Logger.Info("promised to found a cluster", "set", p.Set, "proposer", p.Proposer(), "attempt", p.Attempt)
	return Promised, nil
}

// inform answers a node that asks about an attempt of this one's own. Any
// attempt that is neither decided nor under way is dead: ids are never used
// twice, and one attempt replaces another in the record.
func (f *Former) inform(from member.ID, p Proposal) (Answer, error) {
	if !slices.Contains(p.Set, from) {
		return "", fmt.Errorf("%w: %s is not of the set it asks about", ErrNotAllowed, from)
	}
	r, err := f.current()
	switch {
	case err != nil:
		return "", err
	case r.State == free || r.Proposal.Attempt != p.Attempt:
		return Refused, nil
	case r.State == formed:
		return Formed, nil
	}
	return Promised, nil
}

// HandleRelease frees this node of an attempt its proposer has abandoned.
// Messages about other attempts change nothing.
func (f *Former) HandleRelease(_ context.Context, from member.ID, p Proposal) error {
	if from != p.Proposer() {
		return fmt.Errorf("%w: %s releases in the name of %s", ErrNotAllowed, from, p.Proposer())
	}
	_, err := f.release(p)
	f.poke()
	return err
}

// release gives up the promise of p, if it is held.
func (f *Former) release(p Proposal) (bool, error) {
	was, err := f.move(p.Attempt, promised, free)
	if was && err == nil {
		f.conf.Logger.Info("released from a promise to found a cluster", "set", p.Set, "attempt", p.Attempt)
	}
	return was, err
}

// HandleForm takes the proposer's decision: the cluster is founded. Errors:
// ErrNotAllowed, ErrNoPromise, or a store that failed.
func (f *Former) HandleForm(_ context.Context, from member.ID, p Proposal) error {
	if from != p.Proposer() {
		return fmt.Errorf("%w: %s decides in the name of %s", ErrNotAllowed, from, p.Proposer())
	}
	if was, err := f.move(p.Attempt, promised, formed); was || err != nil {
		f.poke()
		return err
	}
	if r, err := f.current(); err != nil || r.State == formed && r.Proposal.Attempt == p.Attempt {
		return err
	}
	return fmt.Errorf("%w: attempt %s of %s", ErrNoPromise, p.Attempt, p.Proposer())
}

// clusterInSight tells whether a node of a formed cluster is known, alive or
// failed: a cluster that does not answer right now is not gone.
func clusterInSight(self member.ID, view []member.Member) bool {
	return slices.ContainsFunc(view, func(m member.Member) bool {
		return m.ID != self && !m.ClusterID.IsZero() && m.Status != member.Left
	})
}
