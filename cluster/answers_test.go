package cluster

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/hashicorp/raft"
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
