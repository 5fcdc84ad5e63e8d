package cluster

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/test/bubble"
)

// Autopilot promotes by a state that is a round old. A node that left in between must not come back as a voter: nobody runs it,
// and the next node that fails would take the quorum with it.
func TestAPromotionAfterALeaveChangesNothing(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	r := c.leader().group.Load().raft
	const gone = "gone-123456"
	member := func() bool {
		isGone := func(s raft.Server) bool { return s.ID == gone }
		return slices.ContainsFunc(r.GetConfiguration().Configuration().Servers, isGone)
	}
	if err := r.AddVoter(gone, gone, 0, membershipTimeout).Error(); !errors.Is(err, ErrRefused) || member() {
		t.Fatalf("a vote for a node that was never a member: %v", err)
	}
	for range 20 { // in either order, however close
		if err := r.AddNonvoter(gone, gone, 0, membershipTimeout).Error(); err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		both.Go(func() {
			if err := r.RemoveServer(gone, 0, membershipTimeout).Error(); err != nil {
				t.Errorf("removal: %v", err)
			}
		})
		both.Go(func() {
			if err := r.AddVoter(gone, gone, 0, membershipTimeout).Error(); err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("promotion: %v", err)
			}
		})
		both.Wait()
		if member() {
			t.Fatal("it was removed, and votes")
		}
	}
}

// Raft's loop may stand still behind a slow disk with one question; the next must have an answer in its time.
func TestAChangeBehindAnotherIsAnsweredInTime(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		r := newAnsweringRaft(nil)
		asked, answer := make(chan struct{}), make(chan struct{})
		go r.change(0, func() raft.IndexFuture {
			close(asked)
			<-answer
			return refusedChange{errClosed}
		})
		<-asked
		never := func() raft.IndexFuture {
			t.Error("two questions at once")
			return refusedChange{}
		}
		began := time.Now()
		if err := r.change(time.Second, never).Error(); !errors.Is(err, raft.ErrEnqueueTimeout) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if err := r.AddVoter("n2", "n2", 0, time.Second).Error(); !errors.Is(err, raft.ErrEnqueueTimeout) {
			t.Errorf("a promotion: %v", err)
		}
		close(r.down)
		if err := r.change(time.Hour, never).Error(); !errors.Is(err, raft.ErrRaftShutdown) {
			t.Errorf("at a shutdown: %v", err)
		}
		close(answer)
	})
}
