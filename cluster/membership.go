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
)

// membership changes the configuration; all of it works at the leader alone.
type membership struct {
	self       member.ID
	raft       *answeringRaft
	leadership *leadership
	ask        func(context.Context, member.ID) (Stats, error)
	// describe tells what gossip says of a node.
	describe func(member.ID) (member.Member, bool)
	// fits refuses a node that cannot apply what this cluster writes.
	fits func(member.ID) error
	log  *slog.Logger

	// removing has room for one token, held while a member is removed: each removal changes what the next one would leave. No mutex,
	// as it is held while others are asked.
	removing chan struct{}

	// transferTerm is the term in which leadership was last handed over, or was tried to.
	transferTerm atomic.Uint64
}

// admit adds a node as a non-voter; autopilot makes it a voter later. Admitting a member changes nothing.
func (m *membership) admit(id member.ID) error {
	if _, ok := m.leadership.ready(); !ok {
		return ErrNotLeader
	}
	// Committed or not: a node whose admission, or whose leader, comes to nothing hears no leader then, and asks again (Node.stayMember).
	if isMember(m.raft, id) {
		return nil
	}
	if err := m.fits(id); err != nil {
		return err
	}
	m.log.Info("admitting a new member", "id", id)
	// The address is the id: it is resolved through gossip at every dial.
	return changeOutcome(m.raft.AddNonvoter(raft.ServerID(id), raft.ServerAddress(id), 0, membershipTimeout).Error())
}

// remove takes a member out for good, and before it those that had its name and are gone: of a node whose disk was wiped nobody is
// left afterwards in whose place an older self could be removed (see replacer), and it would be missed for ever. It refuses where too
// few living voters would be left, and to remove the leader itself, which must hand over first.
func (m *membership) remove(ctx context.Context, id member.ID) error {
	return m.removeAfter(ctx, m.olderSelves, id)
}

// expel is remove for an operator, who may name any member. One that is silent, in gossip and to a direct question, is removed. One
// that answers is not: runs says that it has to leave by itself, as it would ask to be a member again otherwise once it hears no
// leader. ErrNoMember: it is none, or is none any more.
func (m *membership) expel(ctx context.Context, id member.ID) (runs bool, err error) {
	switch absent, err := m.absent(ctx, id); {
	case err != nil:
		return false, err
	case absent:
		return false, fmt.Errorf("%w: %s", ErrNoMember, id)
	}
	asked, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	if _, err := m.ask(asked, id); err == nil {
		return true, nil
	}
	if known, ok := m.describe(id); ok && known.Status == member.Alive {
		return false, fmt.Errorf("%w: gossip calls %s alive, and it does not answer the leader: stop it first, or wait until it is known to be dead", ErrRefused, id)
	}
	return false, m.removeAfter(ctx, nobody, id)
}

// isMember reports whether the latest configuration names id.
func isMember(r configured, id member.ID) bool {
	return names(r.GetConfiguration().Configuration(), raft.ServerID(id))
}

// absent reports whether id is no member, for sure. The latest configuration tells who is one, committed or not, since raft goes by it;
// that somebody is none only a committed one tells: a removal that stands in the leader's log alone comes to nothing when the leader
// is cut off. ErrNotLeader: this node cannot tell.
func (m *membership) absent(ctx context.Context, id member.ID) (bool, error) {
	term, ok := m.leadership.ready()
	if !ok {
		return false, ErrNotLeader
	}
	if isMember(m.raft, id) {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, membershipTimeout)
	defer cancel()
	settled, err := m.raft.settled(ctx)
	if err != nil {
		return false, fmt.Errorf("%w: a change of the members has no outcome yet: %w", ErrNotLeader, err)
	}
	if now, ok := m.leadership.ready(); !ok || now != term {
		return false, ErrNotLeader
	}
	return !names(settled, raft.ServerID(id)), nil
}

// olderSelves are the members that have the name of another one and are gone: they do not answer, and gossip does not call them alive.
// A name alone says little, since it is the host's where none is given and two nodes may share one.
func (m *membership) olderSelves(ctx context.Context, id member.ID) []member.ID {
	var older []member.ID
	for _, s := range m.raft.GetConfiguration().Configuration().Servers {
		o := member.ID(s.ID)
		if o == id || o == m.self || o.Name() != id.Name() {
			continue
		}
		if known, ok := m.describe(o); !ok || known.Status != member.Alive {
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

// nobody goes before a member that is removed alone.
func nobody(context.Context, member.ID) []member.ID { return nil }

// removeAfter removes id, and before it whom first names then. One at a time: each removal changes what the next one would leave.
func (m *membership) removeAfter(ctx context.Context, first func(context.Context, member.ID) []member.ID, id member.ID) error {
	if _, ok := m.leadership.ready(); !ok {
		return ErrNotLeader
	}
	if id == m.self {
		return fmt.Errorf("%w: the leader must hand over before it leaves", ErrRefused)
	}
	select {
	case m.removing <- struct{}{}:
		defer func() { <-m.removing }()
	case <-ctx.Done():
		return fmt.Errorf("%w: another member is being removed: %w", ErrNotLeader, ctx.Err())
	}
	// Looked at now: the term may have ended while another was removed, and that removal have come to nothing.
	if absent, err := m.absent(ctx, id); err != nil || absent {
		return err
	}
	for _, gone := range append(first(ctx, id), id) {
		if err := m.removeWith(ctx, gone, id); err != nil {
			return fmt.Errorf("remove %s: %w", gone, err)
		}
	}
	return nil
}

// beginRemoving takes the token, if nobody is being removed; release gives it back.
func (m *membership) beginRemoving() (release func(), ok bool) {
	select {
	case m.removing <- struct{}{}:
		return func() { <-m.removing }, true
	default:
		return nil, false
	}
}

// removeWith removes gone on the way to removing last, which may be the same. It refuses unless the others could decide without last, with
// all that are gone still counted among them: that is asked before the first change, it holds after each, and whoever was taken for
// dead and is not was never needed. The caller holds the token.
func (m *membership) removeWith(ctx context.Context, gone, last member.ID) error {
	var rest []member.ID
	votes := false
	for _, s := range m.raft.GetConfiguration().Configuration().Servers {
		id, voter := member.ID(s.ID), s.Suffrage == raft.Voter
		if voter && id != last {
			rest = append(rest, id)
		}
		votes = votes || voter && (id == gone || id == last)
	}
	if votes { // the others have no part in a quorum
		if err := m.enough(ctx, rest); err != nil {
			return err
		}
	}
	m.log.Info("removing a member", "id", gone)
	return changeOutcome(m.raft.RemoveServer(raft.ServerID(gone), 0, membershipTimeout).Error())
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

// changeOutcome sorts raft's errors for a change of the configuration, which may be repeated without harm.
func changeOutcome(err error) error {
	if err == nil {
		return nil
	}
	return outcome(err)
}
