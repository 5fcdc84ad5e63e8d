package cluster

import (
	"context"
	"sync"
	"time"
)

// rounds shares one costly question among all who ask it at the same time. At most one round runs and at most one waits.
// A caller never joins a round that was already running when it arrived: what that round learns may be older than the
// question, and a linearizable read must not take an answer older than itself.
type rounds struct {
	// ask is one round. Its context ends after timeout, whoever has stopped waiting.
	ask     func(context.Context) (uint64, error)
	timeout time.Duration

	mu      sync.Mutex
	running *round // owned by mu
	waiting *round // owned by mu; runs when running is done
	closed  bool
	life    *lifetime // ends every round
}

// round is one asking of the question; index and err are set before done is closed.
type round struct {
	done  chan struct{}
	index uint64
	err   error
}

func newRounds(timeout time.Duration, ask func(context.Context) (uint64, error)) *rounds {
	return &rounds{ask: ask, timeout: timeout, life: newLifetime()}
}

// join waits for a round that starts after this call and returns what it learned. It returns ctx's error when ctx ends
// first; the round goes on for the others.
func (r *rounds) join(ctx context.Context) (uint64, error) {
	mine := r.enter()
	if mine == nil {
		return 0, errClosed
	}
	select {
	case <-mine.done:
		return mine.index, mine.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// enter returns the round the caller belongs to, nil after close.
func (r *rounds) enter() *round {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	if r.running == nil {
		r.running = &round{done: make(chan struct{})}
		r.start(r.running)
		return r.running
	}
	if r.waiting == nil {
		r.waiting = &round{done: make(chan struct{})}
	}
	return r.waiting
}

// start runs a round beside its callers; the caller holds mu.
func (r *rounds) start(now *round) {
	if !r.life.Go(func() { r.run(now) }) {
		now.err = errClosed
		close(now.done)
	}
}

func (r *rounds) run(now *round) {
	ctx, cancel := context.WithTimeout(r.life.ctx, r.timeout)
	defer cancel()
	now.index, now.err = r.ask(ctx)
	// The next round starts before this one's callers are told: those who come meanwhile must not join what has already been learned.
	r.mu.Lock()
	r.running, r.waiting = r.waiting, nil
	if r.running != nil {
		r.start(r.running)
	}
	r.mu.Unlock()
	close(now.done)
}

// close ends the running rounds and waits for them; later joins fail.
func (r *rounds) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.life.end()
}
