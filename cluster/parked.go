package cluster

import (
	"context"
	"time"
)

// parked is a node whose disk is too full to open raft: a raft that cannot write is worse than none. Its state is open, so
// it redirects every link it knows, and it starts raft when there is space again.
type parked struct {
	store *storage
	reads *reads
}

func newParked(s *storage, c Config) *parked {
	return &parked{store: s, reads: &reads{
		local:   s.fsm.Store(),
		indexes: newRounds(c.Tuning.Read, func(context.Context) (uint64, error) { return 0, ErrNotLeader }),
		applied: s.fsm.WaitApplied,
		now:     c.Environment.Now,
		timeout: c.Tuning.Read,
	}}
}

// unpark waits for space and then starts raft on the state that was open all the while.
func (n *Node) unpark(p *parked) error {
	n.log().Error("too little disk space to take part: this node only redirects until there is more", "detail", n.disk.warning())
	ticker := time.NewTicker(diskCheck)
	defer ticker.Stop()
	for n.disk.look() {
		select {
		case <-ticker.C:
		case <-n.life.ctx.Done():
			return n.life.ctx.Err()
		}
	}
	p.reads.indexes.close() // raft will be asked; until then only what is known here is answered
	err := n.openGroup(p.store, n.founders())
	// Not before, as redirects go on meanwhile. The storage is the group's now, or closed.
	n.parked.Store(nil)
	return err
}
