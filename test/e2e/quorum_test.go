package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/test/harness"
)

// Without a quorum nothing is written and nothing is denied: creates are refused in time, known links redirect, unknown
// codes are 503, never 404. With the quorum everything is back.
func TestWithoutAQuorumLinksRedirectAndNothingIsDenied(t *testing.T) {
	c := harness.Start(t, harness.Options{})
	ledger := &harness.Ledger{}
	load := harness.StartLoad(harness.LoadOptions{
		Ledger: ledger, Endpoints: c.Endpoints, Key: c.Key(), Source: harness.Once(harness.MadeUpURLs(200)), Name: t.Name(),
	})
	t.Cleanup(load.Abort)
	mustBeEmpty(t, "the load found", load.Wait().Findings)
	c.Converged(30 * time.Second)
	leader := c.Leader(leaderWithin)
	survivor := c.Others(leader)[0]
	lost := c.Others(survivor)
	for _, n := range lost {
		n.Kill()
	}
	slowest := refusals(t, c, survivor)
	for _, known := range ledger.Links() {
		began := time.Now()
		got := c.Visit(survivor, known.Code)
		if took := time.Since(began); got.Status != http.StatusFound || got.Location != known.Target || took > time.Second {
			t.Fatalf("%s without a quorum, after %v: %s", known.Code, took, got)
		}
	}
	if out := c.CLI(survivor, "status"); out.Code != 2 {
		t.Errorf("status without a quorum exits with %d: %s%s", out.Code, out.Stdout, out.Stderr)
	}
	began := time.Now()
	if _, err := survivor.Status(t.Context()); err != nil || time.Since(began) > 1500*time.Millisecond {
		t.Errorf("the status took %v: %v", time.Since(began), err)
	}
	for _, n := range lost {
		n.Start()
	}
	back := time.Now()
	harness.Eventually(t, resumeWithin, "creates after the quorum is back", accepts(survivor))
	resumed := time.Since(back)
	for _, n := range lost {
		n.WaitReady(harness.StartWithin)
	}
	c.Converged(convergeTime)
	verify(t, c, ledger)
	t.Logf("FIGURES %s: slowest refusal %v, creates again %v after the start of the others", t.Name(),
		slowest.Round(time.Millisecond), resumed.Round(time.Millisecond))
}

// refusals asks a node without a quorum, all at once, for what it cannot do, and gives the longest time it took to say so.
func refusals(t *testing.T, c *harness.Cluster, n *harness.Node) time.Duration {
	t.Helper()
	var slowest atomic.Int64
	var all sync.WaitGroup
	refused := func(what string, call func() error) {
		all.Go(func() {
			began := time.Now()
			err := call()
			took := time.Since(began)
			if err := noLeader(err, took); err != nil {
				t.Errorf("%s without a quorum: %v", what, err)
			}
			for was := slowest.Load(); int64(took) > was && !slowest.CompareAndSwap(was, int64(took)); was = slowest.Load() {
			}
		})
	}
	for i := range 3 {
		refused("a create", func() error {
			_, err := n.Client().Create(t.Context(), v1.CreateLink{LongURL: fmt.Sprintf("https://example.org/refused/%d", i)}, "")
			return err
		})
	}
	refused("a deletion", func() error { return n.Client().Delete(t.Context(), "0123456") })
	refused("a linearizable read", func() error {
		_, err := n.Client().Get(t.Context(), "0123456", false)
		return err
	})
	for _, unknown := range []string{"zzzzzzz", "0123456", "no-such-slug"} {
		all.Go(func() {
			if got := c.Visit(n, unknown); got.Status != http.StatusServiceUnavailable || got.RetryAfter == "" {
				t.Errorf("the unknown code %s without a quorum: %s", unknown, got)
			}
		})
	}
	all.Go(func() { refusedBulk(t, n) })
	all.Wait()
	return time.Duration(slowest.Load())
}

// refusedBulk asks for two links in one call: no row may be told to be made.
func refusedBulk(t *testing.T, n *harness.Node) {
	rows := []v1.CreateLink{{LongURL: "https://example.org/1"}, {LongURL: "https://example.org/2"}}
	results, err := n.Client().CreateBulk(t.Context(), rows, "")
	if err != nil {
		if err := noLeader(err, 0); err != nil {
			t.Errorf("a bulk without a quorum: %v", err)
		}
		return
	}
	for i, r := range results {
		if r.Error == nil || r.Error.Code != v1.NoLeader {
			t.Errorf("row %d of a bulk without a quorum: status %d, %+v", i, r.Status, r.Error)
		}
	}
}
