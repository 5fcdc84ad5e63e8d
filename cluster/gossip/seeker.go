package gossip

import (
	"context"
	"sync"
	"time"

	"tinyurl/cluster/member"
)

// seeksAtOnce bounds the connections of the seeker; each may wait for a dead
// machine until StreamTimeout. When all are taken, the next look is left out.
const seeksAtOnce = 8

// seeker looks for nodes that were not met where gossip says they are: a
// process that died and came back elsewhere may be believed alive, at its old
// address, for half a minute, and a node may not have been heard of at all.
// One of the living may know better, and whoever lives at the old address now
// knows at least itself.
type seeker struct {
	table  *table
	now    func() time.Time
	random func() float64
	pause  time.Duration // between two looks
	// join exchanges all that is known with whoever is at an address; it is
	// memberlist's Join.
	join func(addrs []string) (int, error)
	wake chan struct{} // holds a token when somebody is sought

	mu     sync.Mutex
	sought map[member.ID]bool // guarded by mu: since the last look
}

func newSeeker(t *table, now func() time.Time, random func() float64, pause time.Duration, join func([]string) (int, error)) *seeker {
	return &seeker{
		table: t, now: now, random: random, pause: pause, join: join, wake: make(chan struct{}, 1), sought: make(map[member.ID]bool),
	}
}

// seek has a node looked for soon. It does not wait. One that failed long ago
// is left to the joiner: a leader dials a dead voter for ever.
func (s *seeker) seek(id member.ID) {
	if m, known := s.table.member(id); known && m.Status != member.Alive && s.now().Sub(m.Since) > lostRecently {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sought) >= maxMembers {
		return
	}
	s.sought[id] = true
	select {
	case s.wake <- struct{}{}:
	default: // the token of an earlier call is still there
	}
}

// run works until ctx ends.
func (s *seeker) run(ctx context.Context) {
	var visits sync.WaitGroup
	defer visits.Wait()
	places := make(chan struct{}, seeksAtOnce)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		for _, addr := range s.targets() {
			select {
			case places <- struct{}{}:
				visits.Go(func() {
					defer func() { <-places }()
					_, _ = s.join([]string{addr}) // of a dead machine: there is another look
				})
			default:
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.pause):
		}
	}
}

// targets takes those who are sought and returns whom to ask: one of the other
// living, by chance, and who is where one of them is believed to be alive. The
// addresses of failed members are the joiner's to look at.
func (s *seeker) targets() []string {
	s.mu.Lock()
	sought := s.sought
	s.sought = make(map[member.ID]bool)
	s.mu.Unlock()
	var living, believed []string
	for _, m := range s.table.members() {
		switch {
		case m.Status != member.Alive || m.ID == s.table.self.ID:
		case sought[m.ID]:
			believed = append(believed, m.GossipAddr)
		default:
			living = append(living, m.GossipAddr)
		}
	}
	return append(s.one(living), s.one(believed)...)
}

// one picks an address by chance, none of none.
func (s *seeker) one(addrs []string) []string {
	if len(addrs) == 0 {
		return nil
	}
	at := int(s.random() * float64(len(addrs)))
	return addrs[at : at+1]
}
