package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/test/harness"
)

// A node's store is made durable in the background: what is older than this, a node that is killed knows again at once, and
// does not need the log for it, which it may read only with a leader.
const settledAfter = 3 * time.Second

// All nodes die at once under load. Each comes back with everything acknowledged, and a node that comes back alone
// redirects what it knows, proves nothing it cannot, and goes on from where it was instead of from the beginning.
func TestAllNodesAreKilledAtOnce(t *testing.T) {
	t.Parallel()
	// What is counted in the background would move the positions that are compared.
	c := harness.Start(t, harness.Options{Args: []string{"--record-visits=false"}})
	tr := begin(t, c)
	c.AwaitAccepted(tr.load, 3*enoughToBegin, 2*resumeWithin)
	alone := c.Node(0)
	before := appliedOf(t, alone)
	harness.Eventually(t, resumeWithin, "a position that is old enough", settled())
	killAll(c)
	for _, n := range c.Nodes() {
		n.Start()
	}
	for _, n := range c.Nodes() {
		n.WaitReady(harness.StartWithin)
	}
	if opened := openedAt(t, alone); opened < before {
		t.Errorf("%s had applied %d before the kill and opened its state at %d", alone.Name(), before, opened)
	}
	c.AwaitAccepted(tr.load, enoughAfter, resumeWithin)
	tr.end(t, c)
	oneNodeAlone(t, c, tr.ledger, alone)
	t.Logf("FIGURES %s: equal stores: %v", t.Name(), c.StopAndCompare(leaderWithin))
}

// oneNodeAlone goes on from a converged cluster without load: all are killed, one is started.
func oneNodeAlone(t *testing.T, c *harness.Cluster, ledger *harness.Ledger, alone *harness.Node) {
	t.Helper()
	state := c.Converged(convergeTime)
	harness.Eventually(t, resumeWithin, "a state that is old enough", settled())
	written := metric(t, alone, "tinyurl_store_wal_bytes_total")
	killAll(c)
	alone.Start()
	redirecting(t, c, alone, ledger.Links()[0])
	opened := openedAt(t, alone)
	if opened != state.AppliedIndex {
		t.Errorf("%s had applied %d and opened its state at %d", alone.Name(), state.AppliedIndex, opened)
	}
	report := harness.Verify(t.Context(), harness.VerifyOptions{
		Ledger: ledger, Endpoints: func() []harness.Endpoint { return harness.AsEndpoints(alone) }, Patience: time.Second,
	})
	if err := report.Err(); err != nil {
		t.Errorf("alone: %v", err)
	}
	for _, unknown := range []string{"zzzzzzz", "0000000", "a-slug-of-nobody"} {
		if got := c.Visit(alone, unknown); got.Status != http.StatusServiceUnavailable || got.RetryAfter == "" {
			t.Errorf("the unknown code %s on a node alone: %s", unknown, got)
		}
	}
	began := time.Now()
	_, err := alone.Client().Create(t.Context(), v1.CreateLink{LongURL: "https://example.org/alone"}, "")
	if err := noLeader(err, time.Since(began)); err != nil {
		t.Errorf("a create on a node alone: %v", err)
	}
	alone.WaitReady(harness.StartWithin) // for this directory had caught up before
	for _, n := range c.Others(alone) {
		n.Start()
	}
	for _, n := range c.Others(alone) {
		n.WaitReady(harness.StartWithin)
	}
	c.Leader(leaderWithin)
	c.Converged(convergeTime)
	verify(t, c, ledger)
	// Raft hands the log over again; what the store holds already must not be written a second time.
	again := metric(t, alone, "tinyurl_store_wal_bytes_total")
	if again > written/4+64<<10 {
		t.Errorf("%s wrote %.0f bytes before the restart and %.0f after it, though nothing was created", alone.Name(), written, again)
	}
	t.Logf("FIGURES %s: alone: %s; applied %d, opened at %d; store log %.0f bytes before, %.0f after the restart",
		t.Name(), report, state.AppliedIndex, opened, written, again)
}

// redirecting waits until the node answers at all, which must be with the redirect.
func redirecting(t *testing.T, c *harness.Cluster, n *harness.Node, link harness.Acknowledged) {
	t.Helper()
	harness.Eventually(t, harness.StartWithin, "the first redirect of a node alone", func(context.Context) error {
		got := c.Visit(n, link.Code)
		if got.Err == nil && (got.Status != http.StatusFound || got.Location != link.Target) {
			t.Fatalf("the first answer of %s for %s: %s", n.Name(), link.Code, got)
		}
		return got.Err
	})
}

// settled is the condition that settledAfter has gone by since now.
func settled() func(context.Context) error {
	began := time.Now()
	return func(context.Context) error {
		if left := settledAfter - time.Since(began); left > 0 {
			return fmt.Errorf("%v are left", left)
		}
		return nil
	}
}

func killAll(c *harness.Cluster) {
	for _, n := range c.Nodes() {
		n.KillNow()
	}
	for _, n := range c.Nodes() {
		n.Wait(10 * time.Second)
	}
}

// appliedOf is how far a node has applied.
func appliedOf(t *testing.T, n *harness.Node) uint64 {
	t.Helper()
	status, err := n.Status(t.Context())
	if err != nil || len(status.Groups) == 0 {
		t.Fatalf("status of %s: %v", n.Name(), err)
	}
	return status.Groups[0].AppliedIndex
}

// openedAt is the position with which a node's latest life began, as it logged it.
func openedAt(t *testing.T, n *harness.Node) uint64 {
	t.Helper()
	line := n.WaitLog(10*time.Second, "state opened", "applied=")
	_, rest, _ := strings.Cut(line, "applied=")
	applied, err := strconv.ParseUint(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return applied
}
