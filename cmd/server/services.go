package server

import (
	"time"

	"tinyurl/api/redirect"
)

// resolver is a node's redirect.Resolver.
type resolver struct {
	redirect.Resolver
	// age is how long this process has run.
	age func() time.Duration
}

// Staleness is how far this node may be behind. The node says -1 if it was never current in this process: then it is behind
// by the whole life of the process at least.
func (r resolver) Staleness() time.Duration {
	if behind := r.Resolver.Staleness(); behind >= 0 {
		return behind
	}
	return r.age()
}
