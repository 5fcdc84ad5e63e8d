package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/member"
)

// Stats is what a node says of itself to the others. It travels as JSON.
type Stats struct {
	ID   member.ID `json:"id"`
	Role string    `json:"role"` // follower, candidate, leader, shutdown
	Term uint64    `json:"term"`
	// LastIndex and LastTerm name the last entry in its log; Commit is what it knows to be committed, Applied what its state
	// machine has applied.
	LastIndex uint64 `json:"lastIndex"`
	LastTerm  uint64 `json:"lastTerm"`
	Commit    uint64 `json:"commit"`
	Applied   uint64 `json:"applied"`
	// LastContact is the time since it heard its leader; 0 for a leader, negative if never.
	LastContact time.Duration `json:"lastContact"`
	// DigestIndex and Digest are the state's digest at the last exchanged position.
	DigestIndex uint64 `json:"digestIndex"`
	Digest      string `json:"digest"`
	// Clock is its wall clock.
	Clock time.Time `json:"clock"`
	// Ready says that it leads and knows all that was committed before.
	Ready bool `json:"ready,omitempty"`
	// DiskFull says that it is short of disk space and should not lead.
	DiskFull bool `json:"diskFull,omitempty"`

	// Offset is how far its clock is ahead of the asker's, as measured by the asker.
	Offset time.Duration `json:"-"`
}

// stats describes this node as it is now.
func (g *Group) stats() Stats {
	s := Stats{
		ID:          g.self,
		Term:        g.raft.CurrentTerm(),
		LastIndex:   g.raft.LastIndex(),
		Commit:      g.raft.CommitIndex(),
		Applied:     g.fsm.AppliedIndex(),
		LastContact: -1,
		Clock:       g.env.Now(),
		DiskFull:    g.disk.full(),
	}
	_, s.Ready = g.leadership.ready()
	s.Role, s.LastTerm = role(g.raft.State()), g.lastTerm(s.LastIndex)
	if s.Role == roleLeader {
		s.LastContact = 0
	} else if heard := g.raft.LastContact(); !heard.IsZero() {
		s.LastContact = time.Since(heard)
	}
	index, digest := g.fsm.Store().Digest()
	s.DigestIndex, s.Digest = index, digest.String()
	return s
}

const (
	roleLeader    = "leader"
	roleFollower  = "follower"
	roleCandidate = "candidate"
	roleStopped   = "stopped"
)

// role is raft's state in the words of the status document.
func role(s raft.RaftState) string {
	switch s {
	case raft.Leader:
		return roleLeader
	case raft.Follower:
		return roleFollower
	case raft.Candidate:
		return roleCandidate
	default:
		return roleStopped
	}
}

// lastTerm is the term of the entry at index, which autopilot compares with its own to tell who follows the same history. A log that was compacted up to a snapshot has no such entry; the term is then
// that of the snapshot.
func (g *Group) lastTerm(index uint64) uint64 {
	if term, err := g.store.entries.term(index); err == nil {
		return term
	}
	if metas, err := g.store.snapshots.List(); err == nil && len(metas) > 0 && metas[0].Index == index {
		return metas[0].Term
	}
	return 0
}

// askAll asks every one of ids for its stats at once, at most until ctx ends. Those that did not answer are missing from
// the answer and present in failed.
func askAll(ctx context.Context, ids []member.ID, ask func(context.Context, member.ID) (Stats, error)) (got map[member.ID]Stats, failed map[member.ID]error) {
	got, failed = map[member.ID]Stats{}, map[member.ID]error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, id := range ids {
		all.Go(func() {
			s, err := ask(ctx, id)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed[id] = err
				return
			}
			got[id] = s
		})
	}
	all.Wait()
	return got, failed
}

// measured fills in the clock offset, taking the middle of the exchange as the moment the other read its clock.
func measured(ask func() (Stats, error), now func() time.Time) (Stats, error) {
	before := now()
	started := time.Now()
	s, err := ask()
	if err != nil {
		return Stats{}, err
	}
	s.Offset = s.Clock.Sub(before.Add(time.Since(started) / 2))
	return s, nil
}
