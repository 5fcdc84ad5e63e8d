//go:build linux

package partition

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"tinyurl/test/harness"
	"tinyurl/test/history"
	"tinyurl/test/partition/fabric"
)

// group is a kind of cluster, and the rows that one such cluster lives through.
type group struct {
	name  string
	nodes int
	// disk is the size of each node's own disk in bytes; 0 is a directory on the machine's.
	disk int64
	// faulty runs the program that was built with failpoints; environ is what it is told at its first start.
	faulty  bool
	environ []string
	rows    []row
}

// row is a fault.
type row struct {
	name string
	// lasts is how long the fault lasts once it has begun.
	lasts time.Duration
	// begin does the fault and returns what undoes it. Processes that were ended are started by end, and not waited for.
	begin func(*world) (end func())
	// diskMayFill says that 507 is no wonder. alone says that the row is not one that begins and ends, so that it is no part of a
	// pair; paired that it is one.
	diskMayFill, alone, paired bool
	// within is how long after its end every node must accept creates; acceptWithin if 0.
	within time.Duration
}

// acceptWithin is the promise: this long after the healing every node accepts writes.
const acceptWithin = 10 * time.Second

// How long things may take before the run is given up. They are generous, as the machines that run tests are busy; what is
// promised is judged by acceptWithin.
const (
	leaderWithin   = 30 * time.Second
	calmWithin     = 40 * time.Second
	convergeWithin = 60 * time.Second
	recoverWithin  = 60 * time.Second
)

// world is one cluster and all that is known of it.
type world struct {
	*guard
	group    *group
	fabric   *fabric.Fabric
	wires    *wires
	cluster  *harness.Cluster
	disks    map[string]string // the disk of each node, by name; empty where they have none
	fillers  []string          // what fills them
	recorder *history.Recorder
	began    time.Time
	book     *Book
	clients  atomic.Int64
	atRest   map[int]quiet // by process number
	slack    float64       // of the promise of acceptWithin, for machines that are busy

	// Of the row under way:
	load   *Load
	r      *rand.Rand
	paired bool // the row is two faults at once
	// known is how many links of the book every node has.
	known int
	// mended is when the fault was undone, where the row itself waits for something afterwards.
	mended time.Time
}

// found makes a cluster, and waits until all its nodes are ready.
func found(g *guard, kind *group, binary string, seed uint64) *world {
	w := &world{guard: g, group: kind, book: &Book{}, began: time.Now(), atRest: make(map[int]quiet), slack: 1}
	w.recorder = history.NewRecorder(func() time.Duration { return time.Since(w.began) })
	w.fabric = fabric.NewSeeded(g, seed)
	w.wires = &wires{fabric: w.fabric}
	w.cluster = harness.Start(g, harness.Options{Nodes: kind.nodes, Binary: binary, Place: w.fabric, Unstarted: true})
	if kind.disk > 0 {
		w.disks = make(map[string]string)
	}
	for _, n := range w.cluster.Nodes() {
		if kind.disk > 0 {
			n.Dir = w.fabric.Tmpfs(kind.disk)
			w.disks[n.Name()] = n.Dir
		}
		if kind.faulty {
			n.Environ = append([]string{"TINYURL_FAILPOINTS=" + w.control(n)}, kind.environ...)
		}
		n.Start()
	}
	for _, n := range w.cluster.Nodes() {
		n.WaitReady(harness.FormWithin)
	}
	w.recorder.Change(func(r *history.Run) { r.Ring, r.Name, r.Seed, r.Nodes = "partition", kind.name, seed, w.names() })
	return w
}

// chance begins the chance of a row, which the seed and the row's name make.
func (w *world) chance(seed uint64, name string) {
	hash := fnv.New64a()
	hash.Write([]byte(name))
	w.r = rand.New(rand.NewPCG(seed, hash.Sum64()))
}

// control is the file that says how a node's log fails.
func (w *world) control(n *harness.Node) string {
	return filepath.Join(w.cluster.Dir(), n.Name()+".failpoint")
}

// note writes down what was done to the cluster.
func (w *world) note(kind, format string, args ...any) {
	w.recorder.Fault(kind, fmt.Sprintf(format, args...))
}

// hold is the length of a fault; it ends early when a promise was broken.
func (w *world) hold(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.load.Broken():
		runBroken(w)
	case <-w.Context().Done():
	}
}

// runBroken ends the row: what follows would only bury what was seen.
func runBroken(w *world) { w.Fatalf("stopped early: %v", w.load.violations.Err()) }

// between gives a random duration.
func (w *world) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.r.Int64N(int64(most-least)+1))
}

func (w *world) nodes() []*harness.Node { return w.cluster.Nodes() }

func (w *world) names() []string { return names(w.nodes()) }

func names(nodes []*harness.Node) []string {
	var all []string
	for _, n := range nodes {
		all = append(all, n.Name())
	}
	return all
}

// leader is the leader with a quorum. It waits for one, but not for long where another fault may leave none: then it is any node
// that runs.
func (w *world) leader() *harness.Node {
	if !w.paired {
		return w.cluster.Leader(leaderWithin)
	}
	var running []*harness.Node
	for _, n := range w.nodes() {
		if !n.Running() {
			continue
		}
		running = append(running, n)
		if status, err := n.Status(w.Context()); err == nil && len(status.Groups) > 0 && status.Groups[0].State == "leader" {
			return n
		}
	}
	if len(running) == 0 {
		return w.nodes()[0]
	}
	return running[w.r.IntN(len(running))]
}

// followers are all others, in a random order.
func (w *world) followers(leader *harness.Node) []*harness.Node {
	others := w.cluster.Others(leader)
	w.r.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	return others
}

// shuffled are all nodes in a random order.
func (w *world) shuffled() []*harness.Node { return w.followers(nil) }

// endpoints are the nodes that clients talk to.
func (w *world) endpoints() []harness.Endpoint { return harness.AsEndpoints(w.nodes()...) }

// eventually waits for a condition of the row.
func (w *world) eventually(within time.Duration, what string, check func(context.Context) error) {
	w.Helper()
	harness.Eventually(w, within, what, check)
}

// current waits until every node that was not serving is ready and has all that its leader has.
func (w *world) current(within time.Duration) {
	for _, n := range w.nodes() {
		if _, serving := n.Serving(); serving {
			continue
		}
		if !n.Running() {
			w.Fatalf("%s is not running; the end of its log:\n%s", n.Name(), end(n.Log()))
		}
		n.WaitCurrent(within)
	}
}

// accepting waits until every node has accepted a create that was sent after the healing, and tells how long that took.
func (w *world) accepting(f *figures) (after time.Duration) {
	w.eventually(recoverWithin, "a create accepted by every node", func(context.Context) error {
		var all bool
		if after, all = f.acceptedBy(w.names()); !all {
			return fmt.Errorf("missing are %v", f.missing(w.names()))
		}
		return nil
	})
	return after
}

// gone checks that acknowledged deletions are gone on every node.
func (w *world) gone(codes []string) {
	for _, n := range w.nodes() {
		for _, code := range codes {
			if got := w.cluster.Visit(n, code); got.Status != http.StatusGone {
				w.violated("%s, visited for %s, whose deletion was acknowledged: %s", n.Name(), code, got)
			}
		}
	}
}

// violated notes a broken promise that the clients did not see.
func (w *world) violated(format string, args ...any) { w.load.violate(format, args...) }

// verified follows the links from a place of the book on, on every node.
func (w *world) verified(from int) {
	report := harness.Verify(w.Context(), harness.VerifyOptions{Ledger: w.book.Ledger(from), Endpoints: w.endpoints, Clients: 3})
	if err := report.Err(); err != nil {
		w.violated("%s: %v", report, err)
	}
}

var errNotYet = errors.New("not yet")
