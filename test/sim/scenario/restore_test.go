package scenario

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tinyurl/cluster"
	"tinyurl/fsm/store"
	"tinyurl/test/history"
	"tinyurl/test/sim/disk"
)

// often makes snapshots frequent and logs short, so that whoever was away for a minute is sent a snapshot.
func often(c *cluster.Config) {
	c.Tuning.SnapshotThreshold, c.Tuning.TrailingLogs, c.Tuning.SnapshotInterval = 16, 4, time.Second
}

// watchedFS tells of every change before it takes effect.
type watchedFS struct {
	vfs.FS
	before func(name string)
}

func (w *watchedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	w.before(name)
	f, err := w.FS.Create(name, category)
	return &watchedFile{f, name, w}, err
}

func (w *watchedFS) Link(oldname, newname string) error {
	w.before(newname)
	return w.FS.Link(oldname, newname)
}

func (w *watchedFS) OpenDir(name string) (vfs.File, error) {
	f, err := w.FS.OpenDir(name)
	return &watchedFile{f, name, w}, err
}

func (w *watchedFS) RemoveAll(name string) error {
	w.before(name)
	return w.FS.RemoveAll(name)
}

func (w *watchedFS) Rename(oldname, newname string) error {
	w.before(newname)
	return w.FS.Rename(oldname, newname)
}

func (w *watchedFS) MkdirAll(dir string, perm os.FileMode) error {
	w.before(dir)
	return w.FS.MkdirAll(dir, perm)
}

// watchedFile tells of a file's syncs.
type watchedFile struct {
	vfs.File
	name string
	fs   *watchedFS
}

func (f *watchedFile) Sync() error {
	f.fs.before(f.name)
	return f.File.Sync()
}

func (f *watchedFile) SyncData() error {
	f.fs.before(f.name)
	return f.File.SyncData()
}

// stateDir is where a node keeps its state; a restore makes the next generation in it.
const stateDir = "/data/groups/0/state/"

// powerLoss cuts the power of a machine before a change to its files.
type powerLoss struct {
	machine *machine
	steps   int // how many changes to the state the restore makes before the power goes
	random  *rand.Rand

	mu    sync.Mutex
	begun bool       // owned by mu: the restore has begun
	taken int        // owned by mu: changes since
	what  string     // owned by mu: the change that did not happen
	left  *disk.Disk // owned by mu: what is left of the disk
}

// before is called with every change.
func (p *powerLoss) before(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left != nil || !strings.HasPrefix(path.Clean(name)+"/", stateDir) {
		return
	}
	if !p.begun && !strings.HasSuffix(path.Clean(name), ".load") {
		return
	}
	p.begun = true
	if p.taken++; p.taken > p.steps {
		p.what = fmt.Sprintf("change %d, %s", p.taken, name)
		p.left = p.machine.disk.Crash(p.random)
	}
}

func (p *powerLoss) done() *disk.Disk {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left
}

// losePowerAtRestore plays: a node is away until it can be helped by a snapshot only, and loses power when its restore has made so
// many changes to the state. What it has then must be enough to redirect by, alone, and to go on with, in company. It says whether
// the restore came to so many changes.
func losePowerAtRestore(t *testing.T, steps int) (reached bool) {
	play(t, 3, often, func(s *stage) {
		leader, others := s.leader()
		away := others[0]
		s.create(leader, "", "https://example.org/before")
		s.readAll(away, history.Get)
		time.Sleep(time.Second) // of virtual time: a state that is empty after the crash would be restored by any rule
		away.crash(away.disk.Kill())
		p := &powerLoss{machine: away, steps: steps, random: rand.New(rand.NewPCG(uint64(steps), 1))}
		away.files = func(fs store.FS) store.FS { return &watchedFS{FS: fs, before: p.before} }
		for i := range 40 {
			s.create(leader, "", fmt.Sprintf("https://example.org/away/%d", i))
			s.create(leader, fmt.Sprintf("away-%d", i), fmt.Sprintf("https://example.org/away/slug/%d", i))
		}
		time.Sleep(5 * time.Second) // snapshots are taken, and the log is cut
		away.open()
		for deadline := time.Now().Add(time.Minute); p.done() == nil && time.Now().Before(deadline); {
			time.Sleep(100 * time.Millisecond)
		}
		left := p.done()
		if left == nil {
			return
		}
		reached = true
		s.recorder.Fault("power loss", p.what)
		s.separate([]*machine{away}, []*machine{leader, others[1]})
		away.crash(left)
		away.files = nil
		if err := away.tryOpen(); err != nil {
			t.Fatalf("after %s: %v", p.what, err)
		}
		s.readAll(away, history.Follow)
		s.healAll()
		if t.Failed() {
			t.Logf("the power went before %s", p.what)
		}
	})
	return reached
}

// The power goes when the snapshot is there and its restore has not begun: raft counts from the snapshot on then.
func TestPowerLossBeforeARestoreLosesNothing(t *testing.T) {
	for range 4 { // what a crash leaves is a matter of chance, and one in forty leaves a state that any rule restores
		if !losePowerAtRestore(t, 0) {
			t.Fatal("nothing was restored")
		}
	}
}

// The power goes at every change that a restore makes.
func TestPowerLossInTheMiddleOfARestoreLosesNothing(t *testing.T) {
	for steps := 1; ; steps++ {
		reached := false
		if !t.Run(fmt.Sprint(steps), func(t *testing.T) { reached = losePowerAtRestore(t, steps) }) {
			return // each further step would tell the same
		}
		if !reached {
			t.Logf("a restore makes %d changes", steps)
			if steps < 8 {
				t.Fatal("so few are no restore")
			}
			return
		}
	}
}
