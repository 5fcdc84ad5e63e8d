package cluster

import (
	"context"
	"sync"
)

// lifetime is the time in which an owner's background work runs. The zero value is not usable; see newLifetime.
type lifetime struct {
	ctx   context.Context // ends with it
	stop  context.CancelFunc
	tasks sync.WaitGroup
}

func newLifetime() *lifetime {
	l := &lifetime{}
	l.ctx, l.stop = context.WithCancel(context.Background())
	return l
}

// Go runs a task, which must end when ctx does. A task may start others.
func (l *lifetime) Go(task func()) { l.tasks.Go(task) }

// over reports whether end has been called.
func (l *lifetime) over() bool { return l.ctx.Err() != nil }

// end tells the tasks to end and waits for them.
func (l *lifetime) end() {
	l.stop()
	l.tasks.Wait()
}
