package raftlog

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func TestStableValuesSurviveReopening(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		path := filepath.Join(t.TempDir(), "raft.db")
		l, _ := k.openAt(t, path, nil)
		if err := l.Set([]byte("name"), []byte("value")); err != nil {
			t.Fatal(err)
		}
		if err := l.SetUint64([]byte("number"), 1<<63+5); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l, _ = k.openAt(t, path, nil)
		if v, err := l.Get([]byte("name")); err != nil || string(v) != "value" {
			t.Errorf("value %q, %v", v, err)
		}
		if n, err := l.GetUint64([]byte("number")); err != nil || n != 1<<63+5 {
			t.Errorf("number %d, %v", n, err)
		}
	})
}

func TestAMissingValueReadsAsRaftExpects(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		l, f := k.openTemp(t, nil)
		_, err1 := l.Get([]byte("nothing"))
		_, err2 := l.GetUint64([]byte("nothing"))
		for _, err := range []error{err1, err2} {
			if err == nil || err.Error() != "not found" {
				t.Errorf("missing value: %v, want the text \"not found\"", err)
			}
		}
		if len(f.all()) != 0 {
			t.Errorf("Fatal was told %v", f.all())
		}
	})
}

func TestANumberOfAnotherLengthIsDamage(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		l, f := k.openTemp(t, nil)
		if err := l.Set(keyCurrentTerm, []byte("abc")); err != nil {
			t.Fatal(err)
		}
		if _, err := l.GetUint64(keyCurrentTerm); !errors.Is(err, ErrDamaged) {
			t.Errorf("read: %v, want ErrDamaged", err)
		}
		wantFailed(t, l, f)
	})
}

// TestTermAndVoteTellWhatRaftHasWritten runs a real raft node on the log: it
// is what makes the two answers honest.
func TestTermAndVoteTellWhatRaftHasWritten(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		l, f := k.openTemp(t, nil)
		if _, ok := l.Term(); ok || l.Voted() {
			t.Fatal("a new log has a term or a vote")
		}
		conf := raft.DefaultConfig()
		conf.LocalID = "only"
		conf.LogOutput = testWriter{t}
		conf.HeartbeatTimeout, conf.ElectionTimeout = 50*time.Millisecond, 50*time.Millisecond
		conf.LeaderLeaseTimeout = 50 * time.Millisecond
		addr, transport := raft.NewInmemTransport("")
		snapshots := raft.NewInmemSnapshotStore()
		servers := raft.Configuration{Servers: []raft.Server{{ID: "only", Address: addr}}}
		if err := raft.BootstrapCluster(conf, l, l, snapshots, transport, servers); err != nil {
			t.Fatal(err)
		}
		if term, ok := l.Term(); !ok || term != 1 {
			t.Errorf("after bootstrap: term %d, %v", term, ok)
		}
		if l.Voted() {
			t.Error("after bootstrap: voted")
		}

		cache, err := raft.NewLogCache(8, l)
		if err != nil {
			t.Fatal(err)
		}
		node, err := raft.NewRaft(conf, &raft.MockFSM{}, cache, l, snapshots, transport)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-node.LeaderCh():
		case <-time.After(10 * time.Second):
			t.Fatal("no leader")
		}
		if err := node.Apply([]byte("command"), time.Second).Error(); err != nil {
			t.Errorf("apply: %v", err)
		}
		if err := node.Shutdown().Error(); err != nil {
			t.Fatal(err)
		}
		if term, ok := l.Term(); !ok || term < 2 || !l.Voted() {
			t.Errorf("after an election: term %d, %v, voted %v", term, ok, l.Voted())
		}
		if err := l.Verify(); err != nil {
			t.Errorf("Verify: %v", err)
		}
		if len(f.all()) != 0 {
			t.Errorf("Fatal was told %v", f.all())
		}
	})
}

// testWriter sends raft's log lines to the test's.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}
