package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/fsm/link"
	"tinyurl/test/bubble"
	"tinyurl/test/sim/links"
)

func TestAClusterThatIsClosedLeavesNothingRunning(t *testing.T) {
	inVirtualTime(t, 0, func(v *virtualCluster) {
		if raceDetector { // what costs most are heartbeats and gossip, and they are none of what is idle
			v.tune = func(c *Config) {
				c.Tuning.Heartbeat, c.Tuning.Gossip.ProbeInterval, c.Tuning.Gossip.GossipInterval = 5*time.Second, 5*time.Second, 2*time.Second
			}
		}
		for _, name := range []string{"n1", "n2", "n3"} {
			v.add(name, 3)
		}
		v.founded()
		v.create(v.leader(), 5)
		v.create(v.follower(), 5)
		lost := v.follower()
		v.kill(lost)
		v.create(v.leader(), 5)
		v.start(lost)
		v.writable(lost)
		time.Sleep(12 * time.Minute) // idle connections are closed meanwhile
		v.create(lost, 1)
	})
}

func TestNodesClosedUnderLoadLeaveNothingRunning(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		stop := v.load()
		time.Sleep(time.Second)
		v.stop(v.leader()) // while its clients, and those of the others, go on
		time.Sleep(time.Second)
		v.closeAll()
		stop()
	})
}

func TestNodesThatFailUnderLoadLeaveNothingRunning(t *testing.T) {
	for name, failing := range map[string]func(*virtualCluster) *virtualNode{
		"the leader": (*virtualCluster).leader, "a follower": (*virtualCluster).follower,
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, 3, func(v *virtualCluster) {
				v.founded()
				made := v.create(v.leader(), 1)[0]
				time.Sleep(time.Second)
				failed := failing(v)
				stop := v.load()
				time.Sleep(200 * time.Millisecond)
				failed.log.setFailing(errors.New("input/output error"))
				time.Sleep(2 * time.Second)
				select {
				case <-failed.fatal:
				default:
					t.Fatal("a log that cannot be written is no reason to stop")
				}
				if got, err := failed.Resolve(v.t.Context(), made.Code); err != nil || got.Target != made.Target {
					t.Errorf("a redirect of the failed node: %+v, %v", got, err)
				}
				stop()
				v.stop(failed)
				for _, n := range v.nodes {
					if n != failed {
						v.writable(n) // whoever failed, two of three go on
					}
				}
			})
		})
	}
}

// A node that has failed must not keep the others waiting for its answers until their time-outs.
func TestAFailedNodeRefusesRaftsCallsAtOnce(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		failed := v.follower()
		failed.fail(errors.New("a test"))
		synctest.Wait()
		leader := v.leader()
		start := time.Now()
		id := failed.ID()
		err := leader.group.Load().trans.RequestVote(raft.ServerID(id), raft.ServerAddress(id), &raft.RequestVoteRequest{}, &raft.RequestVoteResponse{})
		if took := time.Since(start); err == nil || took > time.Second {
			t.Errorf("a vote asked of a failed node: %v after %v", err, took)
		}
		v.create(leader, 3)
	})
}

func TestANodeClosedWhileItFoundsLeavesNothingRunning(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, 50 * time.Millisecond, 300 * time.Millisecond, time.Second, 3 * time.Second} {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			inVirtualTime(t, 3, func(*virtualCluster) { time.Sleep(after) })
		})
	}
	t.Run("one of them, then all again", func(t *testing.T) {
		inVirtualTime(t, 3, func(v *virtualCluster) {
			time.Sleep(100 * time.Millisecond)
			v.stop(v.nodes[1])
			time.Sleep(20 * time.Second)
			v.start(v.nodes[1])
			v.founded()
		})
	})
}

func TestNodesClosedWhileTheNetworkIsCutLeaveNothingRunning(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		stop := v.load()
		time.Sleep(time.Second)
		for _, n := range v.nodes {
			v.isolate(n, true)
		}
		time.Sleep(700 * time.Millisecond) // the leader does not know yet that it is alone
		start := time.Now()
		v.closeAll()
		stop()
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("three nodes that are cut off closed in %v", took)
		}
	})
}

// Halves of a message stand in every buffer when the cut comes; a minute later everybody has given up on everybody.
func TestNodesClosedLongAfterACutLeaveNothingRunning(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		stop := v.load()
		time.Sleep(time.Second)
		v.isolate(v.leader(), true)
		busy := time.Minute
		if raceDetector {
			busy = 10 * time.Second // twice as long as a write waits
		}
		time.Sleep(busy)
		stop()
		time.Sleep(time.Minute - busy)
	})
}

func TestANodeClosedWhileASnapshotIsInstalledLeavesNothingRunning(t *testing.T) {
	tune := func(c *Config) {
		c.Tuning.SnapshotThreshold, c.Tuning.TrailingLogs, c.Tuning.SnapshotInterval = 20, 5, 100*time.Millisecond
	}
	for _, after := range []time.Duration{0, 20 * time.Millisecond, 200 * time.Millisecond, time.Second} {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			inVirtualTime(t, 0, func(v *virtualCluster) {
				v.tune = tune
				for i := range 3 {
					v.add(fmt.Sprintf("n%d", i+1), 3)
				}
				v.founded()
				away := v.follower()
				v.stop(away)
				v.create(v.leader(), 60)
				time.Sleep(time.Second)
				if first, _ := v.leader().log.FirstIndex(); first < 40 {
					t.Fatalf("the log still begins at %d: no snapshot is needed", first)
				}
				v.start(away)
				time.Sleep(after)
				v.stop(away)
				v.start(away)
				v.writable(away)
			})
		})
	}
}

func TestANodeWithAHangingDiskClosesWhenTheDiskGoesOn(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		stop := v.load()
		time.Sleep(time.Second)
		hung := v.leader()
		release := hung.log.hang()
		time.Sleep(20 * time.Second)
		closed := make(chan struct{})
		go func() {
			v.stop(hung)
			close(closed)
		}()
		time.Sleep(10 * time.Second)
		release()
		<-closed
		stop()
	})
}

// A failure may come before there is a group that could be shut down.
func TestAFailureBeforeTheGroupRunsStopsItToo(t *testing.T) {
	inVirtualTime(t, 1, func(v *virtualCluster) {
		n := v.nodes[0]
		n.fail(errors.New("a test"))
		v.within(20*time.Second, "the group is there", func() bool { return n.group.Load() != nil })
		time.Sleep(time.Second)
		// Not raft's State: an election that ends while raft is stopped leaves "Leader" there, though nothing runs.
		if err := n.group.Load().raft.Barrier(time.Minute).Error(); !errors.Is(err, raft.ErrRaftShutdown) {
			t.Errorf("raft answers %v on a node that must not go on, want %v", err, raft.ErrRaftShutdown)
		}
	})
}

// silentFSM holds every entry until it is released.
type silentFSM struct {
	raft.MockFSM
	released chan struct{}
	applying chan struct{}
}

func (f *silentFSM) Apply(*raft.Log) any {
	select {
	case f.applying <- struct{}{}:
	default:
	}
	<-f.released
	return nil
}

// Raft answers nothing that stands between its main loop and its state machine when it shuts down.
func TestEveryFutureIsAnsweredWhenRaftShutsDown(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, trans := raft.NewInmemTransport("n")
		conf := raft.DefaultConfig()
		conf.LocalID = "n"
		conf.Logger = newHCLogger(slog.New(slog.DiscardHandler), "raft")
		logs := raft.NewInmemStore()
		servers := raft.Configuration{Servers: []raft.Server{{ID: "n", Address: "n"}}}
		if err := raft.BootstrapCluster(conf, logs, logs, raft.NewInmemSnapshotStore(), trans, servers); err != nil {
			t.Fatal(err)
		}
		machine := &silentFSM{released: make(chan struct{}), applying: make(chan struct{}, 1)}
		inner, err := raft.NewRaft(conf, machine, logs, logs, raft.NewInmemSnapshotStore(), trans)
		if err != nil {
			t.Fatal(err)
		}
		r := newAnsweringRaft(inner)
		for r.State() != raft.Leader {
			time.Sleep(time.Second)
		}
		var futures []raft.Future
		for range 16 { // one is applied, the others wait in raft's channel, and some of them it will never look at
			futures = append(futures, r.Apply([]byte("x"), time.Second), r.AddNonvoter("m", "m", 0, time.Second),
				r.RemoveServer("m", 0, time.Second))
			time.Sleep(time.Millisecond)
		}
		<-machine.applying
		down := r.Shutdown()
		close(machine.released)
		for i, f := range futures {
			if err := f.Error(); err != nil && !errors.Is(err, raft.ErrRaftShutdown) && !errors.Is(err, raft.ErrLeadershipLost) {
				t.Errorf("future %d: %v", i, err)
			}
		}
		if err := errors.Join(down.Error(), r.Shutdown().Error()); err != nil {
			t.Error(err)
		}
		// A transfer is taken, or refused, by chance; one that is taken stands in a channel that nobody reads.
		for range 20 {
			if err := r.LeadershipTransferToServer("m", "m").Error(); err == nil {
				t.Error("leadership was handed over by a raft that is down")
			}
		}
	})
}

func TestARaftWhoseFuturesCannotBeEndedIsNoticed(t *testing.T) {
	type changed struct{ raft.Future }
	if err := endWith(&changed{}, make(chan struct{})); err == nil {
		t.Error("a future without an end was taken")
	}
}

// A second life in one process finds nothing of the first.
func TestANodeStartsAgainAfterEveryKindOfEnd(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		made := v.create(v.leader(), 3)
		for _, n := range v.nodes {
			n.log.setFailing(errors.New("input/output error"))
			v.within(30*time.Second, "it fails", func() bool { return len(n.fatal) > 0 || probeWrite(v, n) })
			n.log.setFailing(nil)
			v.stop(n)
			<-n.fatal
			v.start(n)
			v.writable(n)
			for _, l := range made {
				if got, err := n.Resolve(v.t.Context(), l.Code); err != nil || got != l.Route() {
					t.Errorf("after its failure: %+v, %v", got, err)
				}
			}
		}
	})
}

// probeWrite writes something, so that a failing log is noticed; it never holds.
func probeWrite(v *virtualCluster, n *virtualNode) bool {
	_, _ = links.Create(v.t.Context(), n, link.Draft{Fields: link.Fields{Target: "https://example.com/"}})
	return false
}

// A follower that came by a snapshot has an empty log; raft would have it take another snapshot of the same state at every look.
func TestAnIdleFollowerThatCameBySnapshotTakesNoFurtherOnes(t *testing.T) {
	inVirtualTime(t, 0, func(v *virtualCluster) {
		v.tune = func(c *Config) {
			c.Tuning.SnapshotThreshold, c.Tuning.TrailingLogs, c.Tuning.SnapshotInterval = 20, 5, time.Second
		}
		for i := range 3 {
			v.add(fmt.Sprintf("n%d", i+1), 3)
		}
		v.founded()
		away := v.follower()
		v.stop(away)
		v.create(v.leader(), 60)
		time.Sleep(5 * time.Second)
		v.start(away)
		v.writable(away)
		time.Sleep(10 * time.Second)
		before, err := away.group.Load().store.snapshots.List()
		if err != nil || len(before) == 0 {
			t.Fatalf("it came without a snapshot: %v", err)
		}
		time.Sleep(2 * time.Minute)
		after, err := away.group.Load().store.snapshots.List()
		if err != nil || after[0].ID != before[0].ID {
			t.Errorf("nothing was written, and the newest snapshot is %s after %s, %v", after[0].ID, before[0].ID, err)
		}
		v.create(away, 60)
		v.within(time.Minute, "it takes snapshots of what is new", func() bool {
			list, err := away.group.Load().store.snapshots.List()
			return err == nil && list[0].Index > before[0].Index
		})
	})
}
