package scenario

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tinyurl/test/history"
)

// Of five nodes one dies, and another one comes back at its address. Then the leader is left with that one alone, and the dead one
// comes back among the other two: if whoever answers at an address counts as the node that once lived there, both sides have a
// majority of five.
func TestAReusedAddressDoesNotVoteTwice(t *testing.T) {
	play(t, 5, nil, func(s *stage) {
		leader, others := s.leader()
		dead, heir, third := others[0], others[1], others[2]
		s.create(leader, "", "https://example.org/before")
		s.readAll(leader, history.Get)
		address := dead.host.Addr(clusterPort)
		dead.crash(dead.disk.Kill())
		dead.host.Move()
		heir.crash(heir.disk.Kill())
		if err := heir.host.MoveTo(address[:strings.LastIndex(address, ":")]); err != nil {
			s.t.Fatal(err)
		}
		heir.open()
		s.writable(heir)
		time.Sleep(20 * time.Second) // gossip has buried the dead
		side := []*machine{heir}
		if now, _ := s.leader(); now != heir {
			side = append(side, now)
		} else {
			side = append(side, third)
		}
		s.separate(side, s.without(side...))
		dead.open()
		time.Sleep(10 * time.Second)
		var asked sync.WaitGroup
		for _, m := range s.machines {
			asked.Go(func() { s.create(m, "one", "https://example.org/one/"+m.name) })
			asked.Go(func() { s.create(m, "", "https://example.org/generated/"+m.name) })
		}
		asked.Wait()
		s.healAll()
	})
}

// without are the machines but some.
func (s *stage) without(some ...*machine) []*machine {
	return slices.DeleteFunc(slices.Clone(s.machines), func(m *machine) bool { return slices.Contains(some, m) })
}
