package disk

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"
)

// errorDelay is how long a disk tries before it gives an error. It is not zero, as something that tries again for ever, at
// once, would stop virtual time.
const errorDelay = 100 * time.Millisecond

// errPowerOff is what is answered to those who would otherwise acknowledge what the next life does not know.
var errPowerOff = fmt.Errorf("the power is off: %w", syscall.EIO)

// patience is how a change meets trouble.
type patience int

const (
	usual  patience = iota // it takes its time, hangs with a stall and gets errors
	vital                  // it waits for errors to go away as well; a slow disk does not hold it up, as the engine opens under a lock
	prompt                 // it takes no time: neither a stall nor a slow disk holds it up, errors come at once
)

// room finds room for a change, or answers ENOSPC. A vital change always finds some.
type room func(vital bool) error

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
func (g *gate) look() (wait bool, changed <-chan struct{}, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.off {
		return false, g.changed, nil
	}
	if g.failing {
		err = syscall.EIO
	}
	return g.stalled, g.changed, err
}

// pass waits until a change may take effect, and has take find room; take may be nil. A vital change waits for a failing disk to be
// well again, and finds room on a full one.
func (g *gate) pass(how patience, take room) error {
	for {
		wait, changed, err := g.look()
		wait = wait && how != prompt
		if !wait && err == nil && take != nil {
			err = take(how == vital)
		}
		switch {
		case !wait && err == nil:
			return nil
		case how == prompt:
			return err
		case !wait && how != vital:
			time.Sleep(errorDelay)
			return err
		}
		<-changed
	}
}

// passSync is pass for a sync, which takes its time.
func (g *gate) passSync(how patience) error {
	if err := g.pass(how, nil); err != nil {
		return err
	}
	g.mu.Lock()
	delay := g.syncDelay
	if delay > 0 {
		delay = delay/2 + time.Duration(g.jitter.Int64N(int64(delay)))
	}
	g.mu.Unlock()
	if delay == 0 || how != usual {
		return nil
	}
	time.Sleep(delay)
	return g.pass(how, nil)
}
