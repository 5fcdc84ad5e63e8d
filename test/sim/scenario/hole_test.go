package scenario

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"tinyurl/cluster"
	"tinyurl/test/history"
)

// A node is away, is given a snapshot by the leader, and then one entry that nobody else is given: the leader is cut off from a
// majority by then. The next leader has kept a long log, and sends the node what the node has, long before the snapshot, and what it
// lacks. It must not take its own entry above the snapshot for a part of that.
func TestWhatStandsAboveASnapshotAndWasNeverCommittedIsForgotten(t *testing.T) {
	shortLog := func(c *cluster.Config) {
		if c.Name == "n1" {
			often(c)
		}
	}
	play(t, 5, shortLog, func(s *stage) {
		first, away, rest := s.machines[0], s.machines[1], s.machines[2:]
		s.makeLead(first)
		s.createMany(first, "before", 40)
		s.eventually("all have it", func() bool { return away.status().AppliedIndex == first.status().AppliedIndex })
		s.separate([]*machine{away}, append([]*machine{first}, rest...))
		s.createMany(first, "away", 60)
		s.snapshotOfAll(first)
		s.part(first, away, false)
		s.part(away, first, false)
		s.eventually("the snapshot is installed", func() bool { return away.status().AppliedIndex == first.status().AppliedIndex })

		s.separate([]*machine{first}, rest)
		last := away.status().LastIndex
		var asked sync.WaitGroup
		asked.Go(func() { s.create(first, "never", "https://example.org/never") })
		s.eventually("the node holds the entry", func() bool { return away.status().LastIndex > last })
		s.separate([]*machine{first}, []*machine{away})
		s.makeLead(rest[0])
		s.create(rest[0], "acknowledged", "https://example.org/acknowledged")
		asked.Wait()

		for _, m := range rest {
			s.part(m, away, false)
			s.part(away, m, false)
		}
		time.Sleep(time.Minute)
		for _, m := range []*machine{away, rest[1]} {
			s.read(m, history.Follow, "never")
			s.readAll(m, history.Follow)
		}
		s.healAll()
	})
}

// makeLead makes a machine the leader.
func (s *stage) makeLead(m *machine) {
	s.t.Helper()
	if m.status().State != "leader" {
		s.elect(m)
	}
	s.eventually(m.name+" leads", func() bool { return m.status().State == "leader" })
}

// createMany makes links one after the other.
func (s *stage) createMany(m *machine, what string, n int) {
	s.t.Helper()
	for i := range n {
		if outcome := s.create(m, "", fmt.Sprintf("https://example.org/%s/%d", what, i)); outcome != history.OK {
			s.t.Fatalf("create %d %s: %s", i, what, outcome)
		}
	}
}

// snapshotOfAll waits until a machine has a snapshot of all there is.
func (s *stage) snapshotOfAll(m *machine) {
	s.t.Helper()
	for round := range 20 {
		time.Sleep(5 * time.Second)
		if st := m.status(); st.SnapshotIndex == st.LastIndex {
			return
		}
		s.createMany(m, fmt.Sprint("more/", round), 20)
	}
	s.t.Fatalf("%s takes no snapshot of all", m.name)
}
