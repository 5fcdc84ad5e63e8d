package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// newGapless is a gapless over a log in memory that holds the given entries, with a snapshot that ends at index.
func newGapless(t *testing.T, snapshot uint64, held ...uint64) gapless {
	t.Helper()
	inner := raft.NewInmemStore()
	cache, err := raft.NewLogCache(16, inner)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range held {
		if err := inner.StoreLog(&raft.Log{Index: i, Term: 1}); err != nil {
			t.Fatal(err)
		}
	}
	return gapless{LogCache: cache, snapshot: func() (uint64, uint64) { return snapshot, 3 }}
}

func TestEntriesBelowAHoleGoWhenTheFirstOneAboveItComes(t *testing.T) {
	l := newGapless(t, 10, 4, 5)
	if err := l.StoreLogs([]*raft.Log{{Index: 11, Term: 3}, {Index: 12, Term: 3}}); err != nil {
		t.Fatal(err)
	}
	first, _ := l.FirstIndex()
	last, _ := l.LastIndex()
	if first != 11 || last != 12 {
		t.Fatalf("the log holds %d to %d", first, last)
	}
	var entry raft.Log
	for _, old := range []uint64{4, 5, 9} {
		if err := l.GetLog(old, &entry); !errors.Is(err, raft.ErrLogNotFound) {
			t.Fatalf("entry %d: %v", old, err)
		}
	}
}

func TestALogThatLiesBelowTheSnapshotIsEmpty(t *testing.T) {
	l := newGapless(t, 10, 4, 5)
	first, err1 := l.FirstIndex()
	last, err2 := l.LastIndex()
	if first != 0 || last != 0 || err1 != nil || err2 != nil {
		t.Fatalf("entries %d to %d can still be sent (%v, %v)", first, last, err1, err2)
	}
}

func TestAHoleThatNoSnapshotExplainsIsRefused(t *testing.T) {
	l := newGapless(t, 10, 4, 5)
	if err := l.StoreLog(&raft.Log{Index: 13, Term: 3}); err == nil {
		t.Fatal("entries 6 to 12 are nowhere")
	}
	if last, _ := l.LogCache.LastIndex(); last != 5 {
		t.Fatalf("the refused append changed the log: it ends at %d", last)
	}
}

func TestTheSnapshotsLastEntryCanBeLookedAtButNotSentOn(t *testing.T) {
	for name, c := range map[string]struct {
		snapshot uint64
		held     []uint64
		index    uint64
		found    bool
	}{
		"the log begins above it":                         {10, []uint64{11, 12}, 10, true},
		"the log is empty":                                {10, nil, 10, true},
		"another index":                                   {10, []uint64{11, 12}, 9, false},
		"old entries are there: the next would be sent":   {10, []uint64{8, 9, 12}, 10, false},
		"what lies below it is gone":                      {10, []uint64{8, 9}, 9, false},
		"all of the log lies below it":                    {10, []uint64{8, 9}, 10, true},
		"there is no snapshot":                            {0, []uint64{11, 12}, 10, false},
		"entry 1 is sent without a look at one before it": {1, nil, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			l := newGapless(t, c.snapshot, c.held...)
			var entry raft.Log
			err := l.GetLog(c.index, &entry)
			if (err == nil) != c.found {
				t.Fatalf("err = %v", err)
			}
			if c.found && (entry.Index != c.index || entry.Term != 3 || entry.Type != raft.LogNoop || entry.Data != nil) {
				t.Fatalf("entry = %+v", entry)
			}
		})
	}
}

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

func newBareRaft(t *testing.T, id string, heartbeat time.Duration, trailing uint64) *bareRaft {
	t.Helper()
	inner, snapshots := raft.NewInmemStore(), raft.NewInmemSnapshotStore()
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
	for name, trailing := range map[string]uint64{"the next leader has a long log": 1000, "the next leader has a short log": 2} {
		t.Run(name, func(t *testing.T) {
			first := newBareRaft(t, "first", 100*time.Millisecond, 2)
			next, third := newBareRaft(t, "next", 500*time.Millisecond, trailing), newBareRaft(t, "third", 500*time.Millisecond, trailing)
			follower := newBareRaft(t, "follower", 5*time.Second, 1000)
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
		})
	}
}
