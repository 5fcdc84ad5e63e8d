package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/member"
)

// transferTimeout bounds a transfer of leadership from our side; raft gives up on its own sooner.
const transferTimeout = 5 * time.Second

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
	_, err = m.handTo(ctx, to)
	return err
}

// handOver is transfer for an operator, who may name the heir. It returns the term that ended; 0, if the heir named leads already.
// ErrNoMember: there is no such node. ErrRefused: it must not lead, or there was a transfer in this term already.
func (m *membership) handOver(ctx context.Context, to member.ID) (uint64, error) {
	if _, ok := m.leadership.ready(); !ok {
		return 0, ErrNotLeader
	}
	if to == m.self {
		return 0, nil
	}
	var err error
	if to == "" {
		to, err = m.heir(ctx)
	} else {
		err = m.mayLead(ctx, to)
	}
	if err != nil {
		return 0, err
	}
	term, err := m.handTo(ctx, to)
	if errors.Is(err, raft.ErrNotLeader) {
		return 0, fmt.Errorf("%w: %w", ErrNotLeader, err) // somebody else took it meanwhile
	}
	if err != nil && !errors.Is(err, ErrRefused) && ctx.Err() == nil {
		return 0, fmt.Errorf("%w: %w; there is no second try in this term", ErrRefused, err)
	}
	return term, err
}

// handTo is the one try of a term; it returns that term.
func (m *membership) handTo(ctx context.Context, to member.ID) (uint64, error) {
	// Noted before the try: whether it failed or its answer was lost, a second one is for the next term.
	term := m.raft.CurrentTerm()
	if m.transferTerm.Swap(term) == term {
		return 0, fmt.Errorf("%w: leadership was handed over in this term already", ErrRefused)
	}
	m.log.Info("handing leadership over", "to", to)
	future := m.raft.LeadershipTransferToServer(raft.ServerID(to), raft.ServerAddress(to))
	done := make(chan error, 1)
	go func() { done <- future.Error() }()
	select {
	case err := <-done:
		if err != nil {
			return 0, fmt.Errorf("hand leadership to %s: %w", to, err)
		}
		return term, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// mayLead refuses a node as an heir, and says why.
func (m *membership) mayLead(ctx context.Context, id member.ID) error {
	switch absent, err := m.absent(ctx, id); {
	case err != nil:
		return err
	case absent:
		return fmt.Errorf("%w: %s", ErrNoMember, id)
	}
	if !slices.Contains(voters(m.raft), id) {
		return fmt.Errorf("%w: %s does not vote", ErrRefused, id)
	}
	asked, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	s, err := m.ask(asked, id)
	if err != nil {
		return fmt.Errorf("%w: %s does not answer", ErrRefused, id)
	}
	if why := m.unfit(s); why != "" {
		return fmt.Errorf("%w: %s %s", ErrRefused, id, why)
	}
	return nil
}

// unfit says why a voter must not be made leader; empty if it may.
func (m *membership) unfit(s Stats) string {
	switch {
	case s.DiskFull:
		return "is short of disk space"
	case s.Role != roleFollower:
		return "does not follow this leader"
	case s.LastIndex+maxTrailing < m.raft.LastIndex():
		return "has not caught up"
	}
	return ""
}

// heir returns the voter with the longest log among those that answer and may lead.
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
		if !ok || m.unfit(s) != "" {
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
