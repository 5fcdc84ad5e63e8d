package fsm

import (
	"sync"
	"time"
)

// settleEvery is how often, at most, what was applied is made durable in the background. A node that is killed and hears no
// leader when it starts again redirects every link it had applied, but for the last moments before the kill.
const settleEvery = 100 * time.Millisecond

// settler syncs the state some time after something was applied. Applies never wait for it.
type settler struct {
	do      func() error
	dirty   chan struct{} // a token after an apply
	stop    chan struct{}
	stopped sync.WaitGroup
}

func newSettler(do func() error) *settler {
	s := &settler{do: do, dirty: make(chan struct{}, 1), stop: make(chan struct{})}
	s.stopped.Go(s.run)
	return s
}

// applied notes that there is something to sync.
func (s *settler) applied() {
	select {
	case s.dirty <- struct{}{}:
	default:
	}
}

// run gathers applies for settleEvery, then syncs. A failure is the store's to report: it stops the node.
func (s *settler) run() {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-s.dirty:
		case <-s.stop:
			return
		}
		pause.Reset(settleEvery)
		select {
		case <-pause.C:
		case <-s.stop:
			return
		}
		select {
		case <-s.dirty: // this sync covers what came while it gathered
		default:
		}
		if s.do() != nil {
			return
		}
	}
}

// close ends it; the store's own Close keeps what is not synced yet.
func (s *settler) close() {
	close(s.stop)
	s.stopped.Wait()
}
