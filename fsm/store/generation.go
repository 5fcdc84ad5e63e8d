package store

import (
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// generation is one opened state. The engine panics on a read after its Close, so whoever uses it holds a counted
// reference; the store itself holds one as long as the generation is the live one.
type generation struct {
	number  uint64
	db      *pebble.DB
	alarm   *alarm
	drained chan struct{}             // closed when refs reaches 0, from where it never rises again
	state   atomic.Pointer[published] // replaced after every commit, by the writer
	hot     atomic.Pointer[hotLinks]  // nil once the generation is no longer live; answers without a reference
	_       [64]byte                  // who counts references must not slow down who only reads the above
	refs    atomic.Int64
}

func newGeneration(number uint64, db *pebble.DB, a *alarm, state *published, hot *hotLinks) *generation {
	g := &generation{number: number, db: db, alarm: a, drained: make(chan struct{})}
	g.state.Store(state)
	g.hot.Store(hot)
	g.refs.Store(1)
	return g
}

// acquire takes a reference; false if the last one is gone.
func (g *generation) acquire() bool {
	for {
		n := g.refs.Load()
		if n == 0 {
			return false
		}
		if g.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release gives a reference back.
func (g *generation) release() {
	if g.refs.Add(-1) == 0 {
		close(g.drained)
	}
}

// retire gives the store's own reference back: the generation is no longer the live one.
func (g *generation) retire() {
	g.hot.Store(nil)
	g.release()
}

// shut waits until nobody uses the generation, and closes the engine. The caller has given the store's reference back.
func (g *generation) shut() error {
	<-g.drained
	if err := g.alarm.shut(g.db); err != nil {
		return fmt.Errorf("close generation %s: %w", generationName(g.number), err)
	}
	return nil
}

// acquire gives the live generation with a reference taken, without a lock.
func (s *Store) acquire() (*generation, error) {
	for {
		g := s.live.Load()
		if g.acquire() {
			return g, nil
		}
		// Replace publishes the new generation before it lets go of the old one: if nothing came instead, it was Close.
		if s.live.Load() == g {
			return nil, ErrClosed
		}
	}
}
