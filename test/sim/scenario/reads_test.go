package scenario

import (
	"crypto/rand"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/identity"
	"tinyurl/cluster/member"
	"tinyurl/cluster/transport"
	"tinyurl/test/history"
	"tinyurl/test/sim/wire"
)

// elect makes a node stand for election at once, as an expired timer would, but without the wait. A stranger with the cluster's
// secret asks it to.
func (s *stage) elect(m *machine) {
	s.t.Helper()
	const id = member.ID("prompter-000001")
	host := s.net.Host("prompter")
	authority, err := identity.NewAuthority(identity.Config{ID: id, Secrets: []identity.Secret{s.secret}, Rand: rand.Reader})
	if err != nil {
		s.t.Fatal(err)
	}
	bound, err := host.Listen(clusterPort)
	if err != nil {
		s.t.Fatal(err)
	}
	listener, err := transport.Listen(transport.ListenerConfig{Listener: bound, Authority: authority})
	if err != nil {
		s.t.Fatal(err)
	}
	dialer := &transport.Dialer{Authority: authority, Resolver: directory{m.node.ID(): m.host.Addr(clusterPort)}, DialContext: host.Dialer()}
	stream, err := listener.Stream(0, m.clusterID(), dialer)
	if err != nil {
		s.t.Fatal(err)
	}
	prompter := transport.NewRaft(transport.RaftConfig{Stream: stream})
	request := &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(id), Addr: []byte(id)}}
	err = prompter.TimeoutNow(raft.ServerID(m.node.ID()), raft.ServerAddress(m.node.ID()), request, &raft.TimeoutNowResponse{})
	if err != nil {
		s.t.Fatalf("%s was not moved to stand for election: %v", m.name, err)
	}
	if err := prompter.Close(); err != nil {
		s.t.Error(err)
	}
	if err := listener.Close(); err != nil {
		s.t.Error(err)
	}
	host.Kill()
}

// directory knows where nodes are.
type directory map[member.ID]string

func (d directory) Resolve(id member.ID) (string, error) { return d[id], nil }

// A leader is cut off while its followers' acknowledgements travel. Another is elected and acknowledges a link; then somebody asks
// the old leader for it, and only now the old acknowledgements arrive: they are of messages sent before the question.
func TestAcknowledgementsThatComeLateConfirmNobody(t *testing.T) {
	play(t, 3, nil, func(s *stage) {
		old, others := s.leader()
		next, third := others[0], others[1]
		for _, m := range others {
			s.part(m, old, true)
		}
		time.Sleep(150 * time.Millisecond) // a heartbeat is answered, and the answer held back
		for _, m := range others {
			s.part(old, m, true)
		}
		s.elect(next)
		s.eventually("the next leads", func() bool { return next.status().State == "leader" })
		if outcome := s.create(next, "", "https://example.org/acknowledged"); outcome != history.OK {
			s.t.Fatalf("the create on %s: %s", next.name, outcome)
		}
		if state := old.status().State; state != "leader" {
			s.t.Fatalf("the old leader is %s before it is asked", state)
		}
		s.recorder.Fault("late", "the acknowledgements of "+third.name)
		var asked sync.WaitGroup
		asked.Go(func() { s.readAll(old, history.Get) })
		synctest.Wait()
		s.part(third, old, false)
		asked.Wait()
		s.healAll()
	})
}

// A node far from the leader asks it for an index; while the answer travels a link is acknowledged elsewhere, and somebody asks the
// node for it. The answer on its way is older than the question.
func TestAReadJoinsNoRoundThatBeganBeforeIt(t *testing.T) {
	play(t, 3, nil, func(s *stage) {
		leader, others := s.leader()
		near, far := others[0], others[1]
		s.net.Set(leader.name, far.name, wire.Quality{Latency: 300 * time.Millisecond})
		var asked sync.WaitGroup
		asked.Go(func() { s.read(far, history.Get, "nothing-here") })
		time.Sleep(50 * time.Millisecond)
		if outcome := s.create(near, "", "https://example.org/acknowledged"); outcome != history.OK {
			s.t.Fatalf("the create on %s: %s", near.name, outcome)
		}
		s.readAll(far, history.Get)
		asked.Wait()
		s.healAll()
	})
}

// A link is acknowledged with the help of one follower, who does not hear any more that it is committed, and is elected. Its disk is
// slow: it leads for a while before the first entry of its own is written. Until then it knows nothing of the link.
func TestANewLeaderKnowsNothingBeforeAnEntryOfItsOwn(t *testing.T) {
	play(t, 3, nil, func(s *stage) {
		old, others := s.leader()
		behind, next := others[0], others[1]
		s.part(old, behind, true)
		s.part(behind, old, true)
		if outcome := s.create(old, "", "https://example.org/acknowledged"); outcome != history.OK {
			s.t.Fatalf("the create on %s: %s", old.name, outcome)
		}
		s.separate([]*machine{old}, others)
		next.disk.SetSyncDelay(600 * time.Millisecond)
		s.elect(next)
		s.eventually("the next leads", func() bool { return next.status().State == "leader" })
		for range 20 {
			s.readAll(next, history.Get)
			time.Sleep(20 * time.Millisecond)
		}
		next.disk.SetSyncDelay(0)
		s.healAll()
	})
}
