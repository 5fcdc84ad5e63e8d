package harness

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"tinyurl/fsm/store"
)

// State is what a stopped node's store holds.
type State struct {
	Index  uint64
	Digest string
	Links  uint64
}

// String is the state in a few words.
func (s State) String() string {
	return fmt.Sprintf("%d links, digest %.12s at %d", s.Links, s.Digest, s.Index)
}

// comparisons is how often StopAndCompare tries: a term that begins between the last look and the stop, with an entry that not
// everybody has got, is no fault.
const comparisons = 3

// StopAndCompare stops all running nodes, the leader last so that nothing is written meanwhile, goes over every row of their
// stores, and fails the test unless all hold the same. The cluster must have converged, and nothing may be written to it. Where a
// term began in between, the nodes are started again, have to converge within the time given, and are stopped again.
func (c *Cluster) StopAndCompare(within time.Duration) State {
	c.tb.Helper()
	for try := 1; ; try++ {
		nodes := c.stopLeaderLast(within)
		states := make([]State, len(nodes))
		apart := false
		for i, n := range nodes {
			var err error
			if states[i], err = readState(c.tb.Context(), n); err != nil {
				c.tb.Fatalf("the store of %s: %v", n.Name(), err)
			}
			apart = apart || states[i].Index != states[0].Index
		}
		if !apart || try == comparisons {
			for i, n := range nodes {
				if states[i] != states[0] {
					c.tb.Errorf("%s holds %v, and %s, the leader, %v", n.Name(), states[i], nodes[0].Name(), states[0])
				}
			}
			return states[0]
		}
		c.tb.Logf("stopped at different entries, once more: %v", states)
		for _, n := range nodes {
			n.Start()
		}
		c.Converged(within)
	}
}

// stopLeaderLast stops all running nodes and returns them, the leader first.
func (c *Cluster) stopLeaderLast(within time.Duration) []*Node {
	c.tb.Helper()
	leader := c.Leader(within)
	stopped := []*Node{leader}
	for _, n := range c.Others(leader) {
		if n.Running() {
			stopped = append(stopped, n)
		}
	}
	var all sync.WaitGroup
	errs := make([]error, len(stopped))
	for i, n := range stopped[1:] {
		all.Go(func() { errs[i] = n.stop() })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		c.tb.Fatal(err)
	}
	leader.Stop()
	return stopped
}

// readState opens a stopped node's store and recomputes its digest from all rows.
func readState(ctx context.Context, n *Node) (_ State, err error) {
	s, err := store.Open(filepath.Join(n.Dir, "groups", "0", "state"), store.Options{Fatal: func(err error) { panic(err) }})
	if err != nil {
		return State{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Verify(ctx); err != nil {
		return State{}, err
	}
	position, digest := s.CurrentDigest()
	return State{Index: position.Index, Digest: digest.String(), Links: s.Links()}, nil
}
