package cluster

import (
	"context"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/member"
	"tinyurl/cluster/transport"
)

// confirmer proves that this node still leads. raft's own VerifyLeader does not: it counts acknowledgements of messages
// sent before the read began, and those of non-voters (DESIGN section 7). Here a quorum of voters must have acknowledged
// messages that were *sent* after the read began, in one term, in which an entry of this leader was applied.
type confirmer struct {
	self       member.ID
	raft       *raft.Raft
	synced     func() uint64 // see ahead
	acks       *transport.Acks
	leadership *leadership
}

// confirm returns an index that covers every write acknowledged before the call, or ErrNotLeader.
//
// Source: Ongaro, "Consensus: Bridging Theory and Practice", section 6.4.
func (c *confirmer) confirm(ctx context.Context) (uint64, error) {
	term, ok := c.leadership.ready()
	if !ok {
		return 0, ErrNotLeader
	}
	// The index after the clock: everything acknowledged before the call was committed by now, in this term or, as this leader has applied
	// an entry of its own, in an earlier one. What is committed later cannot have been acknowledged before.
	began := c.acks.Now()
	// Nor has what is not on this disk yet; to wait for it would have reads fail while a disk hangs.
	index := min(c.raft.CommitIndex(), c.synced())
	// Its verdict is not trusted; the call makes raft send a heartbeat to everyone now instead of at the next beat.
	c.raft.VerifyLeader()
	for {
		// The channel before the question, so that an acknowledgement between the two is not missed.
		more := c.acks.Changed()
		if c.acks.Since(term, began, c.voters(), c.self) {
			break
		}
		select {
		case <-more:
		case <-ctx.Done():
			return 0, ErrNotLeader
		}
		if c.leadership.leading() != term {
			return 0, ErrNotLeader
		}
	}
	// Once more: the acknowledgements are of this term, but this node may have followed another leader and come back in between.
	if c.leadership.leading() != term {
		return 0, ErrNotLeader
	}
	return index, nil
}

// voters returns the voters of the latest configuration.
func (c *confirmer) voters() []member.ID {
	return voters(c.raft)
}

// configured is a raft, as far as its members are concerned.
type configured interface {
	GetConfiguration() raft.ConfigurationFuture
}

// voters are those whose word decides, in the latest configuration, committed or not: it is the one raft itself goes by.
func voters(r configured) []member.ID {
	var ids []member.ID
	for _, s := range r.GetConfiguration().Configuration().Servers {
		if s.Suffrage == raft.Voter {
			ids = append(ids, member.ID(s.ID))
		}
	}
	return ids
}
