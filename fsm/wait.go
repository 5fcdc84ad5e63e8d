package fsm

import (
	"container/heap"
	"context"
	"sync"

	"tinyurl/fsm/link"
)

// maxWaiters bounds how many calls may wait for the state at once; each is a request that a client waits for.
const maxWaiters = 1 << 16

// waiters are those who wait for the state to reach an index: a heap, lowest index first, so that an apply looks only at
// the ones it wakes.
type waiters struct {
	mu      sync.Mutex
	applied uint64    // guarded by mu
	stopped error     // why nobody will be woken any more; guarded by mu
	queue   waitQueue // guarded by mu
	limit   int       // immutable
}

// waiter is one call that waits.
type waiter struct {
	index uint64
	place int           // in the queue; -1 once out of it
	done  chan struct{} // closed when woken
	err   error         // set before done is closed
}

func (w *waiters) init() { w.limit = maxWaiters }

// wait blocks until the state has reached index.
func (w *waiters) wait(ctx context.Context, index uint64) error {
	me, err := w.enter(index)
	if me == nil {
		return err
	}
	select {
	case <-me.done:
		return me.err
	case <-ctx.Done():
		w.leave(me)
		return ctx.Err()
	}
}

// enter queues a waiter; nil if there is nothing to wait for, or no waiting.
func (w *waiters) enter(index uint64) (*waiter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case index <= w.applied:
		return nil, nil
	case w.stopped != nil:
		return nil, w.stopped
	case len(w.queue) >= w.limit:
		return nil, link.ErrOverloaded
	}
	me := &waiter{index: index, done: make(chan struct{})}
	heap.Push(&w.queue, me)
	return me, nil
}

// leave takes a waiter out that was not woken.
func (w *waiters) leave(me *waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if me.place >= 0 {
		heap.Remove(&w.queue, me.place)
	}
}

// reached wakes everybody who waited for index or less.
func (w *waiters) reached(index uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.applied = max(w.applied, index)
	for len(w.queue) > 0 && w.queue[0].index <= w.applied {
		close(heap.Pop(&w.queue).(*waiter).done)
	}
}

// stop wakes everybody with err, now and in future. The first reason stays.
func (w *waiters) stop(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped == nil {
		w.stopped = err
	}
	for len(w.queue) > 0 {
		me := heap.Pop(&w.queue).(*waiter)
		me.err = w.stopped
		close(me.done)
	}
}

// waitQueue is a heap.Interface that tells each waiter its place.
type waitQueue []*waiter

func (q waitQueue) Len() int           { return len(q) }
func (q waitQueue) Less(i, j int) bool { return q[i].index < q[j].index }

func (q waitQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push is heap.Interface's.
func (q *waitQueue) Push(x any) {
	me := x.(*waiter)
	me.place = len(*q)
	*q = append(*q, me)
}

// Pop is heap.Interface's.
func (q *waitQueue) Pop() any {
	last := len(*q) - 1
	me := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	me.place = -1
	return me
}
