package wire

import (
	"net"
	"sync"
	"time"
)

// stream is a connection: two ends and the two directions between them.
type stream struct {
	network *Network
	service int // the listener's port

	mu   sync.Mutex // guards everything of both ends and halves; never held across a wait
	ends [2]end     // the dialler's first
	ways [2]half    // ways[i] is what ends[i] writes
}

// end is one side of a stream, a net.Conn.
type end struct {
	stream        *stream
	index         int
	local, remote *net.TCPAddr
	life          *life // whose it is

	closed bool  // by its owner, or with its life
	failed error // why it broke here; nil while it did not

	blocked time.Duration // since when nothing gets through, one way or the other; never while it does
	stuck   time.Duration // since when something waits to be acknowledged meanwhile; never while nothing does
	giveUp  *time.Timer   // runs while blocked
}

// newStream connects two lives. What the dialler sends arrives at the instant accepted at the earliest.
func newStream(n *Network, from, to *life, local, remote *net.TCPAddr, accepted time.Duration) *stream {
	s := &stream{network: n, service: remote.Port}
	for i := range s.ends {
		s.ends[i] = end{stream: s, index: i, life: from, local: local, remote: remote, blocked: never, stuck: never}
		w := &s.ways[i]
		w.reset, w.readUntil, w.writeUntil = never, never, never
		w.reader.on(&s.mu, n.now)
		w.writer.on(&s.mu, n.now)
	}
	acceptor := &s.ends[1]
	acceptor.life, acceptor.local, acceptor.remote = to, remote, local
	s.ways[0].last = accepted
	return s
}

func (e *end) out() *half { return &e.stream.ways[e.index] }
func (e *end) in() *half  { return &e.stream.ways[1-e.index] }
func (e *end) peer() *end { return &e.stream.ends[1-e.index] }

// gone says that nobody would take bytes that arrive here.
func (e *end) gone(now time.Duration) bool { return e.closed || e.failed != nil || e.in().reset <= now }

// push sends what this end's writer gave, leaving at the instant given, with all its consequences.
func (e *end) push(leaves, now time.Duration) {
	out, n := e.out(), e.stream.network
	switch {
	case out.held() || !out.unsent():
	case e.peer().gone(now):
		out.send(leaves + n.random.delay(&out.quality))
		e.unheard(now)
	case out.torn || n.random.happens(out.quality.Loss):
		if !out.torn {
			n.counters.breaks.Add(1)
		}
		out.torn = true
		out.truncate()
		e.sendReset(leaves, now)
		e.peer().sendReset(leaves, now)
	default:
		out.dispatch(leaves, now, n.random)
	}
	if e.blocked != never && e.stuck == never && (out.unsent() || out.underway()) {
		e.stuck = now
		e.watch(now)
	}
}

// unheard is for bytes on their way to a socket that is gone: the machine there answers with a reset when they arrive.
func (e *end) unheard(now time.Duration) {
	out := e.out()
	arrives := max(now, out.last)
	if e.peer().closed {
		out.drop()
		out.credit()
	} else { // what arrived before can still be read
		out.settle(now)
		out.recall()
		out.truncate()
	}
	if e.in().reset == never {
		e.stream.network.counters.resets.Add(1)
	}
	e.peer().sendReset(arrives, now) // sooner than a probe would be answered
}

// sendReset tells the other end that this one is gone, after all that is under way. A reset is sent once: where nothing gets
// through it is lost.
func (e *end) sendReset(leaves, now time.Duration) {
	out := e.out()
	if out.blocked() || out.reset <= now {
		return
	}
	at := max(out.last, leaves+e.stream.network.random.delay(&out.quality))
	out.reset = min(out.reset, at)
	out.reader.expect(out.reset, now)
	e.in().writer.expect(out.reset, now)
}

// vanish ends this side, as its owner's Close does, or its process's death (abort). What was written before still goes out, then
// the end of the stream, or a reset where the other side's bytes were not all read.
func (e *end) vanish(now time.Duration, abort bool) {
	in, out := e.in(), e.out()
	in.settle(now)
	abort = abort || in.ready() > 0
	e.closed = true
	switch {
	case e.failed != nil || in.reset <= now: // nobody there
	case abort:
		e.stream.network.counters.resets.Add(1)
		e.push(now, now)
		e.sendReset(now, now)
	case out.fin == finNone:
		out.fin = finTaken
		e.push(now, now)
	}
	if !abort && in.underway() && in.taken > in.arrived && !e.peer().gone(now) {
		e.peer().unheard(now)
	}
	if !in.held() {
		in.drop()
		in.credit()
	}
	in.reader.rest()
	out.writer.rest()
	e.watch(now)
}

// die is this end's loss of power: it is gone, and the other side hears nothing but what was on its way.
func (e *end) die(now time.Duration) {
	e.closed, e.failed = true, net.ErrClosed
	e.out().truncate()
	e.stream.change(now, func(w *half) { w.dark = true })
	e.in().drop()
	e.in().reader.rest()
	e.out().writer.rest()
}

// fail breaks this end alone; nothing is told to the other, and what has not arrived there never will.
func (e *end) fail(err error, now time.Duration) {
	e.failed = err
	e.out().settle(now)
	e.out().recall()
	e.out().truncate()
	e.in().reader.wake()
	e.out().writer.wake()
}

// over says that neither end will be used again.
func (s *stream) over() bool { return s.ends[0].closed && s.ends[1].closed }

// rest stops all timers of a stream that is over.
func (s *stream) rest() {
	for i := range s.ends {
		if t := s.ends[i].giveUp; t != nil {
			t.Stop()
		}
		s.ways[i].reader.rest()
		s.ways[i].writer.rest()
	}
}
