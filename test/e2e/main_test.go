package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/test/harness"
)

// How much is done; the defaults are for every day, the full figures for a release (see README.md).
const (
	urlsVariable   = "TINYURL_E2E_URLS"  // a file of long URLs, one a line
	killsVariable  = "TINYURL_E2E_KILLS" // how often the leader is killed
	binaryVariable = "TINYURL_BINARY"
)

// How long things may take before they have failed. They are generous: the machines that run tests are busy.
const (
	leaderWithin  = 15 * time.Second
	resumeWithin  = 20 * time.Second
	convergeTime  = 60 * time.Second
	enoughToBegin = 200 // creates accepted before a fault
	enoughAfter   = 100 // and after it
)

// clustersAtOnce is how many tests run beside each other: each has a cluster, directory and ports of its own, and mostly waits. Tests that
// measure time or memory, or fill the processors, are not parallel: they run before, one by one.
const clustersAtOnce = "3"

func TestMain(m *testing.M) {
	if err := limitParallel(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(run(m))
}

// limitParallel sets how many tests run at once, unless the command line does.
func limitParallel() error {
	flag.Parse()
	const name = "test.parallel"
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if given {
		return nil
	}
	return flag.Set(name, clustersAtOnce)
}

// run builds the program once where none is given.
func run(m *testing.M) int {
	if os.Getenv(binaryVariable) == "" {
		dir, err := os.MkdirTemp("", "tinyurl-binary-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		path, err := harness.Build(context.Background(), dir)
		if err == nil {
			err = os.Setenv(binaryVariable, path)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

// urls are the long URLs to shorten.
func urls(t *testing.T) []string {
	t.Helper()
	path := os.Getenv(urlsVariable)
	if path == "" {
		return harness.MadeUpURLs(2000)
	}
	list, err := harness.ReadURLs(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatalf("%s holds no URL", path)
	}
	return list
}

// traffic is a load with a watch beside it.
type traffic struct {
	ledger *harness.Ledger
	load   *harness.Load
	watch  *harness.Watch
	term   uint64
	avoid  atomic.Pointer[harness.Node] // the load makes a detour around it
	beside uint64                       // links that the test made beside the load
}

// extra counts a link that the test made beside the load, if it exists: it was not acknowledged, so it may or may not.
func (tr *traffic) extra(t *testing.T, c *harness.Cluster, slug string) {
	t.Helper()
	switch _, err := c.Leader(leaderWithin).Client().Get(t.Context(), slug, false); {
	case err == nil:
		tr.beside++
	case !isCode(err, v1.NotFound):
		t.Errorf("the link %s: %v", slug, err)
	}
}

// nodes are those through which links are made.
func (tr *traffic) nodes(c *harness.Cluster) []harness.Endpoint {
	return harness.AsEndpoints(c.Others(tr.avoid.Load())...)
}

// begin starts traffic on all nodes of a cluster. It is given up with the test.
func begin(t *testing.T, c *harness.Cluster) *traffic {
	t.Helper()
	return beginPatiently(t, c, 0)
}

// beginPatiently is begin with clients that wait that long for an answer; 0 means the load's default.
func beginPatiently(t *testing.T, c *harness.Cluster, timeout time.Duration) *traffic {
	t.Helper()
	ledger := &harness.Ledger{}
	tr := &traffic{ledger: ledger, term: c.Term()}
	tr.load = harness.StartLoad(harness.LoadOptions{
		Ledger: ledger, Endpoints: func() []harness.Endpoint { return tr.nodes(c) }, Key: c.Key(), Source: harness.Cycle(urls(t)),
		Clients: 6, BulkEvery: 20, BulkSize: 10, Pause: 5 * time.Millisecond, Name: t.Name(), Timeout: timeout,
	})
	t.Cleanup(tr.load.Abort)
	tr.watch = harness.StartWatch(harness.WatchOptions{Ledger: ledger, Endpoints: c.Endpoints, Clients: 3})
	t.Cleanup(func() { tr.watch.Stop() })
	return tr
}

// end stops the traffic, waits until the nodes agree and judges everything. A load that gave nothing up has made exactly the
// links of its ledger. It returns the gap, too, for tests that bound it.
func (tr *traffic) end(t *testing.T, c *harness.Cluster) harness.LoadReport {
	t.Helper()
	made := tr.load.Stop()
	state := c.Converged(convergeTime)
	seen := tr.watch.Stop()
	verified := verify(t, c, tr.ledger)
	t.Logf("FIGURES %s: %s | %s | %s | %d elections", t.Name(), made, seen, verified, c.Term()-tr.term)
	mustBeEmpty(t, "the load found", made.Findings)
	mustBeEmpty(t, "wrong answers", seen.Violations)
	mustBeEmpty(t, "redirects failed on nodes that were serving", seen.Failures)
	if made.Abandoned != 0 {
		t.Errorf("%d creates were given up", made.Abandoned)
	} else if state.Links != uint64(tr.ledger.Len())+tr.beside {
		t.Errorf("%d links were acknowledged, but there are %d", tr.ledger.Len(), state.Links)
	}
	return made
}

// finish is end, and then stops all nodes and compares what they keep, row by row.
func (tr *traffic) finish(t *testing.T, c *harness.Cluster) harness.LoadReport {
	t.Helper()
	made := tr.end(t, c)
	state := c.StopAndCompare(leaderWithin)
	t.Logf("FIGURES %s: equal stores: %v", t.Name(), state)
	return made
}

// verify follows every link of a ledger on every running node.
func verify(t *testing.T, c *harness.Cluster, ledger *harness.Ledger) *harness.VerifyReport {
	t.Helper()
	report := harness.Verify(t.Context(), harness.VerifyOptions{Ledger: ledger, Endpoints: func() []harness.Endpoint {
		var running []*harness.Node
		for _, n := range c.Nodes() {
			if n.Running() {
				running = append(running, n)
			}
		}
		return harness.AsEndpoints(running...)
	}})
	if err := report.Err(); err != nil {
		t.Errorf("%s: %v", report, err)
	}
	return report
}

func mustBeEmpty(t *testing.T, what string, found *harness.Findings) {
	t.Helper()
	if err := found.Err(); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}
