package cluster

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/member"
)

// twins adds a node that has the name of one that follows, makes all vote, and returns the two.
func (v *virtualCluster) twins() (one, other *virtualNode) {
	v.t.Helper()
	one = v.follower()
	other = v.add(one.config.Name, 0)
	v.writable(other)
	v.within(5*time.Minute, "all vote", func() bool { return len(voters(v.leader().group.Load().raft)) == len(v.nodes) })
	return one, other
}

// A name is the host's where none is given: two nodes that live may share one, and one of them may be out of reach for a moment.
func TestANodeThatLeavesTakesNobodyAlongWhomGossipCallsAlive(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		v.add("n9", 0)
		goes, twin := v.twins()
		v.isolate(twin, true)
		if err := goes.Leave(v.patiently()); err != nil {
			t.Error(err)
		}
		if left := voters(v.leader().group.Load().raft); len(left) != 4 || !slices.Contains(left, twin.ID()) {
			t.Errorf("the voters left are %v", left)
		}
		v.isolate(twin, false)
		v.writable(twin)
	})
}

// Gossip may call one dead that is only cut off. With it gone too, one voter of three would be left, so it is not taken for nothing.
func TestANodeDoesNotLeaveWhereTheOthersCouldNotDecideWithItsDeadNamesake(t *testing.T) {
	inVirtualTime(t, 2, func(v *virtualCluster) {
		v.founded()
		goes, twin := v.twins()
		v.isolate(twin, true)
		v.dead(twin.ID())
		if err := goes.Leave(v.patiently()); !errors.Is(err, ErrRefused) {
			t.Errorf("err = %v", err)
		}
		if left := voters(v.leader().group.Load().raft); len(left) != 3 {
			t.Errorf("the voters left are %v", left)
		}
		v.isolate(twin, false)
		v.writable(twin)
		if err := goes.Leave(v.patiently()); err != nil {
			t.Error(err)
		}
		if left := voters(v.leader().group.Load().raft); len(left) != 2 || !slices.Contains(left, twin.ID()) {
			t.Errorf("the voters left are %v", left)
		}
	})
}

func TestANodeThatLeavesTakesItsDeadNamesakesAlong(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		goes, twin := v.twins()
		v.stop(twin)
		v.dead(twinOf(v, goes))
		if err := goes.Leave(v.patiently()); err != nil {
			t.Error(err)
		}
		if left := v.members(); len(left) != 2 {
			t.Errorf("the members left are %v", left)
		}
	})
}

// twinOf is the other member of a node's name.
func twinOf(v *virtualCluster, n *virtualNode) member.ID {
	v.t.Helper()
	for _, id := range v.members() {
		if id != n.ID() && id.Name() == n.ID().Name() {
			return id
		}
	}
	v.t.Fatal("it has none")
	return ""
}

// cutOffWhileRemoving lets the leader put the removal of id into its log when nobody but friends hears it any more. The answer comes on
// the channel; who else asks is behind the removal, as it would be.
func (v *virtualCluster) cutOffWhileRemoving(leader *virtualNode, id member.ID, friends ...*virtualNode) <-chan error {
	v.t.Helper()
	for _, n := range v.nodes {
		if n != leader && !slices.Contains(friends, n) {
			v.network.Part(leader.address, n.address)
		}
	}
	answer := make(chan error, 1)
	m := leader.group.Load().members
	m.removing <- struct{}{}
	go func() {
		err := changeOutcome(m.raft.RemoveServer(raft.ServerID(id), 0, membershipTimeout).Error())
		<-m.removing
		answer <- err
	}()
	v.within(time.Second, "the removal is in the leader's log", func() bool { return !slices.Contains(configuredAt(leader), id) })
	if _, ready := m.leadership.ready(); !ready {
		v.t.Fatal("it does not lead any more")
	}
	return answer
}

// heal lets all hear all.
func (v *virtualCluster) heal() {
	for _, n := range v.nodes {
		for _, o := range v.nodes {
			if n != o {
				v.network.Join(n.address, o.address)
			}
		}
	}
}

func TestARemovalThatIsNotCommittedIsNotToldAsDone(t *testing.T) {
	for name, ask := range map[string]func(context.Context, *membership, member.ID) error{
		"to an operator": func(ctx context.Context, m *membership, id member.ID) error {
			_, err := m.expel(ctx, id)
			return err
		},
		"to a member that leaves": func(ctx context.Context, m *membership, id member.ID) error { return m.remove(ctx, id) },
		"to an operator who wants it to lead": func(ctx context.Context, m *membership, id member.ID) error {
			_, err := m.handOver(ctx, id)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, 5, func(v *virtualCluster) {
				v.founded()
				lost, leader := v.follower(), v.leader()
				id := lost.ID()
				v.stop(lost)
				v.dead(id)
				first := v.cutOffWhileRemoving(leader, id)
				if err := ask(v.patiently(), leader.group.Load().members, id); !errors.Is(err, ErrNotLeader) {
					t.Errorf("a second one is told %v", err)
				}
				if err := <-first; !errors.Is(err, ErrUnknownOutcome) {
					t.Errorf("the first one is told %v", err)
				}
				v.within(time.Minute, "another leads", func() bool { return v.leader() != leader })
				if !slices.Contains(v.members(), id) {
					t.Error("it was removed")
				}
				v.heal()
				if err := leader.Remove(v.patiently(), id); err != nil || slices.Contains(v.members(), id) {
					t.Errorf("in the end: %v, the members are %v", err, v.members())
				}
			})
		})
	}
}

// One that hears no leader asks whoever says that it leads.
func TestANodeDoesNotBelieveThatItHasLeftBeforeThatIsCommitted(t *testing.T) {
	inVirtualTime(t, 5, func(v *virtualCluster) {
		v.founded()
		goes, leader := v.follower(), v.leader()
		first := v.cutOffWhileRemoving(leader, goes.ID(), goes)
		ctx, cancel := context.WithTimeout(v.patiently(), 10*time.Second)
		defer cancel()
		if got := goes.findLeader(ctx, goes.group.Load()); got != leader.ID() {
			t.Fatalf("it finds %q", got)
		}
		if err := goes.plane.calls().remove(ctx, leader.ID(), goes.ID()); err == nil {
			t.Error("it believes that it has left")
		}
		if err := <-first; !errors.Is(err, ErrUnknownOutcome) {
			t.Errorf("the first one is told %v", err)
		}
		v.within(time.Minute, "another leads", func() bool { return v.leader() != leader })
		if !slices.Contains(v.members(), goes.ID()) {
			t.Error("it was removed")
		}
		v.heal()
		if err := goes.Leave(v.patiently()); err != nil || slices.Contains(v.members(), goes.ID()) {
			t.Errorf("in the end: %v, the members are %v", err, v.members())
		}
	})
}

// In a term that is over a change may have had no outcome; in this one that says nothing.
func TestAnErrorOfAnEarlierTermDoesNotHideWhoIsAbsent(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		leader := v.leader()
		first := v.cutOffWhileRemoving(leader, v.follower().ID())
		if err := <-first; err == nil {
			t.Fatal("it was removed")
		}
		v.heal()
		v.within(time.Minute, "it hears a leader", func() bool { at, _ := leader.group.Load().leader.current(); return at != "" })
		v.within(time.Minute, "it leads again", func() bool {
			_, err := v.leader().Transfer(v.patiently(), leader.ID())
			return err == nil
		})
		if err := leader.Remove(v.patiently(), "n9-000000"); !errors.Is(err, ErrNoMember) {
			t.Errorf("err = %v", err)
		}
	})
}
