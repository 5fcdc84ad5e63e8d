package cluster

import (
	"context"
	"sync"
)

// lifetime is the time in which an owner's background work runs. The zero value is not usable; see newLifetime.
type lifetime struct {
	ctx  context.Context // ends with it
	stop context.CancelFunc

	mu    sync.Mutex // orders Go and end
	tasks sync.WaitGroup
}

func newLifetime() *lifetime {
	l := &lifetime{}
	l.ctx, l.stop = context.WithCancel(context.Background())
	return l
}

// Go runs a task, which must end when ctx does. It reports false, and runs nothing, once the lifetime is over.
func (l *lifetime) Go(task func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over() {
		return false
	}
	l.tasks.Go(task)
	return true
}

// over reports whether end has been called.
func (l *lifetime) over() bool { return l.ctx.Err() != nil }

// end tells the tasks to end and waits for them.
func (l *lifetime) end() {
	l.mu.Lock()
	l.stop()
	l.mu.Unlock()
	l.tasks.Wait()
}
