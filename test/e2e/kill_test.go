package e2e

import (
	"testing"
	"time"

	"tinyurl/test/harness"
)

// The leader is killed without warning, again and again, while links are made and followed. Nothing acknowledged is lost or
// wrong on any node at any moment, and the survivors redirect all the time.
func TestTheLeaderIsKilledUnderLoad(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	tr := begin(t, c)
	for i := range number(t, killsVariable, 2) {
		c.AwaitAccepted(tr.load, enoughToBegin, resumeWithin)
		leader := c.Leader(leaderWithin)
		leader.Kill()
		c.AwaitAccepted(tr.load, enoughAfter, resumeWithin)
		leader.Start()
		leader.WaitReady(harness.StartWithin)
		t.Logf("kill %d: %s; longest gap so far %v", i+1, leader.Name(), tr.load.LongestGap())
	}
	c.AwaitAccepted(tr.load, enoughToBegin, resumeWithin)
	tr.finish(t, c)
}

// A leader that is told to stop hands over first: creates hardly notice.
func TestTheLeaderIsStoppedUnderLoad(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	tr := begin(t, c)
	c.AwaitAccepted(tr.load, enoughToBegin, resumeWithin)
	leader := c.Leader(leaderWithin)
	leader.Stop()
	c.AwaitAccepted(tr.load, enoughAfter, resumeWithin)
	leader.Start()
	leader.WaitReady(harness.StartWithin)
	c.AwaitAccepted(tr.load, enoughAfter, resumeWithin)
	tr.finish(t, c)
}

// A leader that stands still, with its connections open, is deposed; when it goes on it answers nothing false.
func TestTheLeaderIsPausedUnderLoad(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	tr := beginPatiently(t, c, 2*time.Second) // a paused node answers nobody
	c.AwaitAccepted(tr.load, enoughToBegin, resumeWithin)
	leader := c.Leader(leaderWithin)
	leader.Pause()
	c.AwaitAccepted(tr.load, enoughAfter, 2*resumeWithin)
	leader.Resume()
	t.Logf("FIGURES %s: current again after %v", t.Name(), leader.WaitCurrent(harness.StartWithin).Round(time.Millisecond))
	c.AwaitAccepted(tr.load, enoughAfter, resumeWithin)
	tr.finish(t, c)
}
