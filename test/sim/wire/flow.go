package wire

import "time"

// flow is the bytes of one direction, in order, from the writer's hand into the reader's: taken, then sent, then arrived, then
// read. Offsets count from the stream's beginning.
type flow struct {
	bytes []byte // what is not read yet, from head on
	head  int
	marks []mark // what is under way, the next to arrive first
	first int    // in marks

	taken, sent, arrived, read int64
	fin                        fin
	last                       time.Duration // the latest arrival of all that was sent
}

// mark is something under way: all up to an offset, and perhaps the end, arrives at an instant.
type mark struct {
	end int64
	at  time.Duration
	fin bool
}

// fin is how far the end of a stream has come.
type fin int

const (
	finNone fin = iota
	finTaken
	finSent
	finArrived
)

// take accepts bytes of a writer.
func (f *flow) take(b []byte) {
	if f.head > 0 && len(f.bytes)+len(b) > cap(f.bytes) { // make room before growing
		f.bytes = f.bytes[:copy(f.bytes, f.bytes[f.head:])]
		f.head = 0
	}
	f.bytes = append(f.bytes, b...)
	f.taken += int64(len(b))
}

// unsent says whether anything waits to be sent.
func (f *flow) unsent() bool { return f.taken > f.sent || f.fin == finTaken }

// underway says whether anything was sent that has not arrived.
func (f *flow) underway() bool { return len(f.marks) > f.first }

// send puts all that was taken on its way, to arrive at the instant given, but not before what was sent earlier. It returns
// when it does.
func (f *flow) send(at time.Duration) time.Duration {
	f.last = max(f.last, at)
	if f.fin == finTaken {
		f.fin = finSent
	}
	f.sent = f.taken
	f.marks = append(f.marks, mark{f.taken, f.last, f.fin == finSent})
	return f.last
}

// settle notes what has arrived by now.
func (f *flow) settle(now time.Duration) {
	for f.underway() && f.marks[f.first].at <= now {
		m := f.marks[f.first]
		f.first++
		f.arrived = m.end
		if m.fin {
			f.fin = finArrived
		}
	}
	if !f.underway() {
		f.marks, f.first = f.marks[:0], 0
	}
}

// recall takes back what is under way: it was lost and must be sent again.
func (f *flow) recall() {
	f.marks, f.first = f.marks[:0], 0
	f.sent = f.arrived
	if f.fin == finSent {
		f.fin = finTaken
	}
}

// next is when more arrives; never if nothing is under way.
func (f *flow) next() time.Duration {
	if !f.underway() {
		return never
	}
	return f.marks[f.first].at
}

// ready is how many bytes can be read.
func (f *flow) ready() int { return int(f.arrived - f.read) }

// spareBytes is how much memory an empty flow keeps.
const spareBytes = 64 << 10

// readInto moves bytes that have arrived.
func (f *flow) readInto(b []byte) int {
	n := copy(b, f.bytes[f.head:f.head+f.ready()])
	f.head += n
	f.read += int64(n)
	if f.head == len(f.bytes) {
		f.head = 0
		f.bytes = f.bytes[:0]
		if cap(f.bytes) > spareBytes {
			f.bytes = nil
		}
	}
	return n
}

// drop forgets every byte that was not read: nobody will.
func (f *flow) drop() {
	f.bytes, f.head = nil, 0
	f.marks, f.first = nil, 0
	f.sent, f.arrived, f.read = f.taken, f.taken, f.taken
}

// truncate forgets what was taken and not sent.
func (f *flow) truncate() {
	f.bytes = f.bytes[:f.head+int(f.sent-f.read)]
	f.taken = f.sent
	if f.fin == finTaken {
		f.fin = finNone
	}
}
