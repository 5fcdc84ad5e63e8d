package scenario

import (
	"fmt"
	"net"
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

// All have moved since they were founded, so the seeds lead nowhere. Two are killed and come back at each other's addresses: the third
// looks for each of them where the other is, and neither is told by anybody where the third is.
func TestNodesThatSwapAddressesFindTheThirdSoon(t *testing.T) {
	for later := time.Duration(0); later < 4*time.Second; later += 500 * time.Millisecond {
		t.Run(later.String(), func(t *testing.T) {
			play(t, 3, nil, func(s *stage) {
				for _, m := range s.machines {
					m.move()
					s.writable(s.machines...)
				}
				time.Sleep(later)
				leader, others := s.leader()
				s.create(leader, "", "https://example.org/before")
				one, two := others[0], others[1]
				for _, m := range others {
					m.crash(m.disk.Kill())
					m.forgetPeers()
				}
				old, its := one.host.Addr(gossipPort), two.host.Addr(gossipPort)
				one.host.Move() // out of the way
				two.moveTo(old)
				one.moveTo(its)
				s.healAll()
			})
		})
	}
}

// moveTo gives the machine of a node that is down the address that a gossip address names, and starts the node there.
func (m *machine) moveTo(addr string) {
	m.stage.t.Helper()
	host, _, err := net.SplitHostPort(addr)
	if err == nil {
		err = m.host.MoveTo(host)
	}
	if err != nil {
		m.stage.t.Fatal(err)
	}
	m.open()
}

// forgetPeers takes away where a node that is down last saw the others, as if it had been killed before it noted that.
func (m *machine) forgetPeers() {
	m.stage.t.Helper()
	if err := m.disk.FS().Remove("/data/peers.json"); err != nil {
		m.stage.t.Fatal(err)
	}
}
