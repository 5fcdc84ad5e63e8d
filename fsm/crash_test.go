package fsm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// crashingFS is a file system on which the power fails before every single change: before is called then.
type crashingFS struct {
	vfs.FS
	before func()
}

func (c *crashingFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	c.before()
	f, err := c.FS.Create(name, category)
	return crashingFile{f, c.before}, err
}

func (c *crashingFS) Link(oldname, newname string) error {
	c.before()
	return c.FS.Link(oldname, newname)
}

func (c *crashingFS) OpenDir(name string) (vfs.File, error) {
	f, err := c.FS.OpenDir(name)
	return crashingFile{f, c.before}, err
}

func (c *crashingFS) Remove(name string) error {
	c.before()
	return c.FS.Remove(name)
}

func (c *crashingFS) RemoveAll(name string) error {
	c.before()
	return c.FS.RemoveAll(name)
}

func (c *crashingFS) Rename(oldname, newname string) error {
	c.before()
	return c.FS.Rename(oldname, newname)
}

func (c *crashingFS) MkdirAll(dir string, perm os.FileMode) error {
	c.before()
	return c.FS.MkdirAll(dir, perm)
}

// crashingFile tells of a file's syncs.
type crashingFile struct {
	vfs.File
	before func()
}

func (f crashingFile) Sync() error {
	f.before()
	return f.File.Sync()
}

func (f crashingFile) SyncData() error {
	f.before()
	return f.File.SyncData()
}

// history is what must hold after a crash: the entries in raft's log, the digest of the state after each of them, and the
// links that were acknowledged. It stands for the rest of the cluster, which does not crash.
type history struct {
	mu      sync.Mutex
	log     []*raft.Log             // every entry ever committed; log[i] has index i+1, nil for a no-op
	digests map[uint64]store.Digest // by index
	acked   []link.Link
	first   uint64 // of raft's log on the crashing node
	last    uint64
}

// wreck is a disk after a power cut, with what the node's log was then and what had been acknowledged by then.
type wreck struct {
	disk        disk
	first, last uint64
	acked       int
	what        string
}

// node is a state machine that is watched: its disk is kept as every possible crash leaves it.
type node struct {
	*replica
	history *history
	mu      sync.Mutex
	step    string
	wrecks  []wreck
}

// watch starts a node whose crashes are collected.
func watch(t *testing.T, h *history) *node {
	n := &node{history: h, step: "open"}
	mem := newDisk()
	n.replica = &replica{t: t, disk: mem, fatals: &fatals{}}
	c := config(mem, n.fatals.tell)
	var seed uint64
	c.FS = &crashingFS{mem.MemFS, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		h.mu.Lock()
		first, last, acked := h.first, h.last, len(h.acked)
		h.mu.Unlock()
		seed++
		for _, percent := range []int{0, 50} {
			what := fmt.Sprintf("%s, change %d, %d %% of the unsynced", n.step, seed, percent)
			n.wrecks = append(n.wrecks, wreck{mem.crash(percent, seed), first, last, acked, what})
		}
	}}
	var err error
	if n.FSM, err = Open(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.close() })
	return n
}

func (n *node) name(step string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.step = step
}

// apply appends entries to the log and applies them together; what they make is acknowledged then.
func (n *node) apply(logs ...*raft.Log) {
	h := n.history
	h.mu.Lock()
	for _, l := range logs {
		h.last = max(h.last, l.Index)
	}
	h.mu.Unlock()
	for _, answer := range n.ApplyBatch(logs) {
		outcome, ok := answer.(Outcome)
		if !ok {
			n.t.Fatalf("answer %v", answer)
		}
		h.mu.Lock()
		for _, results := range outcome.Results {
			for _, r := range results {
				if r.Link.Code != "" {
					h.acked = append(h.acked, r.Link)
				}
			}
		}
		h.mu.Unlock()
	}
	crashNow(n) // an apply writes without sync: what of it is on disk is up to chance
}

// truncate drops raft's log up to index, as raft does once a snapshot is there.
func (n *node) truncate(index uint64) {
	n.history.mu.Lock()
	defer n.history.mu.Unlock()
	n.history.first = index + 1
}

// entries writes a history of n entries with every command, keys and slugs, and no-ops in between.
func entries(t *testing.T, n int) *history {
	h := &history{digests: make(map[uint64]store.Digest), first: 1}
	reference := start(t)
	w := writer{node: "n1", boot: 1}
	for i := uint64(1); len(h.log) < n; i++ {
		var b command.Batch
		switch {
		case i == 1:
			b = w.batch(command.Lead{CodeKey: testKey, ClusterVersion: 1})
		case i%5 == 0:
			h.log = append(h.log, nil)
			continue
		case i%7 == 0:
			b = w.batch(command.Delete{Code: link.Code(fmt.Sprintf("slug-%d", i-1))}, keyed("s", fmt.Sprint(i%3), uint32(i), 0))
		case i%7 == 1: // changes of what came three entries before: a link, or none
			code := link.Code(fmt.Sprintf("slug-%d", i-3))
			b = w.batch(
				command.Edit{Edit: link.Edit{Code: code, Set: link.AllFields, Fields: everyField()}},
				command.Edit{Edit: link.Edit{Code: code, Set: link.DisabledField}}, command.Consume{Code: code},
				command.Create{Draft: finding(0, link.Fields{})}, command.Create{Draft: endedLong(i)},
			)
		case i%7 == 2:
			b = governed(&w, i)
		default:
			b = w.batch(command.Create{Draft: slug(fmt.Sprintf("slug-%d", i))}, command.Create{Draft: draft(fmt.Sprintf("http://a/%d", i))})
		}
		w.floor = w.sequence
		l := entryOf(t, i, at(time.Duration(i)*time.Minute), b)
		h.log = append(h.log, l)
		if o, ok := reference.Apply(l).(Outcome); !ok || o.Index != i {
			t.Fatal("the history does not apply")
		}
		h.digests[i] = reference.digest()
	}
	return h
}

// governed are a sweep, changes of who may do what, and what is asked for under them.
func governed(w *writer, i uint64) command.Batch {
	user, key, before := fmt.Sprintf("u%d", i), fmt.Sprintf("k%d", i), fmt.Sprintf("u%d", i-7)
	host := user + ".example"
	b := w.batch(
		command.Sweep{Limit: 1}, userOf(user, access.Editor), keyOf(key, user), keyOf(key+"b", ""), command.Deny{Host: host},
		command.Report{Code: "slug-3", Reason: user}, command.DeleteUser{ID: before}, command.Allow{Host: before + ".example"}, command.RevokeKey{ID: key + "b"},
		command.Create{Draft: link.Draft{Fields: link.Fields{Target: "http://a"}, Slug: link.Code("slug-" + key), Owner: user}},
		command.Create{Draft: link.Draft{Fields: link.Fields{Target: "http://a"}, Host: "www." + host}},
		command.Delete{Code: link.Code("slug-" + key)}, command.Dismiss{Code: "slug-3"},
	)
	for n := 9; n < len(b.Operations); n++ {
		b.Operations[n].Actor = key
	}
	return b
}

// endedLong is the draft of a link that can be swept.
func endedLong(i uint64) link.Draft {
	d := imported(link.Code(fmt.Sprintf("slug-ended-%d", i)), link.Imported{})
	d.ValidUntil = at(-2 * link.ExpiredKept)
	return d
}

// span gives the entries from one index to another, without the no-ops.
func (h *history) span(from, to uint64) (logs []*raft.Log) {
	for _, l := range h.log[from-1 : to] {
		if l != nil {
			logs = append(logs, l)
		}
	}
	return logs
}

// check opens a wreck and demands: a state that some moment of the history had, raft allowed to start on it, nothing missing
// once the log is replayed.
func (h *history) check(t *testing.T, w wreck) {
	t.Helper()
	f := &fatals{}
	r, err := Open(config(w.disk, f.tell))
	if err != nil {
		t.Errorf("%s: open: %v", w.what, err)
		return
	}
	defer r.Close()
	position, digest := r.Store().CurrentDigest()
	snapshot, state := r.Snapshots().Newest()
	if position.Index > 0 && digest != h.digests[position.Index] {
		t.Errorf("%s: the state at %d is none of the history", w.what, position.Index)
	}
	if position.Index < state {
		t.Errorf("%s: the state is at %d, the newest snapshot holds %d", w.what, position.Index, state)
	}
	log := LogState{First: w.first, Last: w.last, HasTerm: w.last > 0}
	if log.First > log.Last {
		log.First, log.Last = 0, 0
	}
	log.HasTerm = log.HasTerm || snapshot > 0
	if err := r.CheckLog(log); err != nil {
		t.Errorf("%s: %v", w.what, err)
		return
	}
	// Raft goes on behind its newest snapshot, and gets from the leader what its own log lacks.
	if from, to := snapshot+1, uint64(len(h.log)); from <= to {
		r.ApplyBatch(h.span(from, to))
	}
	if err := r.Failed(); err != nil {
		t.Errorf("%s: replay: %v", w.what, err)
		return
	}
	for _, l := range h.acked[:w.acked] {
		got, err := r.Store().Lookup(l.Code)
		if deleted := errors.Is(err, link.ErrGone) && strings.HasPrefix(string(l.Code), "slug-"); !deleted && (err != nil || !follows(got, l)) {
			t.Errorf("%s: acknowledged %+v, found %+v, %v", w.what, l, got, err)
		}
	}
	last := uint64(len(h.log))
	for h.log[last-1] == nil {
		last--
	}
	if position, digest := r.Store().CurrentDigest(); digest != h.digests[last] || position.Index != last {
		t.Errorf("%s: after the replay the state at %d is not the others'", w.what, position.Index)
	}
}

// follows reports whether a link can have become of an acknowledged one.
func follows(now, acked link.Link) bool {
	if now.Version == acked.Version && now.Visits == acked.Visits {
		return now == acked
	}
	return now.Code == acked.Code && now.CreatedAt.Equal(acked.CreatedAt) && now.Version >= acked.Version && now.Visits >= acked.Visits
}

// checkAll checks every wreck of a node.
func (n *node) checkAll(t *testing.T) {
	t.Helper()
	n.mu.Lock()
	wrecks := n.wrecks
	n.mu.Unlock()
	steps := make(map[string]int)
	for _, w := range wrecks {
		n.history.check(t, w)
		steps[strings.Split(w.what, ",")[0]]++
	}
	t.Logf("crashed %d times: %v", len(wrecks), steps)
}

// A node applies, snapshots, truncates its log and goes on. Whatever it was doing when the power failed, nothing is lost.
func TestACrashAtAnyMomentOfANodesLifeLosesNothing(t *testing.T) {
	h := entries(t, 44)
	n := watch(t, h)
	n.name("apply")
	n.apply(h.span(1, 4)...)
	n.apply(h.span(6, 9)...)
	n.name("snapshot")
	n.snapshot(10) // behind a no-op
	n.truncate(10)
	n.name("apply behind a snapshot")
	n.apply(h.span(11, 19)...)
	n.name("second snapshot")
	n.snapshot(20)
	n.truncate(20)
	n.name("third snapshot, the first is reaped")
	n.apply(h.span(21, 29)...)
	n.snapshot(29)
	n.truncate(29)
	n.name("apply at the end")
	n.apply(h.span(31, 34)...)
	n.apply(h.span(36, 44)...)
	n.name("over")
	crashNow(n)
	n.checkAll(t)
}

// crashNow crashes a node where nothing changes on disk.
func crashNow(n *node) {
	c := n.config.FS.(*crashingFS)
	c.before()
}

// A follower that was cut off is given a snapshot. Raft closes it before the state machine restores it, and counts from it
// after a restart, whatever the state machine had got to.
func TestACrashAtAnyMomentOfAnInstallLosesNothing(t *testing.T) {
	h := entries(t, 44)
	leader := start(t)
	leader.ApplyBatch(h.span(1, 29))
	meta, data := leader.stream(leader.snapshot(30))
	leader.ApplyBatch(h.span(31, 39))
	meta2, data2 := leader.stream(leader.snapshot(40))

	n := watch(t, h)
	n.name("apply before")
	n.apply(h.span(1, 8)...)
	n.name("install")
	id := n.install(meta, data)
	n.name("between close and restore")
	crashNow(n)
	n.name("restore")
	if err := n.restore(id); err != nil {
		t.Fatal(err)
	}
	n.name("apply behind the install")
	n.apply(h.span(31, 34)...)
	n.name("second install")
	id = n.install(meta2, data2)
	n.name("second restore, crashing while it reads")
	_, source, err := n.Snapshots().Open(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Restore(&crashingReader{ReadCloser: source, n: n}); err != nil {
		t.Fatal(err)
	}
	if err := source.Close(); err != nil {
		t.Fatal(err)
	}
	n.name("own snapshot after the install")
	n.apply(h.span(41, 44)...)
	n.snapshot(44)
	n.truncate(44)
	n.name("over")
	crashNow(n)
	n.checkAll(t)
}

// crashingReader crashes a node before every read, a few bytes at a time.
type crashingReader struct {
	io.ReadCloser
	n *node
}

func (c *crashingReader) Read(p []byte) (int, error) {
	crashNow(c.n)
	return c.ReadCloser.Read(p[:min(len(p), 997)])
}
