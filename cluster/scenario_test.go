package cluster

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/fsm/link"
	"tinyurl/test/sim/links"
)

// others are the running nodes but one.
func (v *virtualCluster) others(not *virtualNode) []*virtualNode {
	var rest []*virtualNode
	for _, n := range v.nodes {
		if n != not && n.Node != nil {
			rest = append(rest, n)
		}
	}
	return rest
}

// sees wants every link on every node, by a linearizable read.
func (v *virtualCluster) sees(nodes []*virtualNode, made []link.Link) {
	v.t.Helper()
	for _, n := range nodes {
		for _, l := range made {
			if got, err := links.Get(v.t.Context(), n, l.Code, false); err != nil || got != l {
				v.t.Errorf("%s sees %+v, %v; want %+v", n.config.Name, got, err, l)
			}
		}
	}
}

// agreed waits until all nodes have the very same state.
func (v *virtualCluster) agreed() {
	v.t.Helper()
	v.within(time.Minute, "all nodes have the same state", func() bool {
		states := map[string]bool{}
		for _, n := range v.nodes {
			if n.Node == nil {
				continue
			}
			position, digest := n.group.Load().fsm.Store().CurrentDigest()
			states[fmt.Sprint(position, digest)] = true
		}
		return len(states) == 1
	})
}

func TestALeaderInTheMinorityNeitherWritesNorProvesAnything(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		made := v.create(v.leader(), 2)
		old := v.leader()
		rest := v.others(old)
		v.isolate(old, true)
		if _, err := links.Get(v.t.Context(), old, made[0].Code, false); !errors.Is(err, link.ErrNoLeader) {
			t.Errorf("a linearizable read of the cut-off leader: %v", err)
		}
		if got, err := old.Resolve(v.t.Context(), made[0].Code); err != nil || got != made[0].Route() {
			t.Errorf("its redirect: %+v, %v", got, err)
		}
		results, err := links.Create(v.t.Context(), old, link.Draft{Fields: link.Fields{Target: "https://example.com/nobody-knows"}})
		if err != nil || !errors.Is(results[0].Err, link.ErrNoLeader) {
			t.Errorf("its create: %+v, %v", results, err)
		}
		v.within(20*time.Second, "the others write", func() bool { return rest[0].Writable(v.t.Context()) == nil })
		made = append(made, v.create(rest[0], 3)...)
		if err := links.Delete(v.t.Context(), rest[1], made[0].Code); err != nil {
			t.Fatal(err)
		}
		if got, err := old.Resolve(v.t.Context(), made[0].Code); err != nil || got != made[0].Route() {
			t.Errorf("what it cannot know of: %+v, %v", got, err)
		}
		if age := old.Staleness(); age < time.Second {
			t.Errorf("it thinks it is %v old", age)
		}
		v.isolate(old, false)
		v.writable(old)
		if _, err := links.Get(v.t.Context(), old, made[0].Code, false); !errors.Is(err, link.ErrGone) {
			t.Errorf("a deleted link after the cut healed: %v", err)
		}
		v.sees(v.nodes, made[1:])
		v.agreed()
	})
}

// A leader that hears its followers, and is not heard by them, must go: its heartbeats do not arrive.
func TestALeaderThatIsNotHeardIsReplaced(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		old := v.leader()
		for _, n := range v.others(old) {
			v.network.Cut(old.address, n.address)
		}
		v.within(time.Minute, "another leads", func() bool {
			for _, n := range v.others(old) {
				if _, ready := n.group.Load().leadership.ready(); ready {
					return true
				}
			}
			return false
		})
		made := v.create(v.others(old)[0], 2)
		for _, n := range v.others(old) {
			v.network.Heal(old.address, n.address)
		}
		v.writable(old)
		v.sees(v.nodes, made)
	})
}

// Gossip only finds nodes; a cluster whose gossip is cut goes on with the connections it has.
func TestWithoutGossipTheClusterGoesOn(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		for _, n := range v.nodes {
			n.port.SetCut(true)
		}
		time.Sleep(4 * time.Minute) // memberlist has forgotten them all
		made := v.create(v.follower(), 2)
		for _, n := range v.nodes {
			if got := len(n.Status(v.t.Context()).Members); got != 3 {
				t.Errorf("%s counts %d members", n.config.Name, got)
			}
			n.port.SetCut(false)
		}
		time.Sleep(time.Minute)
		v.sees(v.nodes, made)
		if s := v.leader().Status(v.t.Context()); !s.Healthy {
			t.Errorf("long after gossip came back: %+v", s)
		}
	})
}

func TestARollingRestartLosesNothingAndNobodyIsWithoutALeaderForLong(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		var made []link.Link
		for _, n := range v.nodes {
			made = append(made, v.create(n, 2)...)
			ctx, cancel := context.WithTimeout(v.t.Context(), 5*time.Second)
			if err := n.Close(ctx); err != nil { // leadership is handed over
				t.Fatal(err)
			}
			cancel()
			n.Node = nil
			began := time.Now()
			made = append(made, v.create(v.others(n)[0], 1)...)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("without %s a create took %v", n.config.Name, took)
			}
			v.start(n)
			v.writable(n)
		}
		v.sees(v.nodes, made)
		v.agreed()
	})
}

func TestAClusterGrowsToFiveVotersAndKeepsTheSixthInReserve(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		made := v.create(v.leader(), 3)
		for i := range 3 {
			v.writable(v.add(fmt.Sprintf("n%d", i+4), 0))
		}
		voters := func() (n int) {
			for _, m := range v.leader().Status(v.t.Context()).Members {
				if m.Voter {
					n++
				}
			}
			return n
		}
		v.within(5*time.Minute, "five vote", func() bool { return voters() == maxVoters })
		time.Sleep(time.Minute)
		if got := voters(); got != maxVoters {
			t.Errorf("%d vote", got)
		}
		for range 2 { // two of five may be lost
			v.kill(v.follower())
		}
		made = append(made, v.create(v.leader(), 1)...)
		for _, n := range v.nodes {
			if n.Node == nil {
				v.start(n)
			}
		}
		for _, n := range v.nodes {
			v.writable(n)
		}
		v.sees(v.nodes, made)
		if s := v.leader().Status(v.t.Context()); s.FailureTolerance != 2 {
			t.Errorf("tolerance %d of five voters", s.FailureTolerance)
		}
	})
}

func TestNobodyLeavesWhereNoQuorumWouldBeLeft(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		leaver := v.follower()
		lost := v.others(leaver)[0]
		if lost == v.leader() {
			lost = v.others(leaver)[1]
		}
		v.stop(lost)
		if err := leaver.Leave(v.t.Context()); !errors.Is(err, ErrRefused) {
			t.Fatalf("one of two living voters of three left: %v", err)
		}
		v.writable(leaver)
		v.create(leaver, 1) // it takes writes again
		v.start(lost)
		v.writable(lost)
		if err := leaver.Leave(v.t.Context()); err != nil {
			t.Fatal(err)
		}
		<-leaver.Left()
		v.stop(leaver)
		v.within(10*time.Second, "it is no member any more, nor looked for", func() bool {
			for _, m := range v.leader().Status(v.t.Context()).Members {
				if m.Name == leaver.config.Name && m.Status != member.Left {
					return false
				}
			}
			return true
		})
		v.create(lost, 1)
	})
}

// A node that was away is a member of the same cluster at its next start, whatever became of addresses.
func TestAllNodesMayComeBackAtOtherAddresses(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		made := v.create(v.leader(), 2)
		v.agreed()
		for _, n := range v.nodes {
			v.stop(n)
		}
		for i, n := range v.nodes { // every address is another node's now
			n.address = fmt.Sprintf("10.0.0.%d:7000", (i+1)%3+1)
			n.config.Network.Advertise, n.config.Network.Dial = n.address, v.network.Dialer(n.address)
			v.start(n)
		}
		v.founded()
		v.sees(v.nodes, made)
		v.create(v.follower(), 2)
		v.agreed()
	})
}

func TestLeadershipIsHandedOverOnceInATerm(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		leader := v.leader()
		members := leader.group.Load().members
		members.transferTerm.Store(leader.group.Load().raft.CurrentTerm())
		if err := members.transfer(v.t.Context()); !errors.Is(err, ErrRefused) {
			t.Errorf("a second transfer in one term: %v", err)
		}
		members.transferTerm.Store(0)
		if err := members.transfer(v.t.Context()); err != nil {
			t.Fatal(err)
		}
		v.within(10*time.Second, "another leads", func() bool { return v.leader() != leader })
		if err := members.transfer(v.t.Context()); err != nil {
			t.Errorf("a follower has nothing to hand over, and failed: %v", err)
		}
	})
}

func TestTheHeirHasCaughtUpAnswersAndHasDiskSpace(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		leader := v.leader()
		members := leader.group.Load().members
		ask, others := members.ask, v.others(leader)
		said := map[member.ID]func(*Stats) error{}
		members.ask = func(ctx context.Context, id member.ID) (Stats, error) {
			s, err := ask(ctx, id)
			if change := said[id]; change != nil && err == nil {
				err = change(&s)
			}
			return s, err
		}
		one, two := others[0].ID(), others[1].ID()
		for name, c := range map[string]struct {
			one, two func(*Stats) error
			want     member.ID
		}{
			"the longer log": {nil, func(s *Stats) error { s.LastIndex += 7; return nil }, two},
			"a full disk":    {func(s *Stats) error { s.LastIndex, s.DiskFull = s.LastIndex+7, true; return nil }, nil, two},
			"silent":         {nil, func(*Stats) error { return errors.New("silent") }, one},
			"a candidate":    {func(s *Stats) error { s.LastIndex = 0; return nil }, func(s *Stats) error { s.Role = roleCandidate; return nil }, one},
		} {
			said = map[member.ID]func(*Stats) error{one: c.one, two: c.two}
			if got, err := members.heir(v.t.Context()); err != nil || got != c.want {
				t.Errorf("%s: %s, %v; want %s", name, got, err, c.want)
			}
		}
		nobody := func(*Stats) error { return errors.New("silent") }
		said = map[member.ID]func(*Stats) error{one: nobody, two: nobody}
		if got, err := members.heir(v.t.Context()); !errors.Is(err, ErrRefused) {
			t.Errorf("with nobody there %q is the heir, %v", got, err)
		}
	})
}
