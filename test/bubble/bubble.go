// Package bubble runs tests in bubbles of virtual time (testing/synctest), also
// under the race detector.
package bubble

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
)

// Test is [synctest.Test]. In a program with the race detector the whole process
// keeps to one processor meanwhile: all timers of a bubble share one context of
// the detector there, and when a goroutine that looks at an expired timer's
// channel fires it while others fire elsewhere, two threads use that context at
// once and the detector ends the process with "CHECK failed: slot_locked"
// (golang/go#78156; timers.raceCtx in runtime/time.go, Go 1.26). Races are
// found all the same: they are a matter of what happens before what.
func Test(t *testing.T, f func(*testing.T)) {
	t.Helper()
	if raced {
		one.enter()
		defer one.leave()
	}
	synctest.Test(t, f)
}

// one is what keeps the process to one processor.
var one narrowing

// narrowing keeps the process to one processor as long as somebody is within.
type narrowing struct {
	mu     sync.Mutex
	within int // guarded by mu
	before int // guarded by mu: how many processors there were; meaningful while within > 0
}

func (n *narrowing) enter() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.within == 0 {
		n.before = runtime.GOMAXPROCS(1)
	}
	n.within++
}

func (n *narrowing) leave() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.within--
	if n.within == 0 {
		runtime.GOMAXPROCS(n.before)
	}
}
