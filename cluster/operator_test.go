package cluster

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/fsm/link"
)

// patiently is the context of an operator's call.
func (v *virtualCluster) patiently() context.Context {
	ctx, cancel := context.WithTimeout(v.t.Context(), time.Minute)
	v.t.Cleanup(cancel)
	return ctx
}

// members are those of the leader's configuration.
func (v *virtualCluster) members() []member.ID { return configuredAt(v.leader()) }

// configuredAt are the members of a node's latest configuration.
func configuredAt(n *virtualNode) (ids []member.ID) {
	for _, s := range n.group.Load().raft.GetConfiguration().Configuration().Servers {
		ids = append(ids, member.ID(s.ID))
	}
	return ids
}

// dead waits until the leader's gossip has given a node up.
func (v *virtualCluster) dead(id member.ID) {
	v.t.Helper()
	v.within(time.Minute, string(id)+" is known to be dead", func() bool {
		m, known := v.leader().plane.gossip.Member(id)
		return !known || m.Status != member.Alive
	})
}

func TestADeadVoterIsRemovedFromAnyNode(t *testing.T) {
	for _, from := range []string{"the leader", "a follower"} {
		t.Run(from, func(t *testing.T) {
			inVirtualTime(t, 3, func(v *virtualCluster) {
				v.founded()
				lost := v.follower()
				id := lost.ID()
				v.stop(lost)
				asked := v.leader()
				if from == "a follower" {
					asked = v.follower()
				}
				if err := asked.Remove(v.patiently(), id); !errors.Is(err, ErrRefused) {
					t.Errorf("a node that gossip still calls alive: %v", err)
				}
				v.dead(id)
				if err := asked.Remove(v.patiently(), id); err != nil {
					t.Fatal(err)
				}
				if slices.Contains(v.members(), id) {
					t.Error("it is a member still")
				}
				if err := asked.Remove(v.patiently(), id); !errors.Is(err, ErrNoMember) {
					t.Errorf("a second time: %v", err)
				}
				v.create(asked, 1)
			})
		})
	}
}

func TestAMemberThatRunsLeavesWhenItIsRemovedAndDoesNotComeBack(t *testing.T) {
	for name, pick := range map[string]func(v *virtualCluster) (asked, goes *virtualNode){
		"a follower, by another": func(v *virtualCluster) (asked, goes *virtualNode) {
			rest := v.others(v.leader())
			return rest[0], rest[1]
		},
		"a follower, by the leader": func(v *virtualCluster) (asked, goes *virtualNode) { return v.leader(), v.follower() },
		"the leader, by a follower": func(v *virtualCluster) (asked, goes *virtualNode) { return v.follower(), v.leader() },
		"the leader, by itself":     func(v *virtualCluster) (asked, goes *virtualNode) { return v.leader(), v.leader() },
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, 3, func(v *virtualCluster) {
				v.founded()
				asked, goes := pick(v)
				if err := asked.Remove(v.patiently(), goes.ID()); err != nil {
					t.Fatal(err)
				}
				<-goes.Left()
				time.Sleep(time.Minute) // it runs on, as a process may that is slow to end
				if slices.Contains(v.members(), goes.ID()) || len(v.members()) != 2 {
					t.Errorf("the members are %v", v.members())
				}
				v.create(v.others(goes)[0], 1)
			})
		})
	}
}

func TestARemovedNodeThatIsStartedAgainJoinsAgain(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		goes := v.follower()
		if err := v.leader().Remove(v.patiently(), goes.ID()); err != nil {
			t.Fatal(err)
		}
		v.stop(goes)
		v.start(goes)
		v.writable(goes)
		v.within(time.Minute, "it votes again", func() bool { return slices.Contains(voters(v.leader().group.Load().raft), goes.ID()) })
	})
}

func TestNobodyIsRemovedWhereNoQuorumWouldBeLeft(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		lost := v.follower()
		id := lost.ID()
		v.stop(lost)
		v.dead(id)
		for _, asked := range v.nodes {
			if asked == lost {
				continue
			}
			for _, goes := range []*virtualNode{v.leader(), v.follower()} {
				if err := asked.Remove(v.patiently(), goes.ID()); !errors.Is(err, ErrRefused) {
					t.Errorf("%s has %s removed: %v", asked.config.Name, goes.config.Name, err)
				}
				v.within(time.Minute, "it takes writes again", func() bool { return goes.ready.check() == nil })
			}
		}
		v.create(v.leader(), 1)
		if err := v.leader().Remove(v.patiently(), id); err != nil {
			t.Errorf("the dead one: %v", err)
		}
	})
	inVirtualTime(t, 1, func(v *virtualCluster) {
		v.founded()
		if err := v.leader().Remove(v.patiently(), v.leader().ID()); !errors.Is(err, ErrRefused) {
			t.Errorf("the last voter: %v", err)
		}
	})
}

// Each of the three could go, and any two of them.
func TestRemovalsAtOnceLeaveAQuorum(t *testing.T) {
	inVirtualTime(t, 5, func(v *virtualCluster) {
		v.founded()
		v.stop(v.follower())
		leader := v.leader()
		members := leader.group.Load().members
		ask := members.ask
		members.ask = func(ctx context.Context, id member.ID) (Stats, error) {
			time.Sleep(100 * time.Millisecond) // all have asked before the first is removed
			return ask(ctx, id)
		}
		var all sync.WaitGroup
		var refused atomic.Int32
		for _, n := range v.others(leader) {
			all.Go(func() {
				if err := members.remove(v.patiently(), n.ID()); errors.Is(err, ErrRefused) {
					refused.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		members.ask = ask
		// Those that were removed run on, and ask to be members again; they have no vote.
		if left := voters(leader.group.Load().raft); refused.Load() != 1 || len(left) != 3 {
			t.Errorf("%d refused, left are %v", refused.Load(), left)
		}
		v.create(leader, 1)
	})
}

func TestOnlyMembersAreRemoved(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		for _, id := range []member.ID{"", "n1", "n1-", "n9-000000", "n1-000000", "../..", member.ID("n1-" + string(make([]byte, 1000)))} {
			if err := v.follower().Remove(v.patiently(), id); !errors.Is(err, ErrNoMember) {
				t.Errorf("%q: %v", id, err)
			}
			if id == "" {
				continue // anybody
			}
			if _, err := v.follower().Transfer(v.patiently(), id); !errors.Is(err, ErrNoMember) {
				t.Errorf("to %q: %v", id, err)
			}
		}
	})
}

func TestAReplicaIsRemovedLikeOthers(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		v.tune = func(c *Config) { c.Replica = true }
		replica := v.add("n4", 0)
		v.writable(replica)
		if _, err := v.leader().Transfer(v.patiently(), replica.ID()); !errors.Is(err, ErrRefused) {
			t.Errorf("leadership for one that does not vote: %v", err)
		}
		if err := replica.Remove(v.patiently(), replica.ID()); err != nil {
			t.Fatal(err)
		}
		<-replica.Left()
	})
}

func TestLeadershipGoesWhereAnOperatorWantsItFromAnyNode(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		for _, asked := range v.nodes {
			for _, to := range v.nodes {
				got, err := asked.Transfer(v.patiently(), to.ID())
				if err != nil || got.ID != to.ID() || v.leader() != to {
					t.Errorf("%s, to %s: %+v, %v", asked.config.Name, to.config.Name, got, err)
				}
			}
		}
		old := v.leader()
		got, err := v.follower().Transfer(v.patiently(), "")
		if err != nil || got.ID == old.ID() || got.ID != v.leader().ID() {
			t.Errorf("to anybody, away from %s: %+v, %v", old.ID(), got, err)
		}
		v.create(old, 1)
	})
}

func TestASecondTransferInATermIsRefused(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		leader, heir := v.leader(), v.follower()
		members := leader.group.Load().members
		members.transferTerm.Store(leader.group.Load().raft.CurrentTerm()) // as while one is under way
		for _, asked := range []*virtualNode{leader, heir} {
			if got, err := asked.Transfer(v.patiently(), heir.ID()); !errors.Is(err, ErrRefused) {
				t.Errorf("%+v, %v", got, err)
			}
		}
		if v.leader() != leader {
			t.Error("it was handed over")
		}
	})
}

func TestLeadershipIsNotHandedToOneThatCannotLead(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		leader, heir := v.leader(), v.follower()
		members := leader.group.Load().members
		ask := members.ask
		v.create(leader, maxTrailing+1) // so many that one can be behind
		for name, change := range map[string]func(*Stats) error{
			"behind":    func(s *Stats) error { s.LastIndex = 0; return nil },
			"full":      func(s *Stats) error { s.DiskFull = true; return nil },
			"candidate": func(s *Stats) error { s.Role = roleCandidate; return nil },
			"silent":    func(*Stats) error { return errors.New("silent") },
		} {
			members.ask = func(ctx context.Context, id member.ID) (Stats, error) {
				s, err := ask(ctx, id)
				if id == heir.ID() && err == nil {
					err = change(&s)
				}
				return s, err
			}
			if got, err := leader.Transfer(v.patiently(), heir.ID()); !errors.Is(err, ErrRefused) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		members.ask = ask
		if _, err := leader.Transfer(v.patiently(), heir.ID()); err != nil {
			t.Errorf("what was refused was no try: %v", err)
		}
	})
}

func TestAutopilotJudgesOnEveryNodeAlike(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		v.within(time.Minute, "all are healthy", func() bool {
			j, err := v.leader().Autopilot(v.patiently())
			return err == nil && j.Healthy
		})
		for _, n := range v.nodes {
			j, err := n.Autopilot(v.patiently())
			if err != nil || !j.Healthy || j.FailureTolerance != 1 || j.Leader != v.leader().ID() || len(j.Servers) != 3 {
				t.Fatalf("%+v, %v", j, err)
			}
			for i, s := range j.Servers {
				if !s.Voter || !s.Healthy || s.StableSince.IsZero() || s.Status != "alive" || s.LastIndex == 0 || s.Name == "" || i > 0 && s.ID <= j.Servers[i-1].ID {
					t.Errorf("%+v", s)
				}
			}
		}
		lost := v.follower()
		id := lost.ID()
		v.stop(lost)
		v.within(time.Minute, "the loss is noticed", func() bool {
			j, err := v.follower().Autopilot(v.patiently())
			return err == nil && !j.Healthy && j.FailureTolerance == 0
		})
		j, err := v.leader().Autopilot(v.patiently())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range j.Servers {
			if s.Healthy == (s.ID == id) {
				t.Errorf("%+v", s)
			}
		}
	})
}

func TestWithoutALeaderOperatorsAreToldSo(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		alone := v.leader()
		rest := v.others(alone)
		lost := rest[0].ID()
		for _, n := range rest {
			v.stop(n)
		}
		time.Sleep(time.Minute)
		began := time.Now()
		err := alone.Remove(v.patiently(), lost)
		_, transfer := alone.Transfer(v.patiently(), "")
		_, judged := alone.Autopilot(v.patiently())
		for _, err := range []error{err, transfer, judged} {
			if !errors.Is(err, link.ErrNoLeader) {
				t.Errorf("%v", err)
			}
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("after %v", took)
		}
	})
}
