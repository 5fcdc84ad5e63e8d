package fsm

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyurl/fsm/command"
	"tinyurl/fsm/store"
)

const (
	stateDir    = "/data/groups/0/state"
	snapshotDir = "/data/groups/0/snapshots"
)

// recorder is a logger's output.
type recorder struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

// openLogged opens a state machine and tells whether it restored a snapshot.
func openLogged(t *testing.T, d disk) (r *replica, restored bool) {
	t.Helper()
	out := &recorder{}
	r = &replica{t: t, disk: d, fatals: &fatals{}}
	c := config(d, r.fatals.tell)
	c.Logger = slog.New(slog.NewTextHandler(out, nil))
	var err error
	if r.FSM, err = Open(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.close() })
	return r, strings.Contains(out.buf.String(), "restoring")
}

// settle makes all that was applied durable.
func (r *replica) settle() {
	r.t.Helper()
	s, err := r.Snapshot()
	if err != nil {
		r.t.Fatal(err)
	}
	s.Release()
}

// Raft's index counts entries the state never sees. By it, an up-to-date store would look behind for ever.
func TestATailOfNoOpsDoesNotBringASnapshotBack(t *testing.T) {
	g := lead(t)
	g.make(slug("x"))
	g.snapshot(g.index + 5)
	r, restored := openLogged(t, g.disk.crash(0, 1))
	if restored || r.digest() != g.digest() || r.AppliedIndex() != g.index {
		t.Errorf("restored: %v, applied %d, want %d", restored, r.AppliedIndex(), g.index)
	}
	if err := r.CheckLog(LogState{First: 1, Last: g.index + 5, HasTerm: true}); err != nil {
		t.Error(err)
	}
}

func TestTheStateAheadOfTheSnapshotStays(t *testing.T) {
	g := lead(t)
	g.snapshot(g.index)
	g.make(slug("x"))
	g.settle()
	r, restored := openLogged(t, g.disk.crash(100, 1))
	if restored || r.AppliedIndex() != g.index {
		t.Errorf("restored: %v, applied %d, want %d", restored, r.AppliedIndex(), g.index)
	}
}

func TestADeletedStoreComesBackFromTheSnapshotAndTheLog(t *testing.T) {
	g := lead(t)
	made := g.make(slug("x"))
	taken := g.index
	g.snapshot(taken + 1)
	g.index++
	after := g.make(slug("y"))
	d := g.disk.crash(100, 1)
	if err := d.RemoveAll(stateDir); err != nil {
		t.Fatal(err)
	}
	r, restored := openLogged(t, d)
	if !restored || r.AppliedIndex() != taken {
		t.Fatalf("restored: %v, applied %d, want %d", restored, r.AppliedIndex(), taken)
	}
	if err := r.CheckLog(LogState{First: taken, Last: g.index, HasTerm: true}); err != nil {
		t.Error(err)
	}
	r.Apply(g.log[len(g.log)-1])
	if r.digest() != g.digest() {
		t.Error("the state is another one")
	}
	for _, want := range []string{string(made.Code), string(after.Code)} {
		if _, err := r.Store().Lookup(slug(want).Slug); err != nil {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestADeletedStoreWithoutASnapshotComesBackFromTheLog(t *testing.T) {
	g := lead(t)
	g.make(slug("x"))
	d := g.disk.crash(100, 1)
	if err := d.RemoveAll(stateDir); err != nil {
		t.Fatal(err)
	}
	r, _ := openLogged(t, d)
	if err := r.CheckLog(LogState{First: 1, Last: g.index, HasTerm: true}); err != nil {
		t.Error(err)
	}
	if err := r.CheckLog(LogState{First: 2, Last: g.index, HasTerm: true}); !errors.Is(err, ErrMemoryLost) {
		t.Errorf("a log that begins behind the state: %v, want ErrMemoryLost", err)
	}
	r.ApplyBatch(g.log)
	if r.digest() != g.digest() {
		t.Error("the state is another one")
	}
}

// An old voter without its memory would elect wrongly: it does not start, and says what to do.
func TestAVoterWithoutItsMemoryIsRefused(t *testing.T) {
	g := lead(t)
	g.make(slug("x"))
	g.make(slug("y")) // applied 3
	g.settle()
	with := g.disk.crash(100, 1)
	g.snapshot(3)
	g.make(slug("z")) // applied 4, a snapshot at 3
	g.settle()
	for name, c := range map[string]struct {
		disk disk
		log  LogState
		ok   bool
	}{
		"whole log":                         {with, LogState{1, 3, true}, true},
		"log ahead of the state":            {with, LogState{1, 9, true}, true},
		"log deleted":                       {with, LogState{}, false},
		"log deleted, new term":             {with, LogState{0, 0, true}, false},
		"log of another time":               {with, LogState{1, 2, true}, false},
		"term missing":                      {with, LogState{1, 3, false}, false},
		"log truncated behind the snapshot": {g.disk.crash(100, 2), LogState{4, 4, true}, true},
		"log deleted beside a snapshot":     {g.disk.crash(100, 3), LogState{}, false},
		"a gap behind the snapshot":         {g.disk.crash(100, 4), LogState{5, 9, true}, false},
		"nothing at all":                    {newDisk(), LogState{}, true},
		"a new voter":                       {newDisk(), LogState{0, 0, true}, true},
	} {
		r := open(t, c.disk)
		before := r.digest()
		err := r.CheckLog(c.log)
		if c.ok && err != nil || !c.ok && (!errors.Is(err, ErrMemoryLost) || !strings.Contains(err.Error(), "joins as a new member")) {
			t.Errorf("%s: %v; want it taken: %v", name, err, c.ok)
		}
		if r.digest() != before {
			t.Errorf("%s: asking changed the state", name)
		}
		r.close()
	}
}

func TestASnapshotNotCaughtUpWithTheStateIsRefused(t *testing.T) {
	g := lead(t)
	g.make(slug("x"))
	// After a restart raft hands over again what the state contains; until it is through, its index is below the state's.
	if _, err := takeSnapshot(g.FSM, g.index-1); !errors.Is(err, ErrCatchingUp) {
		t.Errorf("snapshot: %v, want ErrCatchingUp", err)
	}
	if names, _ := g.disk.List(snapshotDir); len(names) != 0 {
		t.Errorf("on disk: %v", names)
	}
	g.snapshot(g.index)
}

func TestLeftoversOfACrashAreRemoved(t *testing.T) {
	g := lead(t)
	if _, err := g.Snapshot(); err != nil { // a checkpoint nobody adopts
		t.Fatal(err)
	}
	meta, data := g.stream(g.snapshot(g.index))
	sink, err := g.Snapshots().Create(1, meta.Index, 1, testServers(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Write(data); err != nil { // never closed
		t.Fatal(err)
	}
	d := g.disk.crash(100, 1)
	if names, _ := d.List(snapshotDir); len(names) != 3 {
		t.Fatalf("before: %v", names)
	}
	r := open(t, d)
	defer r.close()
	names, _ := d.List(snapshotDir)
	metas, _ := r.Snapshots().List()
	if len(names) != 1 || len(metas) != 1 {
		t.Fatalf("after: %v, list %v", names, metas)
	}
	if diff := cmp.Diff(meta, metas[0]); diff != "" {
		t.Errorf("meta after a restart:\n%s", diff)
	}
	if id := r.snapshot(r.step()); id == metas[0].ID {
		t.Error("two snapshots have one name")
	}
}

func TestAnotherFormatIsRefusedAndLeftAlone(t *testing.T) {
	for _, format := range []string{"format 2", "format 4"} {
		t.Run(format, func(t *testing.T) { testFormatIsRefused(t, format) })
	}
}

func testFormatIsRefused(t *testing.T, format string) {
	g := lead(t)
	g.make(slug("x"))
	g.snapshot(g.index)
	d := g.disk.crash(100, 1)
	rewrite(t, d, stateDir+"/CURRENT", func(data []byte) []byte {
		return bytes.Replace(data, []byte("format 3"), []byte(format), 1)
	})
	before, _ := d.List(stateDir)
	slices.Sort(before)
	if _, err := Open(config(d, func(error) {})); !errors.Is(err, store.ErrFormat) {
		t.Errorf("open: %v, want ErrFormat", err)
	}
	after, _ := d.List(stateDir)
	if slices.Sort(after); !slices.Equal(before, after) {
		t.Errorf("the directory changed from %v to %v", before, after)
	}
}

func TestAStateOfANewerClusterVersionIsRefused(t *testing.T) {
	g := lead(t)
	b, err := g.Store().NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(b.Advance(store.Position{Index: 9, Term: 1}), b.SetClusterVersion(MaxClusterVersion+1), b.Commit(), b.Close())
	if err != nil {
		t.Fatal(err)
	}
	meta, data := g.stream(g.snapshot(9))
	if _, err := Open(config(g.disk.crash(100, 1), func(error) {})); !errors.Is(err, command.ErrUpgrade) {
		t.Errorf("open: %v, want ErrUpgrade", err)
	}
	// Installed from a leader that is newer, it stops the node instead of being applied by rules it does not have.
	other := lead(t)
	if err := other.restore(other.install(meta, data)); !errors.Is(err, command.ErrUpgrade) {
		t.Errorf("restore: %v, want ErrUpgrade", err)
	}
	checkStopped(t, other, command.ErrUpgrade)
}

func TestADirectoryIsOpenedOnce(t *testing.T) {
	g := lead(t)
	if _, err := Open(config(g.disk, func(error) {})); !errors.Is(err, store.ErrLocked) {
		t.Errorf("open: %v, want ErrLocked", err)
	}
	if _, err := Open(Config{Dir: "/x"}); err == nil {
		t.Error("opened without Fatal")
	}
}
