package transport

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/member"
	"tinyurl/test/bubble"
)

// replica is a node with a real raft on the transport.
type replica struct {
	*node
	raft    *raft.Raft
	trans   *Raft
	stalled atomic.Bool
}

// trio is a cluster of three in virtual time.
func trio(t *testing.T) (*world, []*replica) {
	t.Helper()
	return trioWith(t, func(member.ID) raft.FSM { return noFSM{} })
}

func trioWith(t *testing.T, fsm func(member.ID) raft.FSM) (*world, []*replica) {
	t.Helper()
	w := newWorld(t)
	var servers raft.Configuration
	for _, id := range []member.ID{idA, idB, idC} {
		servers.Servers = append(servers.Servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(id)})
	}
	var all []*replica
	for _, id := range []member.ID{idA, idB, idC} {
		r := &replica{node: w.start(id, nil)}
		r.trans = NewRaft(RaftConfig{Stream: r.stream(t, 0), Stalled: func() error {
			if r.stalled.Load() {
				return errors.New("the disk hangs")
			}
			return nil
		}})
		c := raftConfig(raft.ServerID(id))
		logs, snapshots := raft.NewInmemStore(), raft.NewInmemSnapshotStore()
		if err := raft.BootstrapCluster(c, logs, logs, snapshots, r.trans, servers); err != nil {
			t.Fatal(err)
		}
		var err error
		if r.raft, err = raft.NewRaft(c, fsm(id), logs, logs, snapshots, r.trans); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return w, all
}

func stopAll(t *testing.T, all []*replica) {
	t.Helper()
	for _, r := range all {
		if err := r.trans.Close(); err != nil { // before the shutdown, which would wait for RPCs in flight
			t.Error(err)
		}
		if err := r.raft.Shutdown().Error(); err != nil {
			t.Error(err)
		}
		r.close(t)
	}
}

// leaderAmong waits for a leader other than not.
func leaderAmong(t *testing.T, all []*replica, not *replica) *replica {
	t.Helper()
	for range 600 {
		for _, r := range all {
			if r != not && r.raft.State() == raft.Leader {
				return r
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("no leader within a minute")
	return nil
}

// confirm asks as a read does: a heartbeat round, and acknowledgements of what was sent since.
func confirm(leader *replica, within time.Duration) bool {
	acks, term := leader.trans.Acks(), leader.raft.CurrentTerm()
	read := acks.Now()
	leader.raft.VerifyLeader() // for the heartbeats; what it says is of no matter
	timeout := time.After(within)
	for {
		changed := acks.Changed()
		if acks.Since(term, read, []member.ID{idA, idB, idC}, leader.id) {
			return true
		}
		select {
		case <-changed:
		case <-timeout:
			return false
		}
	}
}

func TestAClusterReplicatesConfirmsItsLeaderAndSurvivesACut(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, all := trio(t)
		old := leaderAmong(t, all, nil)
		for range 20 {
			if err := old.raft.Apply([]byte("x"), time.Second).Error(); err != nil {
				t.Fatal(err)
			}
		}
		if !confirm(old, time.Second) {
			t.Error("a leader with all its followers cannot confirm itself")
		}
		time.Sleep(time.Second)
		for _, r := range all {
			if r == old {
				continue
			}
			if commit, heard := r.trans.LeaderCommit(); commit != old.raft.CommitIndex() || time.Since(heard) > 200*time.Millisecond {
				t.Errorf("%s heard of commit %d %v ago, the leader is at %d", r.id, commit, time.Since(heard), old.raft.CommitIndex())
			}
		}
		for _, r := range all {
			if r != old {
				w.net.Part(old.addr, r.addr)
			}
		}
		if confirm(old, time.Second) {
			t.Error("a leader that was cut off confirmed itself")
		}
		next := leaderAmong(t, all, old)
		if err := next.raft.Apply([]byte("y"), time.Second).Error(); err != nil {
			t.Error(err)
		}
		if !confirm(next, time.Second) {
			t.Error("the new leader cannot confirm itself")
		}
		for _, r := range all {
			if r != old {
				w.net.Join(old.addr, r.addr)
			}
		}
		time.Sleep(30 * time.Second)
		for _, r := range all {
			if r.raft.LastIndex() != next.raft.LastIndex() || r.raft.CurrentTerm() != next.raft.CurrentTerm() {
				t.Errorf("%s is at %d in term %d after the cut", r.id, r.raft.LastIndex(), r.raft.CurrentTerm())
			}
		}
		stopAll(t, all)
	})
}

func TestALeaderWhoseDiskHangsIsReplaced(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, all := trio(t)
		old := leaderAmong(t, all, nil)
		if err := old.raft.Apply([]byte("x"), time.Second).Error(); err != nil {
			t.Fatal(err)
		}
		old.stalled.Store(true)
		start := time.Now()
		next := leaderAmong(t, all, old)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("replaced after %v", took)
		}
		if err := next.raft.Apply([]byte("y"), time.Second).Error(); err != nil {
			t.Error(err)
		}
		stopAll(t, all)
	})
}
