package fsm

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/fsm/command"
)

// peer is a node of a real raft around a state machine, with a log in memory that survives restarts.
type peer struct {
	*replica
	id        raft.ServerID
	raft      *raft.Raft
	log       *raft.InmemStore
	transport *raft.InmemTransport
}

func raftConfig(id raft.ServerID) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = id
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = 100*time.Millisecond, 100*time.Millisecond, 100*time.Millisecond
	c.CommitTimeout = 5 * time.Millisecond
	c.TrailingLogs = 2
	c.NoSnapshotRestoreOnStart = true
	c.BatchApplyCh = true
	c.LogOutput = io.Discard
	return c
}

// startPeer opens the state machine on d and starts raft on it, if CheckLog lets it.
func startPeer(t *testing.T, id raft.ServerID, d disk, log *raft.InmemStore) *peer {
	t.Helper()
	p := &peer{replica: open(t, d), id: id, log: log}
	first, err := log.FirstIndex()
	if err != nil {
		t.Fatal(err)
	}
	last, err := log.LastIndex()
	if err != nil {
		t.Fatal(err)
	}
	term, _ := log.GetUint64([]byte("CurrentTerm"))
	if err := p.CheckLog(LogState{First: first, Last: last, HasTerm: term > 0}); err != nil {
		t.Fatal(err)
	}
	_, p.transport = raft.NewInmemTransport(raft.ServerAddress(id))
	if p.raft, err = raft.NewRaft(raftConfig(id), p.FSM, log, log, p.Snapshots(), p.transport); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *peer) stop(t *testing.T) {
	t.Helper()
	if err := p.raft.Shutdown().Error(); err != nil {
		t.Fatal(err)
	}
	p.close()
}

// connect joins two peers' transports.
func connect(a, b *peer) {
	a.transport.Connect(b.transport.LocalAddr(), b.transport)
	b.transport.Connect(a.transport.LocalAddr(), a.transport)
}

// propose applies commands through raft, and waits until p can read them.
func (p *peer) propose(t *testing.T, w *writer, commands ...command.Command) []command.Result {
	t.Helper()
	future := p.raft.Apply(entryOf(t, 0, time.Now(), w.batch(commands...)).Data, 10*time.Second)
	if err := future.Error(); err != nil {
		t.Fatal(err)
	}
	outcome, ok := future.Response().(Outcome)
	if !ok || outcome.Index != future.Index() {
		t.Fatalf("answer %v", future.Response())
	}
	if err := p.WaitApplied(t.Context(), outcome.Index); err != nil {
		t.Fatal(err)
	}
	return outcome.Results[0]
}

// lead waits until p leads.
func (p *peer) lead(t *testing.T) {
	t.Helper()
	select {
	case <-p.raft.LeaderCh():
	case <-time.After(20 * time.Second):
		t.Fatal("nobody leads")
	}
}

func TestUnderRaftAFollowerComesByCheckpointAndRestartsKeepEverything(t *testing.T) {
	if testing.Short() {
		t.Skip("runs raft in real time")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	one := startPeer(t, "n1", newDisk(), raft.NewInmemStore())
	err := one.raft.BootstrapCluster(raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: "n1"}}}).Error()
	if err != nil {
		t.Fatal(err)
	}
	one.lead(t)
	w := &writer{node: "n1", boot: 1}
	one.propose(t, w, command.Lead{CodeKey: testKey, ClusterVersion: 1})
	for i := range 20 {
		if r := one.propose(t, w, command.Create{Draft: slug(fmt.Sprintf("before-%d", i))}); r[0].Err != nil {
			t.Fatal(r[0].Err)
		}
	}
	if err := one.raft.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}

	// The follower's log would begin before the leader's: it is given the checkpoint, streamed.
	two := startPeer(t, "n2", newDisk(), raft.NewInmemStore())
	connect(one, two)
	if err := one.raft.AddVoter("n2", "n2", 0, 0).Error(); err != nil {
		t.Fatal(err)
	}
	made := one.propose(t, w, command.Create{Draft: slug("after")})[0].Link
	index := one.AppliedIndex()
	if err := two.WaitApplied(ctx, index); err != nil {
		t.Fatal(err)
	}
	if two.digest() != one.digest() {
		t.Error("the follower's state is another one")
	}
	if first, _ := two.log.FirstIndex(); first < 15 {
		t.Errorf("the follower's log begins at %d: it did not come by snapshot", first)
	}

	// Both lose their memory but for the disks; the follower's newest snapshot is the stream it was given.
	logs := [2]*raft.InmemStore{one.log, two.log}
	disks := [2]disk{one.disk, two.disk}
	one.stop(t)
	two.stop(t)
	one, two = startPeer(t, "n1", disks[0].crash(0, 1), logs[0]), startPeer(t, "n2", disks[1].crash(0, 2), logs[1])
	defer func() { one.stop(t); two.stop(t) }()
	connect(one, two)
	for _, p := range []*peer{one, two} {
		if err := p.WaitApplied(ctx, index); err != nil {
			t.Fatalf("%s after the restart: %v", p.id, err)
		}
		if l, err := p.Store().Lookup("after"); err != nil || l != made {
			t.Errorf("%s after the restart: %+v, %v", p.id, l, err)
		}
	}
}
