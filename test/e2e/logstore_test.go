package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"tinyurl/test/harness"
)

// Nodes on raft-wal are killed, one under load and then all at once. Nothing acknowledged is lost, and the states are equal. A
// node that is then started with the other store, or with a flipped bit in its log, does not start.
func TestTheOtherLogStoreLosesNothingEither(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{Args: []string{"--log-store=wal"}})
	tr := begin(t, c)
	c.AwaitAccepted(tr.load, enoughToBegin, resumeWithin)
	leader := c.Leader(leaderWithin)
	leader.Kill()
	c.AwaitAccepted(tr.load, enoughAfter, resumeWithin)
	leader.Start()
	leader.WaitReady(harness.StartWithin)
	c.AwaitAccepted(tr.load, enoughAfter, resumeWithin)
	tr.end(t, c)
	for _, n := range c.Nodes() {
		n.Kill()
	}
	for _, n := range c.Nodes() {
		n.Start()
	}
	for _, n := range c.Nodes() {
		n.WaitReady(harness.StartWithin)
	}
	c.Converged(convergeTime)
	verify(t, c, tr.ledger)
	t.Logf("FIGURES %s: equal stores: %v", t.Name(), c.StopAndCompare(leaderWithin))

	n := c.Node(0)
	n.Extra = []string{"--log-store=bolt"}
	refusedStart(t, n, "--log-store wal", "new member")
	n.Extra = nil
	segments, err := filepath.Glob(n.DataFile("groups", "0", "raft.wal", "*.wal"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("segments %q, %v", segments, err)
	}
	path := segments[len(segments)-1]
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{100, len(bytes.TrimRight(good, "\x00")) - 20} { // the first append, and the last
		bad := bytes.Clone(good)
		bad[at] ^= 1
		write(t, path, bad)
		refusedStart(t, n, "data directory", "new member")
	}
	write(t, path, good)
	n.Start()
	n.WaitReady(harness.StartWithin)
}
