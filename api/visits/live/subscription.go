package live

import (
	"context"
	"sync"
)

// Subscription is one who listens.
type Subscription[T any] struct {
	hub   *Hub[T]       // immutable
	ready chan struct{} // immutable; holds something where items may wait
	done  chan struct{} // immutable; closed by Close

	mu      sync.Mutex
	waiting ring[T] // owned by mu
	missed  uint64  // owned by mu: how many items were lost since the last Next
	closed  bool    // owned by mu
}

// put hands items over. Of what finds no room, the oldest is lost.
func (s *Subscription[T]) put(items []T) {
	s.mu.Lock()
	if !s.closed {
		s.missed += uint64(s.waiting.put(items))
	}
	s.mu.Unlock()
	select {
	case s.ready <- struct{}{}:
	default: // it is told already
	}
}

// Next gives what was published since the last Next, and waits until there is something. missed is how many items were lost that
// came before those. The caller owns the slice. Next is for one goroutine at a time. ErrClosed after Close, also for who waits; the
// error of ctx once ctx is done.
func (s *Subscription[T]) Next(ctx context.Context) (items []T, missed uint64, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		if items, missed, err = s.take(); len(items) > 0 || err != nil {
			return items, missed, err
		}
		select {
		case <-s.ready:
		case <-s.done:
		case <-ctx.Done():
		}
	}
}

// take takes what waits. ErrClosed.
func (s *Subscription[T]) take() (items []T, missed uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, 0, ErrClosed
	}
	items, missed = s.waiting.take(), s.missed
	s.missed = 0
	return items, missed, nil
}

// Close ends the subscription, and makes room for another. What was not taken is lost. Closing twice does no harm.
func (s *Subscription[T]) Close() {
	s.mu.Lock()
	before := s.closed
	s.closed, s.waiting = true, ring[T]{}
	s.mu.Unlock()
	if before {
		return
	}
	s.hub.leave(s)
	close(s.done)
}
