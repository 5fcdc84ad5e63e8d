package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"tinyurl/cluster/raftlog"
)

// listFSM is a state machine that remembers what it was given.
type listFSM struct {
	mu   sync.Mutex
	list []string
}

func (f *listFSM) Apply(l *raft.Log) any {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, string(l.Data))
	return nil
}

func (f *listFSM) Snapshot() (raft.FSMSnapshot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return listSnapshot(slices.Clone(f.list)), nil
}

func (f *listFSM) Restore(r io.ReadCloser) error {
	var list []string
	if err := json.NewDecoder(r).Decode(&list); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = list
	return nil
}

func (f *listFSM) has(s string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.list, s)
}

type listSnapshot []string

func (s listSnapshot) Persist(sink raft.SnapshotSink) error {
	data, err := json.Marshal([]string(s))
	if err == nil {
		_, err = io.Copy(sink, bytes.NewReader(data))
	}
	return errors.Join(err, sink.Close())
}

func (s listSnapshot) Release() {}

// bareRaft is hashicorp's raft on a gapless log, with nothing else of ours.
type bareRaft struct {
	*raft.Raft
	id    raft.ServerID
	fsm   *listFSM
	log   gapless
	trans *raft.InmemTransport
}

type noPipeline struct{ *raft.InmemTransport }

func (noPipeline) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

// bareLog is what keeps the log of a bareRaft.
type bareLog interface {
	raft.LogStore
	raft.StableStore
}

// bareLogs are the stores that must do as logs of raft: one that takes holes, and the product's.
func bareLogs() map[string]func(t *testing.T) bareLog {
	all := map[string]func(t *testing.T) bareLog{"memory": func(*testing.T) bareLog { return raft.NewInmemStore() }}
	for _, kept := range logStores() {
		all[string(kept)] = func(t *testing.T) bareLog {
			t.Helper()
			engine, name := kept.place()
			log, err := raftlog.Open(raftlog.Config{
				Engine: engine, Path: filepath.Join(t.TempDir(), name), NoSync: true, Fatal: func(err error) { t.Error(err) },
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { log.Close() })
			return log
		}
	}
	return all
}

func newBareRaft(t *testing.T, inner bareLog, id string, heartbeat time.Duration, trailing uint64) *bareRaft {
	t.Helper()
	snapshots := raft.NewInmemSnapshotStore()
	cache, err := raft.NewLogCache(16, inner)
	if err != nil {
		t.Fatal(err)
	}
	n := &bareRaft{id: raft.ServerID(id), fsm: &listFSM{}}
	n.log = gapless{LogCache: cache, snapshot: func() (uint64, uint64) {
		if metas, err := snapshots.List(); err == nil && len(metas) > 0 {
			return metas[0].Index, metas[0].Term
		}
		return 0, 0
	}}
	_, n.trans = raft.NewInmemTransportWithTimeout(raft.ServerAddress(id), time.Second)
	conf := raft.DefaultConfig()
	conf.LocalID, conf.Logger = n.id, hclog.NewNullLogger()
	conf.HeartbeatTimeout, conf.ElectionTimeout, conf.LeaderLeaseTimeout = heartbeat, heartbeat, 50*time.Millisecond
	conf.CommitTimeout, conf.MaxAppendEntries, conf.TrailingLogs, conf.SnapshotInterval = 5*time.Millisecond, 2, trailing, time.Hour
	if n.Raft, err = raft.NewRaft(conf, n.fsm, n.log, inner, snapshots, noPipeline{n.trans}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Shutdown().Error() })
	return n
}

func (n *bareRaft) write(t *testing.T, s string) {
	t.Helper()
	if err := n.Apply([]byte(s), 5*time.Second).Error(); err != nil {
		t.Fatal(err)
	}
}

func wire(a, b *bareRaft, up bool) {
	if up {
		a.trans.Connect(b.trans.LocalAddr(), b.trans)
		b.trans.Connect(a.trans.LocalAddr(), a.trans)
		return
	}
	a.trans.Disconnect(b.trans.LocalAddr())
	b.trans.Disconnect(a.trans.LocalAddr())
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// A follower is given a snapshot, then one entry that is never committed; then another leads. On raft's own handling of the
// log the follower commits that entry when the new leader has a long log, and is sent snapshots for ever when it has a short
// one.
func TestAFollowerWithASnapshotAndADivergentTailCatchesUp(t *testing.T) {
	t.Parallel() // it waits more than it works
	for name, trailing := range map[string]uint64{"the next leader has a long log": 1000, "the next leader has a short log": 2} {
		for store, newLog := range bareLogs() {
			t.Run(name+"/"+store, func(t *testing.T) {
				t.Parallel()
				divergentTail(t, trailing, newLog)
			})
		}
	}
}

func divergentTail(t *testing.T, trailing uint64, newLog func(t *testing.T) bareLog) {
	t.Helper()
	first := newBareRaft(t, newLog(t), "first", 100*time.Millisecond, 2)
	next, third := newBareRaft(t, newLog(t), "next", 500*time.Millisecond, trailing), newBareRaft(t, newLog(t), "third", 500*time.Millisecond, trailing)
	follower := newBareRaft(t, newLog(t), "follower", 5*time.Second, 1000)
	all := []*bareRaft{first, next, third, follower}
	conf := raft.Configuration{}
	for i, a := range all {
		suffrage := raft.Voter
		if a == follower {
			suffrage = raft.Nonvoter
		}
		conf.Servers = append(conf.Servers, raft.Server{ID: a.id, Address: a.trans.LocalAddr(), Suffrage: suffrage})
		for _, b := range all[i+1:] {
			wire(a, b, true)
		}
	}
	if err := first.BootstrapCluster(conf).Error(); err != nil {
		t.Fatal(err)
	}
	until(t, "first leads", func() bool { return first.State() == raft.Leader })
	for i := range 10 {
		first.write(t, fmt.Sprint("before ", i))
	}
	until(t, "all follow", func() bool {
		return next.fsm.has("before 9") && third.fsm.has("before 9") && follower.fsm.has("before 9")
	})
	for _, n := range all[:3] {
		wire(n, follower, false)
	}
	for i := range 10 {
		first.write(t, fmt.Sprint("away ", i))
		if i == 5 && trailing == 2 {
			until(t, "they follow", func() bool { return next.fsm.has("away 5") && third.fsm.has("away 5") })
			for _, n := range []*bareRaft{next, third} {
				if err := n.Snapshot().Error(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	until(t, "they follow", func() bool { return next.fsm.has("away 9") && third.fsm.has("away 9") })
	if err := first.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	wire(first, follower, true)
	until(t, "the follower is given the snapshot", func() bool { return follower.fsm.has("away 9") })
	at, _ := follower.log.snapshot()
	wire(first, next, false)
	wire(first, third, false)
	lost := first.Apply([]byte("never committed"), time.Second)
	until(t, "the follower holds it", func() bool { last, _ := follower.log.LastIndex(); return last == at+1 })
	wire(first, follower, false)
	if lost.Error() == nil {
		t.Fatal("it was committed after all")
	}
	var leader *bareRaft
	until(t, "another leads", func() bool {
		for _, n := range []*bareRaft{next, third} {
			if n.State() == raft.Leader {
				leader = n
			}
		}
		return leader != nil
	})
	leader.write(t, "acknowledged")
	wire(next, follower, true)
	wire(third, follower, true)
	until(t, "the follower catches up", func() bool { return follower.fsm.has("acknowledged") })
	if follower.fsm.has("never committed") {
		t.Fatal("it applied what was never committed")
	}
}

// A leader is cut off with a tail that is never committed. The others go on and cut their logs, so it is given a snapshot, and
// entries far above its log.
func TestADeposedLeaderIsGivenASnapshotAboveItsLog(t *testing.T) {
	t.Parallel() // it waits more than it works
	for store, newLog := range bareLogs() {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			deposed(t, newLog)
		})
	}
}

func deposed(t *testing.T, newLog func(t *testing.T) bareLog) {
	t.Helper()
	first := newBareRaft(t, newLog(t), "first", 100*time.Millisecond, 1000)
	next, third := newBareRaft(t, newLog(t), "next", 500*time.Millisecond, 2), newBareRaft(t, newLog(t), "third", 500*time.Millisecond, 2)
	together(t, first, next, third)
	first.write(t, "before")
	until(t, "all follow", func() bool { return next.fsm.has("before") && third.fsm.has("before") })
	wire(first, next, false)
	wire(first, third, false)
	for i := range 3 { // before the lease is over
		first.Apply(fmt.Append(nil, "never committed ", i), 0)
	}
	begin, _ := next.log.LastIndex()
	until(t, "the tail is there", func() bool { last, _ := first.log.LastIndex(); return last >= begin+3 })
	leader := leading(t, next, third)
	for i := range 20 {
		leader.write(t, fmt.Sprint("meanwhile ", i))
	}
	until(t, "the other follows", func() bool { return next.fsm.has("meanwhile 19") && third.fsm.has("meanwhile 19") })
	for _, n := range []*bareRaft{next, third} {
		if err := n.Snapshot().Error(); err != nil {
			t.Fatal(err)
		}
	}
	wire(first, next, true)
	wire(first, third, true)
	until(t, "the snapshot is there", func() bool { return first.fsm.has("meanwhile 19") })
	until(t, "a write", func() bool {
		return leading(t, first, next, third).Apply([]byte("afterwards"), time.Second).Error() == nil
	})
	until(t, "the deposed leader catches up", func() bool { return first.fsm.has("afterwards") })
	if first.fsm.has("never committed 0") {
		t.Error("it applied what was never committed")
	}
}

// A snapshot that comes late ends below what the follower has acknowledged since. A store that takes no holes must not be a
// reason for raft to remove that.
func TestALateSnapshotTakesNothingThatWasAcknowledged(t *testing.T) {
	for store, newLog := range bareLogs() {
		t.Run(store, func(t *testing.T) {
			leader, follower := newBareRaft(t, newLog(t), "leader", 100*time.Millisecond, 1000), newBareRaft(t, newLog(t), "follower", 5*time.Second, 1000)
			together(t, leader, follower)
			for i := range 10 {
				leader.write(t, fmt.Sprint("before ", i))
			}
			taken := leader.Snapshot()
			if err := taken.Error(); err != nil {
				t.Fatal(err)
			}
			for i := range 10 {
				leader.write(t, fmt.Sprint("after ", i))
			}
			until(t, "it follows", func() bool { return follower.fsm.has("after 9") })
			want, _ := follower.log.LastIndex()
			meta, data, err := taken.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer data.Close()
			var answer raft.InstallSnapshotResponse
			err = leader.trans.InstallSnapshot(follower.id, follower.trans.LocalAddr(), &raft.InstallSnapshotRequest{
				RPCHeader:       raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(leader.id), Addr: []byte(leader.id)},
				SnapshotVersion: meta.Version, Term: leader.CurrentTerm(), LastLogIndex: meta.Index, LastLogTerm: meta.Term,
				Configuration: raft.EncodeConfiguration(meta.Configuration), ConfigurationIndex: meta.ConfigurationIndex, Size: meta.Size,
			}, &answer, data)
			if err != nil || !answer.Success {
				t.Fatalf("%+v, %v", answer, err)
			}
			if last, err := follower.log.LastIndex(); last < want || err != nil {
				t.Errorf("its log ends at %d, and %d was acknowledged (%v)", last, want, err)
			}
			leader.write(t, "later")
			until(t, "it follows on", func() bool { return follower.fsm.has("later") })
		})
	}
}

// together makes a cluster of the nodes, led by the first.
func together(t *testing.T, all ...*bareRaft) {
	t.Helper()
	conf := raft.Configuration{}
	for i, n := range all {
		conf.Servers = append(conf.Servers, raft.Server{ID: n.id, Address: n.trans.LocalAddr()})
		for _, m := range all[i+1:] {
			wire(n, m, true)
		}
	}
	if err := all[0].BootstrapCluster(conf).Error(); err != nil {
		t.Fatal(err)
	}
	until(t, "the first leads", func() bool { return all[0].State() == raft.Leader })
}

// leading waits until one of the nodes leads.
func leading(t *testing.T, all ...*bareRaft) (leader *bareRaft) {
	t.Helper()
	until(t, "one leads", func() bool {
		for _, n := range all {
			if n.State() == raft.Leader {
				leader = n
			}
		}
		return leader != nil
	})
	return leader
}
