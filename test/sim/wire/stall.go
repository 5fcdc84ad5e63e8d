package wire

import (
	"syscall"
	"time"
)

// probeEvery is how often a machine asks whether the other side of an idle stream is still there.
const probeEvery = 15 * time.Second

// change alters both directions and brings everything in line with it: what no longer gets through is held, what was held and
// may go is sent.
func (s *stream) change(now time.Duration, alter func(*half)) {
	for i := range s.ways {
		s.ways[i].settle(now)
		alter(&s.ways[i])
	}
	for i := range s.ends {
		s.ends[i].adjust(now)
	}
}

// adjust is for an end whose directions changed.
func (e *end) adjust(now time.Duration) {
	in, out := e.in(), e.out()
	if out.quality.Cut || out.dark && !e.closed { // what left a machine before it died arrives
		if e.stuck == never && out.underway() {
			e.stuck = now
		}
		out.recall()
		if out.reset > now {
			out.reset = never
		}
	}
	if !out.held() {
		leaves := now
		if e.stuck != never {
			leaves = nextRetry(e.stuck, now)
		}
		e.push(leaves, now)
	}
	if !out.blocked() {
		in.credit() // acknowledgements get back again
	}
	switch blocked := out.blocked() || in.blocked(); {
	case !blocked:
		if e.blocked != never && !e.closed && e.peer().gone(now) && in.reset == never {
			e.peer().sendReset(now+e.stream.network.random.below(probeEvery), now) // answers a probe of the kernel
		}
		e.blocked, e.stuck = never, never
	case e.blocked == never:
		e.blocked = now
		if out.unsent() || out.underway() {
			e.stuck = now
		}
	}
	if !in.stiff {
		in.reader.wake()
	}
	e.watch(now)
}

// patienceEnds is when this end gives up.
func (e *end) patienceEnds() time.Duration {
	p := e.stream.network.patience
	switch {
	case e.failed != nil, e.blocked == never:
		return never
	case e.closed: // there is only the machine left, and it has something to send or has nothing to wait for
		return after(e.stuck, p.Unacknowledged)
	}
	return min(after(e.stuck, p.Unacknowledged), after(e.blocked, p.KeepAlive))
}

// watch sets the timer of the end's patience.
func (e *end) watch(now time.Duration) {
	due := e.patienceEnds()
	switch {
	case due == never:
		if e.giveUp != nil {
			e.giveUp.Stop()
		}
	case e.giveUp == nil:
		e.giveUp = time.AfterFunc(due-now, e.despair)
	default:
		e.giveUp.Reset(due - now)
	}
}

// despair is what an end does when its patience is at an end.
func (e *end) despair() {
	s := e.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.network.now()
	if e.patienceEnds() > now || s.over() { // something changed while this waited for the lock
		return
	}
	s.network.counters.timeouts.Add(1)
	e.fail(syscall.ETIMEDOUT, now)
}
