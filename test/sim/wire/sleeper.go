package wire

import (
	"sync"
	"time"
)

// sleeper lets goroutines wait, under a lock they share with whoever wakes them, for a change or an instant. Its one timer is
// armed only while somebody waits; what a timer that fires late or early costs is one more look.
type sleeper struct {
	changed sync.Cond
	now     func() time.Duration
	timer   *time.Timer // nil until it was needed
	due     time.Duration
	waiting int
}

// on readies a sleeper; l guards all of it.
func (s *sleeper) on(l sync.Locker, now func() time.Duration) {
	s.changed.L, s.now, s.due = l, now, never
}

// wait returns after a wake, at about the instant given, or sooner: the caller looks again.
func (s *sleeper) wait(until time.Duration) {
	s.arm(until)
	s.waiting++
	s.changed.Wait()
	s.waiting--
}

// arm makes sure that whoever waits looks again at the instant given.
func (s *sleeper) arm(at time.Duration) {
	if at >= s.due {
		return
	}
	s.due = at
	wait := at - s.now()
	if s.timer == nil {
		s.timer = time.AfterFunc(wait, s.fire)
		return
	}
	s.timer.Reset(wait)
}

func (s *sleeper) fire() {
	s.changed.L.Lock()
	defer s.changed.L.Unlock()
	s.due = never
	s.wake()
}

// expect wakes whoever waits at the instant given, which may be now.
func (s *sleeper) expect(at, now time.Duration) {
	switch {
	case s.waiting == 0:
	case at <= now:
		s.wake()
	default:
		s.arm(at)
	}
}

// wake lets all who wait look again.
func (s *sleeper) wake() {
	if s.waiting > 0 {
		s.changed.Broadcast()
	}
}

// rest stops the timer, for one who will not be waited for again.
func (s *sleeper) rest() {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.due = never
	s.wake()
}
