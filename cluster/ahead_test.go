package cluster

import (
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/fsm"
	"tinyurl/fsm/link"
	"tinyurl/test/bubble"
	"tinyurl/test/sim/links"
)

// newHangingAhead is a log of a node that leads or not, on a disk that hangs until released.
func newHangingAhead(t *testing.T, leads bool) (a *ahead, disk *memoryLog, release func()) {
	t.Helper()
	disk = newMemoryLog()
	cache, err := raft.NewLogCache(16, disk)
	if err != nil {
		t.Fatal(err)
	}
	a = newAhead(gapless{LogCache: cache, snapshot: func() (uint64, uint64) { return 0, 0 }})
	a.leading = func() bool { return leads }
	return a, disk, disk.hang()
}

func commandEntries(first, n uint64) []*raft.Log {
	var entries []*raft.Log
	for i := range n {
		entries = append(entries, &raft.Log{Index: first + i, Term: 1, Type: raft.LogCommand, Data: []byte{byte(i)}})
	}
	return entries
}

// later runs what may have to wait, and tells when it is done.
func later(f func() error) (done func() bool, result func() error) {
	answer := make(chan error, 1)
	go func() { answer <- f() }()
	return func() bool { synctest.Wait(); return len(answer) == 1 }, func() error { return <-answer }
}

func TestOnlyALeadersCommandsAreAheadOfItsDisk(t *testing.T) {
	for name, c := range map[string]struct {
		leads   bool
		entries []*raft.Log
		ahead   bool
	}{
		"a leader's commands":     {true, commandEntries(1, 2), true},
		"a follower's":            {false, commandEntries(1, 2), false},
		"a configuration":         {true, []*raft.Log{{Index: 1, Type: raft.LogConfiguration}}, false},
		"a barrier":               {true, []*raft.Log{{Index: 1, Type: raft.LogBarrier}}, false},
		"a term's first":          {true, []*raft.Log{{Index: 1, Type: raft.LogNoop}}, false},
		"a command and a barrier": {true, append(commandEntries(1, 1), &raft.Log{Index: 2, Type: raft.LogBarrier}), false},
		"too many":                {true, commandEntries(1, aheadMost+1), false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				a, disk, release := newHangingAhead(t, c.leads)
				done, result := later(func() error { return a.StoreLogs(c.entries) })
				if done() != c.ahead {
					t.Errorf("went on before the disk had it: %v, want %v", done(), c.ahead)
				}
				release()
				if err := result(); err != nil {
					t.Fatal(err)
				}
				a.close()
				if last, err := disk.LastIndex(); err != nil || last != uint64(len(c.entries)) {
					t.Errorf("the disk has %d entries, %v", last, err)
				}
			})
		})
	}
}

func TestWhatFollowsWaitsForTheDisk(t *testing.T) {
	var entry raft.Log
	for name, f := range map[string]func(*ahead) error{
		"what raft acts upon itself": func(a *ahead) error { return a.StoreLog(&raft.Log{Index: 4, Type: raft.LogBarrier}) },
		"more than may be ahead":     func(a *ahead) error { return a.StoreLogs(commandEntries(4, aheadMost-2)) },
		"the first index":            func(a *ahead) error { _, err := a.FirstIndex(); return err },
		"the last index":             func(a *ahead) error { _, err := a.LastIndex(); return err },
		"a removal":                  func(a *ahead) error { return a.DeleteRange(1, 3) },
		"an apply":                   func(a *ahead) error { return a.await(2) },
		"a look by one who does not lead any more": func(a *ahead) error {
			a.leading = func() bool { return false }
			return a.GetLog(2, &entry)
		},
		"an append by such a one": func(a *ahead) error {
			a.leading = func() bool { return false }
			return a.StoreLogs(commandEntries(4, 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				a, _, release := newHangingAhead(t, true)
				for i := range uint64(3) {
					if err := a.StoreLogs(commandEntries(1+i, 1)); err != nil {
						t.Fatal(err)
					}
				}
				done, result := later(func() error { return f(a) })
				if done() {
					t.Error("it did not wait")
				}
				release()
				if err := result(); err != nil {
					t.Error(err)
				}
				a.close()
			})
		})
	}
}

func TestALeaderSendsWhatItsDiskHasNot(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		a, _, release := newHangingAhead(t, true)
		if got := a.synced(); got != math.MaxUint64 {
			t.Errorf("with nothing on its way: synced to %d", got)
		}
		if err := a.StoreLogs(commandEntries(1, 3)); err != nil {
			t.Fatal(err)
		}
		var entry raft.Log
		if err := a.GetLog(3, &entry); err != nil || entry.Index != 3 || entry.Data[0] != 2 {
			t.Errorf("entry 3 is %+v, %v", entry, err)
		}
		if err := a.GetLog(4, &entry); !errors.Is(err, raft.ErrLogNotFound) {
			t.Errorf("entry 4: %v", err)
		}
		if got := a.synced(); got != 0 {
			t.Errorf("nothing is on the disk: synced to %d", got)
		}
		a.leading = func() bool { return false }
		if term, err := a.term(3); term != 1 || err != nil {
			t.Errorf("its term, for one who does not wait: %d, %v", term, err)
		}
		release()
		if err := a.await(3); err != nil || a.synced() != math.MaxUint64 {
			t.Errorf("all is on the disk: %v, synced to %d", err, a.synced())
		}
		a.close()
	})
}

// Under load there is always something on its way: compaction would wait for ever.
func TestNobodyWaitsForWhatComesMeanwhile(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		cache, err := raft.NewLogCache(16, slowLog{newMemoryLog()})
		if err != nil {
			t.Fatal(err)
		}
		a := newAhead(gapless{LogCache: cache, snapshot: func() (uint64, uint64) { return 0, 0 }})
		a.leading = func() bool { return true }
		began := time.Now()
		looked := make(chan uint64, 1)
		for i := uint64(1); time.Since(began) < time.Second; i++ {
			if err := a.StoreLogs(commandEntries(i, 1)); err != nil {
				t.Fatal(err)
			}
			if i == 3 {
				go func() { last, _ := a.LastIndex(); looked <- last }()
			}
			time.Sleep(2 * time.Millisecond) // faster than the disk
		}
		if len(looked) == 0 {
			t.Error("the last index was not told within a second of writing")
		}
		a.close()
	})
}

// slowLog is a log whose disk takes its time.
type slowLog struct{ *memoryLog }

func (l slowLog) StoreLogs(entries []*raft.Log) error {
	time.Sleep(5 * time.Millisecond)
	return l.memoryLog.StoreLogs(entries)
}

func TestAFailedWriteIsForGood(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		a, disk, release := newHangingAhead(t, true)
		broken := errors.New("broken")
		disk.fatal = func(error) {}
		disk.setFailing(broken)
		if err := a.StoreLogs(commandEntries(1, 1)); err != nil {
			t.Fatal(err)
		}
		release()
		a.close()
		disk.setFailing(nil)
		for name, err := range map[string]error{
			"apply": a.await(1), "append": a.StoreLogs(commandEntries(2, 1)), "flush": a.flush(),
		} {
			if err == nil || !strings.Contains(err.Error(), broken.Error()) { // raft's cache keeps only the text
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := a.synced(); got != 0 {
			t.Errorf("nothing is on the disk: synced to %d", got)
		}
		if _, err := (behind{new(fsm.FSM), a}).Snapshot(); !errors.Is(err, errNotSynced) {
			t.Errorf("a snapshot is taken above what the state holds: %v", err)
		}
		for _, answer := range (behind{new(fsm.FSM), a}).ApplyBatch(commandEntries(1, 1)) {
			if err, ok := answer.(error); !ok || !errors.Is(err, errNotSynced) {
				t.Errorf("an entry that is not on the disk is applied: %v", answer)
			}
		}
	})
}

// stuckCreate has the leader's disk hang and a link made, and waits until the followers have the entry on theirs.
func (v *virtualCluster) stuckCreate(leader *virtualNode) (release func(), index uint64, answer <-chan error) {
	v.t.Helper()
	release = leader.log.hang()
	made := make(chan error, 1)
	node, before := leader.Node, leader.group.Load().raft.LastIndex()
	go func() {
		results, err := links.Create(v.t.Context(), node, link.Draft{Fields: link.Fields{Target: "https://example.com/stuck"}})
		if err == nil {
			err = results[0].Err
		}
		made <- err
	}()
	v.within(time.Second, "the others hold the entry, while the leader's disk hangs", func() bool {
		for _, n := range v.others(leader) {
			if n.group.Load().raft.LastIndex() <= before {
				return false
			}
		}
		return true
	})
	return release, leader.group.Load().raft.LastIndex(), made
}

func TestNothingIsAppliedAnywhereBeforeTheLeadersDiskHasIt(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		leader := v.leader()
		made := v.create(leader, 3)
		v.agreed()
		release, index, answer := v.stuckCreate(leader)
		time.Sleep(500 * time.Millisecond) // raft repeats the commit meanwhile
		for _, n := range v.nodes {
			if applied := n.group.Load().fsm.AppliedIndex(); applied >= index {
				t.Errorf("%s has applied entry %d, which the leader may lose", n.config.Name, applied)
			}
		}
		if len(answer) > 0 {
			t.Errorf("the write was answered: %v", <-answer)
		}
		v.sees(v.nodes, made)
		release()
		if err := <-answer; err != nil {
			t.Error(err)
		}
		v.agreed()
	})
}

func TestALeaderThatLostWhatWasOnItsWayComesBack(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		leader := v.leader()
		made := v.create(leader, 3)
		v.agreed()
		release, index, _ := v.stuckCreate(leader)
		leader.log.setFailing(errors.New("the power went"))
		release()
		<-leader.fatal
		v.kill(leader)
		leader.log.setFailing(nil)
		if last, err := leader.log.LastIndex(); err != nil || last >= index {
			t.Fatalf("the leader's disk ends at %d, %v: it has not lost entry %d", last, err, index)
		}
		rest := v.others(leader)
		v.writable(rest[0])
		made = append(made, v.create(rest[1], 2)...)
		v.start(leader)
		v.writable(leader)
		v.agreed()
		v.sees(v.nodes, made)
	})
}
