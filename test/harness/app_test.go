package harness_test

import (
	"context"
	"testing"
	"time"

	"tinyurl/cluster"
	"tinyurl/test/harness"
)

// A cluster inside this process does all that one of processes does, but for signals; under the race detector, too.
func TestAClusterInThisProcessFormsServesAndRestarts(t *testing.T) {
	c := harness.Start(t, harness.Options{InProcess: true, Tuning: cluster.Tuning{Heartbeat: 500 * time.Millisecond}})
	ledger := &harness.Ledger{}
	watch := harness.StartWatch(harness.WatchOptions{Ledger: ledger, Endpoints: c.Endpoints})
	load := harness.StartLoad(harness.LoadOptions{
		Ledger: ledger, Endpoints: c.Endpoints, Key: c.Key(), Source: harness.Cycle(harness.MadeUpURLs(200)), Clients: 3,
	})
	defer load.Abort()
	c.AwaitAccepted(load, 50, 30*time.Second)
	leader := c.Leader(15 * time.Second)
	leader.Stop()
	c.AwaitAccepted(load, 50, 30*time.Second)
	leader.Start()
	leader.WaitReady(harness.StartWithin)
	made, seen := load.Stop(), watch.Stop()
	state := c.Converged(30 * time.Second)
	verified := harness.Verify(context.Background(), harness.VerifyOptions{Ledger: ledger, Endpoints: c.Endpoints})
	t.Logf("%s | %s | %s | %v", made, seen, verified, c.StopAndCompare(15*time.Second))
	for _, err := range []error{made.Findings.Err(), seen.Violations.Err(), seen.Failures.Err(), verified.Err()} {
		if err != nil {
			t.Error(err)
		}
	}
	if made.Abandoned == 0 && state.Links != uint64(ledger.Len()) {
		t.Errorf("%d links were acknowledged, but there are %d", ledger.Len(), state.Links)
	}
}
