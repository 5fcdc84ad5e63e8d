package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"tinyurl/cluster/raftlog"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
	"tinyurl/test/sim/links"
)

// smallDisk is a file system that says how much space is left.
type smallDisk struct {
	vfs.FS
	free atomic.Uint64
}

func (d *smallDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: d.free.Load(), TotalBytes: 1 << 30}, nil
}

// withDisks gives each node a disk whose free space the test sets.
func withDisks(disks map[string]*smallDisk) func(*Config) {
	return func(c *Config) {
		d := &smallDisk{FS: store.OSFS()}
		d.free.Store(1 << 30)
		disks[c.Name] = d
		c.Environment.FS, c.Tuning.FreeSpace = d, 1<<20
	}
}

func TestALeaderWithoutDiskSpaceHandsOver(t *testing.T) {
	t.Parallel() // it waits more than it works
	disks := map[string]*smallDisk{}
	c := newTestCluster(t, 3, withDisks(disks))
	full := c.leader()
	made := c.create(full, link.Draft{Fields: link.Fields{Target: "https://example.com/"}})
	disks[full.config.Name].free.Store(1)
	c.eventually("another leads", func() bool { return c.leader() != full })
	c.create(full, link.Draft{Fields: link.Fields{Target: "https://example.com/through-the-full-one"}})
	for _, n := range c.nodes {
		disks[n.config.Name].free.Store(1)
	}
	c.eventually("no disk is left, and creates say so", func() bool {
		results, err := links.Create(t.Context(), c.nodes[0], link.Draft{Fields: link.Fields{Target: "https://example.com/"}})
		return err == nil && errors.Is(results[0].Err, link.ErrDiskFull)
	})
	if got, err := c.nodes[0].Resolve(t.Context(), made.Code); err != nil || got.Target != made.Target {
		t.Fatalf("redirects must go on: %+v, %v", got, err)
	}
}

func TestANodeThatStartsOnAFullDiskOnlyRedirectsUntilThereIsSpace(t *testing.T) {
	disks := map[string]*smallDisk{}
	c := newTestCluster(t, 3, withDisks(disks))
	n := c.others(c.leader())[0]
	made := c.create(n, link.Draft{Fields: link.Fields{Target: "https://example.com/"}})
	c.stop(n)
	disks[n.config.Name].free.Store(1)
	c.start(n)
	if got, err := n.Resolve(t.Context(), made.Code); err != nil || got.Target != made.Target {
		t.Fatalf("a known link: %+v, %v", got, err)
	}
	if _, err := n.Resolve(t.Context(), "never-made"); !errors.Is(err, link.ErrNoLeader) {
		t.Fatalf("an unknown slug: %v", err)
	}
	if _, err := links.Create(t.Context(), n, link.Draft{Fields: link.Fields{Target: "https://example.com/"}}); !errors.Is(err, link.ErrDiskFull) {
		t.Fatalf("a create: %v", err)
	}
	if n.group.Load() != nil {
		t.Fatal("raft was opened on a full disk")
	}
	// A known link redirects all the while, also at the moment when raft is opened.
	writable := make(chan struct{})
	redirects := make(chan error)
	go func() {
		for {
			select {
			case <-writable:
				redirects <- nil
				return
			default:
			}
			if got, err := n.Resolve(t.Context(), made.Code); err != nil || got.Target != made.Target {
				redirects <- fmt.Errorf("a known link, while raft is opened: %+v, %w", got, err)
				return
			}
		}
	}()
	disks[n.config.Name].free.Store(1 << 30)
	c.writable(n)
	close(writable)
	if err := <-redirects; err != nil {
		t.Error(err)
	}
	c.create(n, link.Draft{Fields: link.Fields{Target: "https://example.com/again"}})
}

func TestALeaderWhoseClockIsOffHandsOver(t *testing.T) {
	c := newTestCluster(t, 3, func(c *Config) {
		if c.Name == "n2" {
			c.Environment.Now = func() time.Time { return time.Now().Add(10 * time.Second) }
		}
	})
	wrong := c.nodes[1]
	if leader := c.leader(); leader != wrong { // make it lead
		id := raft.ServerID(wrong.ID())
		if err := leader.group.Load().raft.LeadershipTransferToServer(id, raft.ServerAddress(id)).Error(); err != nil {
			t.Fatal(err)
		}
	}
	c.eventually("a node with the right time leads", func() bool { return c.leader() != wrong })
}

func TestTheBallastIsHeldWhereThereIsPlentyAndGivenUpOnAFullDisk(t *testing.T) {
	t.Parallel() // it waits more than it works
	disks := map[string]*smallDisk{}
	c := newTestCluster(t, 1, withDisks(disks))
	n := c.nodes[0]
	file := filepath.Join(n.config.DataDir, "ballast")
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("no ballast: %v", err)
	}
	c.stop(n)
	disks["n1"].free.Store(1)
	c.start(n)
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the ballast is still there: %v", err)
	}
	// A disk may be full a second time, and the node must open its state then, too.
	disks["n1"].free.Store(1 << 30)
	c.eventually("the ballast is held again, without a start", func() bool {
		_, err := os.Stat(file)
		return err == nil
	})
}

// hooked opens the raft log with a failpoint.
func hooked(hook func(raftlog.Write) error) LogOpener {
	return func(c LogConfig) (Log, error) {
		return raftlog.Open(raftlog.Config{
			Path: filepath.Join(c.Dir, "raft.db"), Now: c.Now, Fatal: c.Fatal, Registerer: c.Registerer, BeforeWrite: hook,
		})
	}
}

func TestAFailedLogWriteStopsTheNodeAndTheClusterGoesOn(t *testing.T) {
	var failing atomic.Pointer[string]
	c := newTestCluster(t, 3, func(c *Config) {
		name := c.Name
		c.Environment.OpenLog = hooked(func(raftlog.Write) error {
			if f := failing.Load(); f != nil && *f == name {
				return errors.New("input/output error")
			}
			return nil
		})
	})
	made := c.create(c.nodes[0], link.Draft{Fields: link.Fields{Target: "https://example.com/"}})
	bad := c.leader()
	failing.Store(&bad.config.Name)
	go links.Create(t.Context(), bad.Node, link.Draft{Fields: link.Fields{Target: "https://example.com/lost-or-not"}})
	select {
	case err := <-bad.fatal:
		if !strings.Contains(err.Error(), "input/output error") {
			t.Fatalf("the reason is %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the node goes on with a log that cannot be written")
	}
	if bad.Ready() == nil {
		t.Fatal("it is still ready")
	}
	c.stop(bad)
	survivor := c.others(bad)[0]
	c.create(survivor, link.Draft{Fields: link.Fields{Target: "https://example.com/after"}})
	if got, err := survivor.Resolve(t.Context(), made.Code); err != nil || got.Target != made.Target {
		t.Fatalf("an acknowledged link: %+v, %v", got, err)
	}
}

// raft#503: replication's own empty messages would keep the followers loyal to a leader whose disk hangs.
func TestALeaderWhoseDiskHangsIsDeposed(t *testing.T) {
	t.Parallel() // it waits more than it works
	var hanging atomic.Pointer[string]
	release := make(chan struct{})
	c := newTestCluster(t, 3, func(c *Config) {
		name := c.Name
		c.Environment.OpenLog = hooked(func(raftlog.Write) error {
			if h := hanging.Load(); h != nil && *h == name {
				<-release
			}
			return nil
		})
	})
	// The hang must end before the nodes are closed, whatever becomes of the test.
	t.Cleanup(func() { close(release) })
	stuck := c.leader()
	hanging.Store(&stuck.config.Name)
	go links.Create(t.Context(), stuck.Node, link.Draft{Fields: link.Fields{Target: "https://example.com/stuck"}})
	c.eventually("another leads", func() bool {
		for _, n := range c.others(stuck) {
			if _, ready := n.group.Load().leadership.ready(); ready {
				return true
			}
		}
		return false
	})
	c.create(c.others(stuck)[0], link.Draft{Fields: link.Fields{Target: "https://example.com/after"}})
}
