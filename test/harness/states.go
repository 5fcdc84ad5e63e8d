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

// StopAndCompare stops all running nodes, the leader last so that nothing is written meanwhile, goes over every row of their
// stores, and fails the test unless all hold the same. The cluster must have converged, and nothing may be written to it.
func (c *Cluster) StopAndCompare(within time.Duration) State {
	c.tb.Helper()
	leader := c.Leader(within)
	var followers []*Node
	for _, n := range c.Others(leader) {
		if n.Running() {
			followers = append(followers, n)
		}
	}
	var all sync.WaitGroup
	errs := make([]error, len(followers))
	for i, n := range followers {
		all.Go(func() { errs[i] = n.stop() })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		c.tb.Fatal(err)
	}
	leader.Stop()
	first, err := readState(c.tb.Context(), leader)
	if err != nil {
		c.tb.Fatalf("the store of %s: %v", leader.Name(), err)
	}
	for _, n := range followers {
		state, err := readState(c.tb.Context(), n)
		if err != nil {
			c.tb.Errorf("the store of %s: %v", n.Name(), err)
		} else if state != first {
			c.tb.Errorf("%s holds %v, and %s, the leader, %v", n.Name(), state, leader.Name(), first)
		}
	}
	return first
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
