package cluster

import (
	"context"
	"sync"
	"time"
)

// fresh is the age up to which a view counts as current: a follower that is in touch hears of commits far more often.
const fresh = time.Second

// staleness tells how old this node's view may be: the time since it last had all that the leader had committed. It goes by
// the leader's own word (the commit index in its messages; heartbeats carry none), so it grows while the leader is silent.
type staleness struct {
	heard   func() (index uint64, at time.Time) // the last commit index the leader told, and when
	applied func() uint64
	leads   func() bool

	mu      sync.Mutex
	index   uint64    // owned by mu: a commit index that was heard at time at, and not yet known to be applied
	at      time.Time // owned by mu
	current time.Time // owned by mu: the last moment at which all that was committed was applied here
}

// run follows the leader's word often enough that age is right whenever it is asked.
func (s *staleness) run(ctx context.Context) {
	ticker := time.NewTicker(fresh / 8)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.follow()
		case <-ctx.Done():
			return
		}
	}
}

// follow keeps one commit index under watch until it is applied, then takes the next. Under load the newest one is never
// applied yet, so watching only the newest would never find this node current.
func (s *staleness) follow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leads() {
		s.current = time.Now()
		return
	}
	applied := s.applied()
	if applied >= s.index && s.at.After(s.current) {
		s.current = s.at
	}
	if index, at := s.heard(); applied >= s.index && at.After(s.at) {
		s.index, s.at = index, at
		if applied >= index {
			s.current = at
		}
	}
}

// age returns 0 while the view is current, and -1 when this process has never had all that a leader had committed.
func (s *staleness) age() time.Duration {
	s.follow()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current.IsZero() {
		return -1
	}
	if age := time.Since(s.current); age > fresh {
		return age
	}
	return 0
}
