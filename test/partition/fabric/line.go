package fabric

import (
	"container/heap"
	"sync"
	"time"
)

// line is where frames wait for their time, of all directions together.
type line struct {
	wake chan struct{} // there is a new first
	quit chan struct{}
	over chan struct{}

	mu     sync.Mutex
	frames queue
	number uint64
	err    error // the first that a frame could not be sent for
}

// held is a frame in the line.
type held struct {
	due    time.Time
	number uint64 // in the order of coming, for those due at one time
	to     *direction
	header header
	frame  []byte
}

// newLine makes a line and starts its goroutine.
func newLine() *line {
	l := &line{wake: make(chan struct{}, 1), quit: make(chan struct{}), over: make(chan struct{})}
	go l.run()
	return l
}

// close ends the goroutine. Frames still in the line are lost.
func (l *line) close() error {
	close(l.quit)
	<-l.over
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// fail keeps the first error.
func (l *line) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
}

func (l *line) add(f *held) {
	l.mu.Lock()
	f.number = l.number
	l.number++
	heap.Push(&l.frames, f)
	first := l.frames[0] == f
	l.mu.Unlock()
	if !first {
		return
	}
	select {
	case l.wake <- struct{}{}:
	default: // it is on its way to look
	}
}

func (l *line) run() {
	defer close(l.over)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(l.releaseDue())
		select {
		case <-timer.C:
		case <-l.wake:
		case <-l.quit:
			return
		}
	}
}

// releaseDue sends all whose time has come and returns how long the next has to wait.
func (l *line) releaseDue() time.Duration {
	for {
		f, wait := l.next()
		if f == nil {
			return wait
		}
		f.to.release(f)
	}
}

// next takes the first frame out if its time has come, and tells otherwise how long that is.
func (l *line) next() (*held, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.frames) == 0 {
		return nil, time.Hour
	}
	if wait := time.Until(l.frames[0].due); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&l.frames).(*held), 0
}

// queue is a heap by time, then by order of coming.
type queue []*held

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	if q[i].due.Equal(q[j].due) {
		return q[i].number < q[j].number
	}
	return q[i].due.Before(q[j].due)
}

func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *queue) Push(x any) { *q = append(*q, x.(*held)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	f := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return f
}
