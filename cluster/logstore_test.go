package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"tinyurl/fsm/link"
	"tinyurl/test/sim/links"
)

func TestLogStoresAreKnownByName(t *testing.T) {
	for name, want := range map[string]LogStore{"bolt": LogBolt, "wal": LogWAL, "": "", "WAL": "", "raft.db": ""} {
		got, err := ParseLogStore(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
}

func TestALogOfAnotherStoreIsRefusedUnchanged(t *testing.T) {
	for _, was := range append(logStores(), "") {
		for _, asked := range append(logStores(), "") {
			t.Run(string(was)+" then "+string(asked), func(t *testing.T) {
				config := LogConfig{Dir: t.TempDir(), Fatal: func(err error) { t.Error(err) }}
				log, err := was.Open(config)
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(log.StoreLog(&raft.Log{Index: 1, Term: 1}), log.SetUint64([]byte("CurrentTerm"), 1), log.Close()); err != nil {
					t.Fatal(err)
				}
				before := listing(t, config.Dir)
				for _, existing := range []bool{false, true} {
					config.Existing = existing
					log, err := asked.Open(config)
					if nameOf(was) == nameOf(asked) {
						if err != nil {
							t.Fatal(err)
						}
						if last, err := log.LastIndex(); last != 1 || err != nil {
							t.Errorf("it ends at %d, %v", last, err)
						}
						log.Close()
						continue
					}
					if !errors.Is(err, ErrOtherLogStore) {
						t.Fatalf("existing %v: %v", existing, err)
					}
					kept := was
					if kept == "" {
						kept = LogBolt
					}
					for _, part := range []string{config.Dir, "--log-store " + string(kept), "new member"} {
						if !strings.Contains(err.Error(), part) {
							t.Errorf("it does not say %q: %v", part, err)
						}
					}
					if after := listing(t, config.Dir); after != before {
						t.Errorf("the directory was changed:\n%s", after)
					}
				}
			})
		}
	}
}

func nameOf(s LogStore) string {
	_, name := s.place()
	return name
}

// listing is the names and sizes in a directory.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			all.WriteString(path + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// The log of a node that is started with another store than before must not be forgotten.
func TestANodeThatIsStartedWithAnotherLogStoreRefuses(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	n := c.nodes[0]
	made := c.create(n, link.Draft{Fields: link.Fields{Target: "https://example.com/"}})
	c.stop(n)
	n.config.Environment.OpenLog = LogWAL.Open
	if err := c.tryStart(n); !errors.Is(err, ErrOtherLogStore) {
		t.Fatalf("it started: %v", err)
	}
	n.config.Environment.OpenLog = nil
	c.start(n)
	c.writable(n)
	if got, err := links.Get(t.Context(), n, made.Code, true); err != nil || got.Target != made.Target {
		t.Errorf("%+v, %v", got, err)
	}
}

// Nodes with either store make a cluster; the one that was killed comes back with what it has, and with a snapshot.
func TestAClusterOnBothLogStoresKeepsItsLinks(t *testing.T) {
	c := newTestCluster(t, 3, func(c *Config) {
		c.Tuning.SnapshotThreshold, c.Tuning.TrailingLogs = 20, 5
		if c.Name != "n1" {
			c.Environment.OpenLog = LogWAL.Open
		}
	})
	var made []link.Link
	for i := range 3 {
		for range 30 {
			made = append(made, c.create(c.nodes[i], link.Draft{Fields: link.Fields{Target: "https://example.com/"}}))
		}
		n := c.nodes[(i+1)%3]
		c.stop(n)
		made = append(made, c.create(c.nodes[i], link.Draft{Fields: link.Fields{Target: "https://example.com/while/one/is/away"}}))
		c.start(n)
		c.writable(n)
	}
	c.agreed()
	for _, n := range c.nodes {
		for _, l := range made {
			if got, err := links.Get(t.Context(), n, l.Code, true); err != nil || got.Target != l.Target {
				t.Fatalf("%s on %s: %+v, %v", l.Code, n.config.Name, got, err)
			}
		}
	}
}
