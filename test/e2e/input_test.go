package e2e

import (
	"testing"

	"tinyurl/test/harness"
)

// Every URL of the list is shortened once, through all three nodes by concurrent clients, one by one and in bulks, and then
// followed on every node, byte for byte.
func TestAListOfURLsIsShortenedThroughAllNodes(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	list := urls(t)
	ledger := &harness.Ledger{}
	load := harness.StartLoad(harness.LoadOptions{
		Ledger: ledger, Endpoints: c.Endpoints, Key: c.Key(), Source: harness.Once(list), Clients: 12, BulkEvery: 10, BulkSize: 25,
		Name: t.Name(),
	})
	t.Cleanup(load.Abort)
	made := load.Wait()
	state := c.Converged(convergeTime)
	verified := verify(t, c, ledger)
	t.Logf("FIGURES %s: %s | %s", t.Name(), made, verified)
	t.Logf("FIGURES %s: equal stores: %v", t.Name(), c.StopAndCompare(leaderWithin))
	mustBeEmpty(t, "the load found", made.Findings)
	if ledger.Len() != len(list) || made.Abandoned != 0 || state.Links != uint64(len(list)) {
		t.Errorf("%d URLs, %d links acknowledged, %d given up, %d links in the cluster", len(list), ledger.Len(), made.Abandoned, state.Links)
	}
}
