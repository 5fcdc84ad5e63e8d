// Package live hands what happens to those who listen now. Nobody is waited for: who does not keep up loses what is oldest, and is
// told how much that was.
package live

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

var (
	// ErrTooMany is returned to who wants to subscribe where as many already do as may.
	ErrTooMany = errors.New("too many subscribers")
	// ErrClosed is returned to who listens on a subscription that was closed.
	ErrClosed = errors.New("subscription closed")
)

// Hub hands what happens to those who listen now. One that does not keep up loses events, and is told how many. It is safe for use
// by several goroutines.
type Hub[T any] struct {
	most, queue int // immutable

	mu sync.Mutex // held to change who listens
	// listening are those who listen, nil for nobody. The slice is never changed, but replaced while mu is held.
	listening atomic.Pointer[[]*Subscription[T]]
}

// NewHub makes a hub for so many subscribers at most, for each of whom a queue of so many items is kept; both are 1 or more. What
// is kept of the items is maxSubscribers × queue at most.
func NewHub[T any](maxSubscribers, queue int) *Hub[T] {
	return &Hub[T]{most: max(maxSubscribers, 1), queue: max(queue, 1)}
}

// Listened tells whether anybody listens. It costs one atomic load, so that nothing needs to be made that nobody would get.
func (h *Hub[T]) Listened() bool { return h.listening.Load() != nil }

// Publish hands items to all who listen, in their order. It never waits for who listens, and keeps nothing of the slice.
func (h *Hub[T]) Publish(items []T) {
	listening := h.listening.Load()
	if listening == nil || len(items) == 0 {
		return
	}
	for _, s := range *listening {
		s.put(items)
	}
}

// Subscribe begins to listen; what was published before is not handed over. The caller must Close the subscription. ErrTooMany.
func (h *Hub[T]) Subscribe() (*Subscription[T], error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	listening := h.subscriptions()
	if len(listening) >= h.most {
		return nil, ErrTooMany
	}
	s := &Subscription[T]{
		hub: h, waiting: ring[T]{most: h.queue},
		ready: make(chan struct{}, 1), done: make(chan struct{}),
	}
	h.listen(append(slices.Clone(listening), s))
	return s, nil
}

// leave takes a subscription out.
func (h *Hub[T]) leave(s *Subscription[T]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listen(slices.DeleteFunc(slices.Clone(h.subscriptions()), func(other *Subscription[T]) bool { return other == s }))
}

// subscriptions are those who listen; mu is held.
func (h *Hub[T]) subscriptions() []*Subscription[T] {
	if listening := h.listening.Load(); listening != nil {
		return *listening
	}
	return nil
}

// listen replaces those who listen; mu is held.
func (h *Hub[T]) listen(listening []*Subscription[T]) {
	if len(listening) == 0 {
		h.listening.Store(nil)
		return
	}
	h.listening.Store(&listening)
}
