package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"tinyurl/cluster"
	"tinyurl/test/harness"
)

// A follower is cut off until the leader's log no longer reaches back to it, and comes back by snapshot while creates go on.
// (In this process, as the length of the log is no setting of the program.)
func TestAFollowerPastTheLogsTailComesBackBySnapshot(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"its wires cut", "stopped"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			c := harness.Start(t, harness.Options{InProcess: true, Tuning: cluster.Tuning{
				SnapshotThreshold: 100, TrailingLogs: 32, SnapshotInterval: 200 * time.Millisecond, DigestExchange: time.Second,
			}})
			tr := begin(t, c)
			c.AwaitAccepted(tr.load, enoughToBegin, resumeWithin)
			follower := c.Others(c.Leader(leaderWithin))[0]
			tr.avoid.Store(follower)
			left := appliedOf(t, follower)
			if how == "stopped" {
				follower.Stop()
			} else {
				c.Cut(follower)
			}
			harness.Eventually(t, 60*time.Second, "a log that no longer reaches back", func(ctx context.Context) error {
				status, err := c.Leader(leaderWithin).Status(ctx)
				if err != nil || len(status.Groups) == 0 {
					return errors.Join(err, errors.New("no status"))
				}
				if snapshot := status.Groups[0].Snapshot.Index; snapshot < left+200 {
					return fmt.Errorf("the snapshot is at %d, the follower was at %d", snapshot, left)
				}
				return nil
			})
			if how == "stopped" {
				follower.Start()
			} else {
				c.Mend(follower)
			}
			harness.Eventually(t, convergeTime, "the snapshot on the follower", func(ctx context.Context) error {
				return restored(t, follower)
			})
			follower.WaitCurrent(harness.StartWithin)
			tr.avoid.Store(nil)
			c.AwaitAccepted(tr.load, enoughAfter, resumeWithin)
			tr.finish(t, c)
			t.Logf("FIGURES %s: away from %d on, back by snapshot", t.Name(), left)
		})
	}
}

// restored returns nil once the node has taken over a state from a snapshot.
func restored(t *testing.T, n *harness.Node) error {
	t.Helper()
	if metric(t, n, "tinyurl_fsm_restore_seconds_count") == 0 {
		return errors.New("nothing was restored yet")
	}
	return nil
}
