package cluster

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tinyurl/cluster/member"
	"tinyurl/cluster/raftlog"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
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
		c.create(n, link.Draft{Target: "https://example.com/"})
		c.stop(n)
	}
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
