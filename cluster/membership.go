package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/member"
)

const (
	// membershipTimeout bounds the wait for raft to take a change of the configuration.
	membershipTimeout = 5 * time.Second
	// statsTimeout bounds the wait for another node's stats.
	statsTimeout = 700 * time.Millisecond
	// transferTimeout bounds a transfer of leadership from our side; raft gives up on its own sooner.
	transferTimeout = 5 * time.Second
)

// membership changes the configuration; all of it works at the leader alone.
type membership struct {
	self       member.ID
	raft       *answeringRaft
	leadership *leadership
	ask        func(context.Context, member.ID) (Stats, error)
	// fits refuses a node that cannot apply what this cluster writes.
	fits func(member.ID) error
	log  *slog.Logger

	// transferTerm is the term in which leadership was last handed over, or was tried to.
	transferTerm atomic.Uint64
}

// admit adds a node as a non-voter; autopilot makes it a voter later. Admitting a member changes nothing.
func (m *membership) admit(id member.ID) error {
	if _, ok := m.leadership.ready(); !ok {
		return ErrNotLeader
	}
	for _, s := range m.raft.GetConfiguration().Configuration().Servers {
		if member.ID(s.ID) == id {
			return nil
		}
	}
	if err := m.fits(id); err != nil {
		return err
	}
	m.log.Info("admitting a new member", "id", id)
	// The address is the id: it is resolved through gossip at every dial.
	return changeOutcome(m.raft.AddNonvoter(raft.ServerID(id), raft.ServerAddress(id), 0, membershipTimeout).Error())
}

// remove takes a member out for good, and before it those that had its name and are silent: of a node whose disk was wiped nobody is
// left afterwards in whose place an older self could be removed (see replacer), and it would be missed for ever. It refuses where too
// few living voters would be left, and to remove the leader itself, which must hand over first.
func (m *membership) remove(ctx context.Context, id member.ID) error {
	for _, older := range m.olderSelves(ctx, id) {
		if err := m.removeOne(ctx, older); err != nil {
			return fmt.Errorf("remove %s, which had the name before: %w", older, err)
		}
	}
	return m.removeOne(ctx, id)
}

// olderSelves are the members that have the name of another one and do not answer.
func (m *membership) olderSelves(ctx context.Context, id member.ID) []member.ID {
	var older []member.ID
	for _, s := range m.raft.GetConfiguration().Configuration().Servers {
		if o := member.ID(s.ID); o != id && o != m.self && o.Name() == id.Name() {
			older = append(older, o)
		}
	}
	if len(older) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	got, _ := askAll(ctx, older, m.ask)
	return slices.DeleteFunc(older, func(o member.ID) bool {
		_, answers := got[o]
		return answers
	})
}

// removeOne is remove for one member.
func (m *membership) removeOne(ctx context.Context, id member.ID) error {
	if _, ok := m.leadership.ready(); !ok {
		return ErrNotLeader
	}
	if id == m.self {
		return fmt.Errorf("%w: the leader must hand over before it leaves", ErrRefused)
	}
	var rest []member.ID
	found, votes := false, false
	for _, s := range m.raft.GetConfiguration().Configuration().Servers {
		switch {
		case member.ID(s.ID) == id:
			found, votes = true, s.Suffrage == raft.Voter
		case s.Suffrage == raft.Voter:
			rest = append(rest, member.ID(s.ID))
		}
	}
	if !found {
		return nil
	}
	if votes { // the others have no part in a quorum
		if err := m.enough(ctx, rest); err != nil {
			return err
		}
	}
	m.log.Info("removing a member", "id", id)
	return changeOutcome(m.raft.RemoveServer(raft.ServerID(id), 0, membershipTimeout).Error())
}

// enough refuses when the voters that would be left could not decide anything.
func (m *membership) enough(ctx context.Context, rest []member.ID) error {
	ctx, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	got, _ := askAll(ctx, rest, m.ask)
	if quorum := len(rest)/2 + 1; len(got) < quorum {
		return fmt.Errorf("%w: of the %d voters that would be left only %d answer, %d are needed", ErrRefused, len(rest), len(got), quorum)
	}
	return nil
}

// transfer hands leadership to a voter that has caught up; at most one try, as a second one in the same term can wedge raft
// (raft#696). It returns nil when this node no longer leads.
func (m *membership) transfer(ctx context.Context) error {
	if m.raft.State() != raft.Leader {
		return nil
	}
	to, err := m.heir(ctx)
	if err != nil {
		return err
	}
	// Noted before the try: whether it failed or its answer was lost, a second one is for the next term.
	if term := m.raft.CurrentTerm(); m.transferTerm.Swap(term) == term {
		return fmt.Errorf("%w: leadership was handed over in this term already", ErrRefused)
	}
	m.log.Info("handing leadership over", "to", to)
	future := m.raft.LeadershipTransferToServer(raft.ServerID(to), raft.ServerAddress(to))
	done := make(chan error, 1)
	go func() { done <- future.Error() }()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("hand leadership to %s: %w", to, err)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// heir returns the voter with the longest log among those that answer and have disk space.
func (m *membership) heir(ctx context.Context) (member.ID, error) {
	asked, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	var others []member.ID
	for _, id := range voters(m.raft) {
		if id != m.self {
			others = append(others, id)
		}
	}
	got, _ := askAll(asked, others, m.ask)
	var best member.ID
	for _, id := range others {
		s, ok := got[id]
		if !ok || s.DiskFull || s.Role != roleFollower || s.LastIndex+maxTrailing < m.raft.LastIndex() {
			continue
		}
		if best == "" || s.LastIndex > got[best].LastIndex {
			best = id
		}
	}
	if best == "" {
		return "", fmt.Errorf("%w: no other voter is ready to lead", ErrRefused)
	}
	return best, nil
}

// changeOutcome sorts raft's errors for a change of the configuration, which may be repeated without harm.
func changeOutcome(err error) error {
	if err == nil {
		return nil
	}
	return outcome(err)
}
