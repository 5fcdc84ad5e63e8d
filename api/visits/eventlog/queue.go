package eventlog

import "sync"

// queue holds lines until they are written. It is safe for use by several goroutines.
type queue struct {
	limit   int           // of bytes; immutable
	longest int           // line that may be queued, in bytes; immutable
	wake    chan struct{} // immutable; holds something where there may be something to do

	mu     sync.Mutex
	lines  []byte // owned by mu: limit bytes at most, also as room
	reopen bool   // owned by mu
	closed bool   // owned by mu
}

// work is what a queue gives to do.
type work struct {
	lines  []byte // whole lines
	reopen bool   // before the lines are written
	closed bool   // nothing comes after these lines
}

// newQueue makes a queue of so many bytes, for lines that are not longer than longest.
func newQueue(limit, longest int) *queue {
	return &queue{limit: limit, longest: min(limit, longest), wake: make(chan struct{}, 1)}
}

// put adds a line with its end, if there is room for it. Somebody must call then.
func (q *queue) put(line []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	wanted := len(q.lines) + len(line)
	if len(line) > q.longest || wanted > q.limit || q.closed {
		return false
	}
	if wanted > cap(q.lines) {
		q.lines = append(make([]byte, 0, min(max(2*wanted, leastRoom), q.limit)), q.lines...)
	}
	q.lines = append(q.lines, line...)
	return true
}

// Room for lines, in bytes: what is made at first, and the most that is kept for what comes next. More is only needed when the disk
// has been slow.
const (
	leastRoom = 16 << 10
	keptRoom  = 1 << 20
)

// take takes out all there is to do. spare is room for what comes next, which nobody uses any more.
func (q *queue) take(spare []byte) work {
	if cap(spare) > keptRoom {
		spare = nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := work{lines: q.lines, reopen: q.reopen, closed: q.closed}
	q.lines, q.reopen = spare[:0], false
	return now
}

// askReopen asks for the file to be opened again.
func (q *queue) askReopen() {
	q.mu.Lock()
	q.reopen = true
	q.mu.Unlock()
	q.call()
}

// close lets nothing more in.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.call()
}

// call wakes who writes.
func (q *queue) call() {
	select {
	case q.wake <- struct{}{}:
	default: // it is called already
	}
}
