package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tinyurl/cluster/member"
	"tinyurl/cluster/raftlog"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
	"tinyurl/test/sim/links"
)

// raft keeps the term and the first entry in two writes; a founder may be killed in between.
func TestAFounderKilledInTheMiddleOfFoundingFoundsAtItsNextStart(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	n := c.nodes[0]
	record := *n.cluster.Load()
	c.stop(n)
	group := groupDir(n.config.DataDir, mainGroup)
	if err := os.RemoveAll(group); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(group, 0o700); err != nil {
		t.Fatal(err)
	}
	log, err := raftlog.Open(raftlog.Config{Path: filepath.Join(group, "raft.db"), Fatal: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.SetUint64([]byte("CurrentTerm"), 1); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	record.HasState, record.CaughtUp = false, false
	if err := (dataDir{store.OSFS(), n.config.DataDir}).write("cluster.json", record); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second life must not undo it
		c.start(n)
		c.writable(n)
		c.create(n, link.Draft{Fields: link.Fields{Target: "https://example.com/"}})
		c.stop(n)
	}
}

// raft panics when it cannot keep a term: the process would end before it has said why, and its redirects with it.
func TestADiskThatFailsAtATermStopsTheNodeAndNotTheProcess(t *testing.T) {
	var failing atomic.Pointer[string]
	c := newTestCluster(t, 3, func(c *Config) {
		name := c.Name
		c.Environment.OpenLog = hooked(func(w raftlog.Write) error {
			if f := failing.Load(); f != nil && *f == name && w == raftlog.WriteState {
				return syscall.EIO
			}
			return nil
		})
	})
	made := c.create(c.nodes[0], link.Draft{Fields: link.Fields{Target: "https://example.com/"}})
	leader := c.leader()
	bad := c.others(leader)[0]
	c.eventually("the link is on the node", func() bool {
		_, err := links.Get(t.Context(), bad, made.Code, true)
		return err == nil
	})
	failing.Store(&bad.config.Name)
	c.stop(leader) // whoever leads next does so in a new term
	select {
	case err := <-bad.fatal:
		if !errors.Is(err, syscall.EIO) {
			t.Fatalf("the reason is %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no new term was to be kept")
	}
	if got, err := bad.Resolve(t.Context(), made.Code); err != nil || got.Target != made.Target {
		t.Errorf("a redirect of the node that stops: %+v, %v", got, err)
	}
	c.stop(bad)
	failing.Store(nil)
	c.start(bad)
	c.create(bad, link.Draft{Fields: link.Fields{Target: "https://example.com/after"}})
}

func TestEveryDirectoryThatIsMadeIsDurable(t *testing.T) {
	mem := vfs.NewCrashableMem()
	if err := store.MakeDir(mem, "data/groups/0"); err != nil {
		t.Fatal(err)
	}
	if _, err := mem.CrashClone(vfs.CrashCloneCfg{}).Stat("data/groups/0"); err != nil {
		t.Fatalf("after a crash: %v", err)
	}
}

func TestADirectoryThatWasRolledBackNeverUsesABootNumberAgain(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	n := c.nodes[0]
	file := filepath.Join(n.config.DataDir, "node.json")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{n.record.Boot: true}
	for range 3 {
		c.stop(n)
		if err := os.WriteFile(file, before, 0o600); err != nil { // the state of the first start
			t.Fatal(err)
		}
		c.start(n)
		if seen[n.record.Boot] {
			t.Fatalf("boot %d is used again", n.record.Boot)
		}
		seen[n.record.Boot] = true
	}
}

func TestTheFirstEntryIsTheSameOnEveryFounder(t *testing.T) {
	ids := []member.ID{"a-000000", "b-000000", "c-000000"}
	first := founding(groupConfig{founders: ids})
	if len(first.Servers) != 3 || string(first.Servers[1].ID) != string(first.Servers[1].Address) {
		t.Fatalf("%+v", first)
	}
}
