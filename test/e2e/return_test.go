package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/cluster"
	"tinyurl/test/harness"
)

// accepts is the condition that a node takes creates.
func accepts(n *harness.Node) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := n.Client().Create(ctx, v1.CreateLink{LongURL: "https://example.org/after"}, "")
		return err
	}
}

// A node that lost its disk comes back, with the command line it always had, as a new member that catches up and votes.
func TestAWipedNodeComesBackAsANewMember(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	tr := begin(t, c)
	c.AwaitAccepted(tr.load, enoughToBegin, resumeWithin)
	wiped := c.Others(c.Leader(leaderWithin))[0]
	old := idOf(t, wiped)
	wiped.Kill()
	wiped.Wipe()
	wiped.Start()
	wiped.WaitReady(harness.StartWithin)
	fresh := idOf(t, wiped)
	if fresh == old {
		t.Errorf("the wiped node is %s again", fresh)
	}
	harness.Eventually(t, votesWithin, "the vote of the new member", func(ctx context.Context) error {
		return hasVote(ctx, c.Leader(leaderWithin), fresh)
	})
	c.AwaitAccepted(tr.load, enoughAfter, resumeWithin)
	tr.finish(t, c)
}

// The old id of a wiped node is removed once it has been dead for long; here long is short, so the nodes run in this process.
func TestADeadIDIsReplacedByItsSuccessor(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{InProcess: true, Tuning: cluster.Tuning{
		Stabilization: time.Second, Reconcile: 200 * time.Millisecond, ReplaceAfter: 2 * time.Second,
	}})
	tr := begin(t, c)
	c.AwaitAccepted(tr.load, enoughToBegin, resumeWithin)
	wiped := c.Others(c.Leader(leaderWithin))[0]
	old := idOf(t, wiped)
	wiped.Stop()
	wiped.Wipe()
	wiped.Start()
	wiped.WaitReady(harness.StartWithin)
	fresh := idOf(t, wiped)
	harness.Eventually(t, votesWithin, "three voters, the successor one of them", func(ctx context.Context) error {
		if err := hasVote(ctx, c.Leader(leaderWithin), fresh); err != nil {
			return err
		}
		return voters(ctx, c, 3)
	})
	if old == fresh {
		t.Errorf("the wiped node is %s again", fresh)
	}
	tr.finish(t, c)
}

// A node's ports may change between two starts: what the others know of it follows.
func TestANodeComesBackAtOtherAddresses(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	tr := begin(t, c)
	c.AwaitAccepted(tr.load, enoughToBegin, resumeWithin)
	for _, moved := range c.Nodes() {
		id := idOf(t, moved)
		moved.Stop()
		moved.Move()
		moved.Start()
		moved.WaitReady(harness.StartWithin)
		if now := idOf(t, moved); now != id {
			t.Errorf("%s was %s and is %s", moved.Name(), id, now)
		}
		harness.Eventually(t, 30*time.Second, "a healthy cluster that knows the new address", func(ctx context.Context) error {
			return knows(ctx, c, moved)
		})
	}
	c.AwaitAccepted(tr.load, enoughAfter, resumeWithin)
	tr.finish(t, c)
}

// idOf is a node's id.
func idOf(t *testing.T, n *harness.Node) string {
	t.Helper()
	status, err := n.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return status.Node.ID
}

func hasVote(ctx context.Context, seenFrom *harness.Node, id string) error {
	status, err := seenFrom.Status(ctx)
	if err != nil {
		return err
	}
	for _, m := range status.Members {
		if m.ID == id && m.Voter {
			return nil
		}
	}
	return fmt.Errorf("%s does not vote: %+v", id, status.Members)
}

// knows returns nil when every node names the moved one's address and is healthy.
func knows(ctx context.Context, c *harness.Cluster, moved *harness.Node) error {
	for _, n := range c.Nodes() {
		status, err := n.Status(ctx)
		if err != nil {
			return err
		}
		if !status.Healthy {
			return fmt.Errorf("%s is not healthy: %+v %q", n.Name(), status.Members, status.Warnings)
		}
		found := errors.New(n.Name() + " does not list " + moved.Name())
		for _, m := range status.Members {
			if m.Name == moved.Name() {
				found = nil
				if m.Address != moved.Addresses().Cluster || m.HTTPURL != moved.URL() {
					found = fmt.Errorf("%s thinks that %s is at %s and %s", n.Name(), m.Name, m.Address, m.HTTPURL)
				}
			}
		}
		if found != nil {
			return found
		}
	}
	return nil
}

// awayVariable is how long a follower is down, as Go writes durations.
const awayVariable = "TINYURL_E2E_AWAY"

// A follower that was down for a while gets what it missed soon after its start, however often the leader has knocked in
// vain meanwhile.
func TestAFollowerThatWasDownIsCurrentAgain(t *testing.T) {
	away := 4 * time.Second
	if text := os.Getenv(awayVariable); text != "" {
		var err error
		if away, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", awayVariable, err)
		}
	}
	c := harness.Start(t, harness.Options{})
	tr := begin(t, c)
	c.AwaitAccepted(tr.load, enoughToBegin, resumeWithin)
	follower := c.Others(c.Leader(leaderWithin))[0]
	follower.Kill()
	rest(t, away)
	follower.Start()
	current := follower.WaitCurrent(harness.StartWithin)
	if current > 15*time.Second {
		t.Errorf("down for %v, and current only %v after its start", away, current)
	}
	t.Logf("FIGURES %s: down for %v, current %v after its start", t.Name(), away, current.Round(time.Millisecond))
	tr.finish(t, c)
}
