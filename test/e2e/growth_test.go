package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/test/harness"
)

// votesWithin is the time from the join to the vote: catching up, 10 s of good health and the leader's rounds.
const votesWithin = 60 * time.Second

// The cluster grows to five and shrinks to four under load, and its status tells so.
func TestNodesJoinAndLeaveUnderLoad(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	tr := begin(t, c)
	c.AwaitAccepted(tr.load, enoughToBegin, resumeWithin)
	began := time.Now()
	joiners := []*harness.Node{c.Join("n4", c.Node(0)), c.Join("n5", c.Node(1))}
	for _, n := range joiners {
		n.WaitReady(harness.StartWithin)
	}
	ready := time.Since(began)
	harness.Eventually(t, votesWithin, "five voters", func(ctx context.Context) error { return voters(ctx, c, 5) })
	voting := time.Since(began)
	c.AwaitAccepted(tr.load, enoughAfter, resumeWithin)
	harness.Eventually(t, 30*time.Second, "a healthy status by the CLI", func(context.Context) error { return showsHealthy(c, 5) })

	leaver := joiners[0]
	leaver.Leaving()
	if out := c.CLI(leaver, "leave"); out.Code != 0 {
		t.Fatalf("leave: %+v", out)
	}
	if exit := leaver.Wait(30 * time.Second); exit.Code != 0 {
		t.Errorf("the node that left ended with %+v", exit)
	}
	c.Remove(leaver)
	harness.Eventually(t, 30*time.Second, "four voters", func(ctx context.Context) error { return voters(ctx, c, 4) })
	c.AwaitAccepted(tr.load, enoughAfter, resumeWithin)
	harness.Eventually(t, 30*time.Second, "a healthy status by the CLI", func(context.Context) error { return showsHealthy(c, 4) })
	tr.finish(t, c)
	t.Logf("FIGURES %s: joiners ready after %v, voters after %v", t.Name(), ready.Round(time.Millisecond), voting.Round(time.Millisecond))
}

// The leader itself can be told to leave.
func TestTheLeaderLeavesUnderLoad(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{Nodes: 3})
	tr := begin(t, c)
	c.AwaitAccepted(tr.load, enoughToBegin, resumeWithin)
	leader := c.Leader(leaderWithin)
	leader.Leaving()
	if out := c.CLI(leader, "leave"); out.Code != 0 {
		t.Fatalf("leave: %+v", out)
	}
	if exit := leader.Wait(30 * time.Second); exit.Code != 0 {
		t.Errorf("the leader that left ended with %+v", exit)
	}
	c.Remove(leader)
	c.AwaitAccepted(tr.load, enoughAfter, resumeWithin)
	harness.Eventually(t, 30*time.Second, "two voters", func(ctx context.Context) error { return voters(ctx, c, 2) })
	tr.finish(t, c)
}

// A replica serves what the voters know and never becomes one, however long it is in good health.
func TestAReplicaServesAndNeverVotes(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	tr := begin(t, c)
	c.AwaitAccepted(tr.load, enoughToBegin, resumeWithin)
	replica := c.Joiner("replica", c.Node(0))
	replica.Extra = []string{"--replica"}
	replica.Start()
	replica.WaitReady(harness.StartWithin)
	// It came first, so whatever makes a voter of the one that comes after it would have made one of it.
	later := c.Join("later", c.Node(0))
	later.WaitReady(harness.StartWithin)
	harness.Eventually(t, votesWithin, "the vote of the one that came later", func(ctx context.Context) error {
		return hasVote(ctx, c.Leader(leaderWithin), idOf(t, later))
	})
	status, err := c.Node(0).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range status.Members {
		if m.Name == replica.Name() && (m.Voter || m.Role != "replica" || !m.Healthy) {
			t.Errorf("the replica is %+v", m)
		}
	}
	c.AwaitAccepted(tr.load, enoughAfter, resumeWithin)
	tr.finish(t, c)
}

// voters returns nil when every node's status counts that many living voters, one leader among them, and no member else.
func voters(ctx context.Context, c *harness.Cluster, want int) error {
	for _, n := range c.Nodes() {
		status, err := n.Status(ctx)
		if err != nil {
			return err
		}
		votes, leaders := 0, 0
		for _, m := range status.Members {
			if m.Voter && m.Status == "alive" {
				votes++
			}
			if m.Role == "leader" {
				leaders++
			}
		}
		if votes != want || leaders != 1 || len(status.Members) != want {
			return fmt.Errorf("%s counts %d voters and %d leaders among %d members: %+v", n.Name(), votes, leaders, len(status.Members), status.Members)
		}
	}
	return nil
}

// showsHealthy returns nil when `tinyurl status` exits with 0 for every node, and lists every member in both its forms.
func showsHealthy(c *harness.Cluster, members int) error {
	for _, n := range c.Nodes() {
		asJSON, table := c.CLI(n, "status", "-o", "json"), c.CLI(n, "status")
		if asJSON.Code != 0 || table.Code != 0 {
			return fmt.Errorf("%s: exit codes %d and %d: %s%s", n.Name(), asJSON.Code, table.Code, table.Stdout, table.Stderr)
		}
		var status v1.Cluster
		if err := json.Unmarshal([]byte(asJSON.Stdout), &status); err != nil {
			return fmt.Errorf("%s: %w in %s", n.Name(), err, asJSON.Stdout)
		}
		if len(status.Members) != members || !status.Healthy || status.FailureTolerance != (members-1)/2 {
			return fmt.Errorf("%s: %s", n.Name(), asJSON.Stdout)
		}
		for _, m := range status.Members {
			if !strings.Contains(table.Stdout, m.ID) {
				return fmt.Errorf("%s is missing from the table of %s:\n%s", m.ID, n.Name(), table.Stdout)
			}
		}
	}
	return nil
}
