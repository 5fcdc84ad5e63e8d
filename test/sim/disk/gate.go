package disk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"
)

// errorDelay is how long a disk tries before it gives an error. It is not zero, as something that tries again for ever, at
// once, would stop virtual time.
const errorDelay = 10 * time.Millisecond

// errPowerOff is what is answered to those who would otherwise acknowledge what the next life does not know.
var errPowerOff = fmt.Errorf("the power is off: %w", syscall.EIO)

// gate is what every change of a disk passes.
type gate struct {
	mu        sync.Mutex
	failing   bool          // guarded by mu, as the others
	stalled   bool          //
	off       bool          // the life is over: everything passes
	syncDelay time.Duration //
	jitter    *rand.Rand    //
	changed   chan struct{} // closed, and replaced, when a waiter should look again
}

func newGate(r *rand.Rand) *gate { return &gate{jitter: r, changed: make(chan struct{})} }

// set changes the gate and makes everyone look again.
func (g *gate) set(change func(*gate)) {
	g.mu.Lock()
	change(g)
	g.mu.Unlock()
	g.wake()
}

func (g *gate) wake() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.changed)
	g.changed = make(chan struct{})
}

func (g *gate) powerOff() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.off = true
}

func (g *gate) isOff() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.off
}

// look tells whether a change must wait, until changed is closed, or fails.
func (g *gate) look() (wait bool, err error, changed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.off {
		return false, nil, g.changed
	}
	if g.failing {
		err = syscall.EIO
	}
	return g.stalled, err, g.changed
}

// pass waits until a change may take effect, and for take to find room; take may be nil. A patient change waits for errors to
// go away.
func (g *gate) pass(patient bool, take func() error) error {
	for {
		wait, err, changed := g.look()
		if !wait && err == nil && take != nil {
			err = take()
		}
		switch {
		case !wait && err == nil:
			return nil
		case !wait && !patient:
			time.Sleep(errorDelay)
			return err
		}
		<-changed
	}
}

// passSync is pass for a sync, which takes its time.
func (g *gate) passSync(patient bool) error {
	if err := g.pass(patient, nil); err != nil {
		return err
	}
	g.mu.Lock()
	delay := g.syncDelay
	if delay > 0 {
		delay = delay/2 + time.Duration(g.jitter.Int64N(int64(delay)))
	}
	g.mu.Unlock()
	if delay == 0 {
		return nil
	}
	time.Sleep(delay)
	return g.pass(patient, nil)
}

// isFull reports whether an error is for want of room.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) }
