package cluster

import (
	"context"
	"sync"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/member"
)

// leaderWatch knows who leads, as this node has heard it, and wakes those who wait for a change.
type leaderWatch struct {
	raft     *raft.Raft
	observer *raft.Observer
	seen     chan raft.Observation
	done     chan struct{}
	stopped  chan struct{}

	mu      sync.Mutex
	changed chan struct{} // owned by mu; closed and replaced at every change
}

func newLeaderWatch(r *raft.Raft) *leaderWatch {
	w := &leaderWatch{
		raft: r, seen: make(chan raft.Observation, 16), changed: make(chan struct{}),
		done: make(chan struct{}), stopped: make(chan struct{}),
	}
	// A full channel drops observations: each is only a hint to read the state again, and one is always left to read.
	w.observer = raft.NewObserver(w.seen, false, func(o *raft.Observation) bool {
		switch o.Data.(type) {
		case raft.LeaderObservation, raft.RaftState:
			return true
		}
		return false
	})
	r.RegisterObserver(w.observer)
	go w.run()
	return w
}

func (w *leaderWatch) run() {
	defer close(w.stopped)
	for {
		select {
		case <-w.seen:
			w.announce()
		case <-w.done:
			return
		}
	}
}

// announce wakes everyone who waits on the channel that current handed out.
func (w *leaderWatch) announce() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
}

// current returns the leader, empty when unknown, and a channel that is closed when that may have changed. The channel is
// taken first, so no change between the two is missed.
func (w *leaderWatch) current() (member.ID, <-chan struct{}) {
	w.mu.Lock()
	changed := w.changed
	w.mu.Unlock()
	_, id := w.raft.LeaderWithID()
	return member.ID(id), changed
}

func (w *leaderWatch) close() {
	w.raft.DeregisterObserver(w.observer)
	close(w.done)
	<-w.stopped
}

// whileLeading returns a context that ends when another than leader is heard to lead, or nobody: a question to the old one may
// never be answered. The caller must call the function it returns.
func whileLeading(ctx context.Context, leader member.ID, current func() (member.ID, <-chan struct{})) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		for {
			now, changed := current()
			if now != leader {
				cancel()
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, cancel
}
