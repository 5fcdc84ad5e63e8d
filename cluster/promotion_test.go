package cluster

import (
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/test/bubble"
)

// A removal stands in raft's loop, behind a slow disk, and the change that comes next is refused in its time. A promotion must wait for
// the removal all the same, not for the change that never was.
func TestARefusedChangeDoesNotHideTheOneBefore(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		r, logs := loneRaft(t)
		if err := r.AddNonvoter("gone", "gone", 0, time.Second).Error(); err != nil {
			t.Fatal(err)
		}
		release := logs.hang()
		removal := r.RemoveServer("gone", 0, 5*time.Second)
		if err := r.AddNonvoter("new", "new", 0, 5*time.Second).Error(); !errors.Is(err, raft.ErrEnqueueTimeout) {
			t.Fatal(err)
		}
		promoted := make(chan error, 1)
		go func() { promoted <- r.AddVoter("gone", "gone", 0, 0).Error() }() // autopilot's has no time-out
		synctest.Wait()
		release()
		if err := removal.Error(); err != nil {
			t.Fatal(err)
		}
		if err := <-promoted; !errors.Is(err, ErrRefused) {
			t.Errorf("the promotion of a node that was removed: %v", err)
		}
		if err := r.Shutdown().Error(); err != nil {
			t.Error(err)
		}
	})
}

// loneRaft is a raft of one node that leads, on a log whose writes a test can make hang.
func loneRaft(t *testing.T) (*answeringRaft, *memoryLog) {
	t.Helper()
	_, trans := raft.NewInmemTransport("n")
	conf := raft.DefaultConfig()
	conf.LocalID, conf.Logger = "n", newHCLogger(slog.New(slog.DiscardHandler), "raft")
	logs, snapshots := newMemoryLog(), raft.NewInmemSnapshotStore()
	logs.fatal = func(err error) { t.Error(err) }
	alone := raft.Configuration{Servers: []raft.Server{{ID: "n", Address: "n"}}}
	if err := raft.BootstrapCluster(conf, logs, logs, snapshots, trans, alone); err != nil {
		t.Fatal(err)
	}
	inner, err := raft.NewRaft(conf, &raft.MockFSM{}, logs, logs, snapshots, trans)
	if err != nil {
		t.Fatal(err)
	}
	for inner.State() != raft.Leader {
		time.Sleep(time.Second)
	}
	return newAnsweringRaft(inner), logs
}
