package transport

import (
	"sync"

	"github.com/hashicorp/raft"
)

// commits tells followers at once what was committed. Raft tells them with the entries that follow, and where none follow only
// after its commit timeout: so long would a node that took a write in wait until it may answer, and every other until it knows the
// link. What is told is a message that raft itself could send at that moment: an empty AppendEntries of the term this node leads in, on
// top of the last entry that the follower has acknowledged in that term, with the highest commit index known. A follower that lacks
// some of it is not told: raft sends it entries, and would be believed to be up to date by what it is told (see inbound). A copy, or one
// that comes late, does no more than raft's own would.
type commits struct {
	send func(id raft.ServerID, m *raft.AppendEntriesRequest) bool // reports whether it was acknowledged

	mu        sync.Mutex // guards what follows
	term      uint64     // this node leads or led in
	committed uint64
	followers map[raft.ServerID]*follower
	closed    bool
	telling   sync.WaitGroup
}

// follower is what a leader knows of one of its followers.
type follower struct {
	under uint64                    // how many of raft's messages are under way: they tell the commit as well
	last  raft.AppendEntriesRequest // empty, on top of the last entry acknowledged, with the commit index told by then
	busy  bool                      // it is being told
	deaf  bool                      // it did not acknowledge what it was told, and nothing of raft's since
}

func newCommits(send func(raft.ServerID, *raft.AppendEntriesRequest) bool) *commits {
	return &commits{send: send, followers: map[raft.ServerID]*follower{}}
}

// begins notes that raft sends a message that is no heartbeat.
func (c *commits) begins(id raft.ServerID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.followers[id]
	if f == nil {
		f = &follower{}
		c.followers[id] = f
	}
	f.under++
}

// ends notes how such a message ended. It is not kept.
func (c *commits) ends(id raft.ServerID, m *raft.AppendEntriesRequest, acknowledged bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.followers[id]
	f.under--
	if acknowledged {
		f.deaf = false
		f.acknowledged(m)
	}
	c.tell(id, f)
}

// acknowledged brings what is known of a follower up to date. Messages may be acknowledged out of order, and terms end.
func (f *follower) acknowledged(m *raft.AppendEntriesRequest) {
	index, term := m.PrevLogEntry, m.PrevLogTerm
	if n := len(m.Entries); n > 0 {
		index, term = m.Entries[n-1].Index, m.Entries[n-1].Term
	}
	if m.Term < f.last.Term {
		return
	}
	told := m.LeaderCommitIndex
	if m.Term == f.last.Term {
		told = max(told, f.last.LeaderCommitIndex)
		if index < f.last.PrevLogEntry {
			f.last.LeaderCommitIndex = told
			return
		}
	}
	f.last = raft.AppendEntriesRequest{
		RPCHeader: m.RPCHeader, Term: m.Term, PrevLogEntry: index, PrevLogTerm: term, LeaderCommitIndex: told,
	}
}

// reached says that an entry is committed, by this node as the leader of a term.
func (c *commits) reached(term, index uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if term < c.term || term == c.term && index <= c.committed {
		return
	}
	c.term, c.committed = term, max(index, c.committed)
	for id, f := range c.followers {
		c.tell(id, f)
	}
}

// tell tells one follower, unless raft does so, it lacks an entry or there is nothing new. The caller holds mu.
func (c *commits) tell(id raft.ServerID, f *follower) {
	able := !c.closed && !f.busy && !f.deaf && f.under == 0 && f.last.Term == c.term
	if !able || c.committed > f.last.PrevLogEntry || c.committed <= f.last.LeaderCommitIndex {
		return
	}
	m := f.last
	m.LeaderCommitIndex = c.committed
	f.busy = true
	c.telling.Go(func() {
		acknowledged := c.send(id, &m)
		c.mu.Lock()
		defer c.mu.Unlock()
		f.busy, f.deaf = false, !acknowledged
		if acknowledged {
			f.acknowledged(&m)
			c.tell(id, f) // of what was committed meanwhile; what was not heard is told by raft
		}
	})
}

// close tells nothing any more. What is under way must have been cut off.
func (c *commits) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.telling.Wait()
}
