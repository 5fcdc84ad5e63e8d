package cluster

import (
	"context"
	"sync"
	"time"
)

const (
	// travelling is how many loads may be on their way at once.
	travelling = 2
	// enough operations go even while others travel: a load so large costs little more for each of them if it is larger still, and
	// the way is better used by two.
	enough = 512
	// patienceMost bounds how long a load waits for what is expected, however long the one before it travelled.
	patienceMost = 5 * time.Millisecond
	// A load that travels for four times as long as the one before no longer holds back the next, nor before overdueLeast, and surely
	// after overdueMost.
	overdueLeast = 20 * time.Millisecond
	overdueMost  = 200 * time.Millisecond
)

// pace says when operations that gather are sent on together. A load costs its way - messages, syncs, threads woken in three
// processes - whatever it holds, so that few large ones are far cheaper than many small ones; but nobody should wait in vain. Most who
// write wait for the answer and write again soon after it, so what came back together is about to gather again: the next load
// waits until as many have come as the last one held, for the time that one travelled at most. An operation whose
// sender was the only one last time, or that comes after a pause, goes at once. (Group commit, with the size of the group learned from the one before.)
type pace struct {
	gathered func() int    // how many operations there are now; not called with mu held
	back     chan struct{} // a token when a load has come back

	mu       sync.Mutex    // guards what follows
	away     []time.Time   // when each load that travels left, the oldest first
	expected int           // operations in the load that came back last, and those that had gathered by then
	travel   time.Duration // how long that one travelled
	patience time.Time     // until then as many are waited for
}

func newPace(gathered func() int) *pace {
	return &pace{gathered: gathered, back: make(chan struct{}, 1)}
}

// next returns true when what has gathered should go, false when ctx is over. more has a token when it may have become more.
func (p *pace) next(ctx context.Context, more <-chan struct{}) bool {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := p.wait(p.gathered(), time.Now())
		if wait == 0 {
			return true
		}
		timer.Reset(wait)
		select {
		case <-more:
		case <-p.back:
		case <-timer.C:
		case <-ctx.Done():
			return false
		}
	}
}

// wait is how long n operations should wait if nothing happens meanwhile; 0 when they should go.
func (p *pace) wait(n int, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case n == 0 || len(p.away) >= travelling:
		return time.Hour
	case len(p.away) == 0:
		if n >= p.expected {
			return 0
		}
		return max(0, p.patience.Sub(now))
	case n >= enough:
		return 0
	default:
		return max(0, p.away[0].Add(min(max(overdueLeast, 4*p.travel), overdueMost)).Sub(now))
	}
}

// leaves notes that a load goes; back is to be called, once, when it is over.
func (p *pace) leaves(n int) (back func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := time.Now()
	p.away = append(p.away, at)
	return func() {
		there := p.gathered()
		p.mu.Lock()
		defer p.mu.Unlock()
		now := time.Now()
		for i, a := range p.away {
			if a.Equal(at) {
				p.away = append(p.away[:i], p.away[i+1:]...)
				break
			}
		}
		p.expected, p.travel = n+there, now.Sub(at)
		p.patience = now.Add(min(p.travel, patienceMost))
		select {
		case p.back <- struct{}{}:
		default:
		}
	}
}
