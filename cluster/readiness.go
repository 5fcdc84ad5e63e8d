package cluster

import (
	"sync"
	"time"
)

// readyAlone is how long a node that had caught up before waits for a leader before it serves what it knows.
const readyAlone = 10 * time.Second

// readiness decides what /readyz says. It turns ready once and stays so through later loss of the leader, as redirects go on;
// only a stop or damage takes it back.
type readiness struct {
	started time.Time

	mu       sync.Mutex
	before   bool  // owned by mu: this data directory had caught up in an earlier life
	caught   bool  // owned by mu: this process has had all that a leader had
	draining bool  // owned by mu
	damaged  error // owned by mu
}

func newReadiness() *readiness { return &readiness{started: time.Now()} }

// caughtUpBefore notes what an earlier life of this data directory had reached.
func (r *readiness) caughtUpBefore(did bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.before = did
}

// caughtUp notes that this node had all the leader had.
func (r *readiness) caughtUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.caught = true
}

// drain says that this node is about to go, or that it stays after all.
func (r *readiness) drain(going bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.draining = going
}

// going reports whether this node is about to go.
func (r *readiness) going() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.draining
}

func (r *readiness) damage(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.damaged = err
}

// check returns nil when redirects should be sent here.
func (r *readiness) check() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.damaged != nil:
		return r.damaged
	case r.draining:
		return errClosed
	case r.caught, r.before && time.Since(r.started) >= readyAlone:
		return nil
	default:
		return errNotCaughtUp
	}
}
