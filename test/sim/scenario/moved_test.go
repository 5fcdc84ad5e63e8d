package scenario

import (
	"fmt"
	"testing"
	"time"
)

// A follower comes back at another address while it is cut off. The others look for it where it was, so it is for the newcomer to find
// them once it can, and for the leader to notice where the newcomer is. The moments of the healing fall all over the pause between
// two of its tries.
func TestANodeThatMovedWhileItWasCutOffTakesWritesSoon(t *testing.T) {
	for alone := 40 * time.Second; alone < time.Minute; alone += 4 * time.Second {
		t.Run(alone.String(), func(t *testing.T) {
			play(t, 3, nil, func(s *stage) {
				leader, others := s.leader()
				s.create(leader, "", "https://example.org/before")
				s.separate(others[:1], s.without(others[0]))
				time.Sleep(40 * time.Second)
				others[0].move()
				time.Sleep(alone)
				s.healAll()
			})
		})
	}
}

// A machine loses its power, and what ran on it comes back at once at another address. Nobody tells the leader that what it has under
// way to the old address will never be answered.
func TestANodeThatMovedAtOnceTakesWritesSoon(t *testing.T) {
	play(t, 3, nil, func(s *stage) {
		leader, others := s.leader()
		for i := range 5 {
			s.create(leader, "", fmt.Sprintf("https://example.org/before/%d", i))
		}
		others[0].move()
		s.healAll()
	})
}

// move is a power failure, after which the node runs at another address.
func (m *machine) move() {
	m.stage.t.Helper()
	m.crash(m.disk.Kill())
	m.host.Move()
	m.open()
}
