package disk

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"sync"
	"syscall"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/raftlog"
)

// logs is the raftlog.Engine of a disk. It keeps of a log what bolt promises of its file, no more: a transaction is atomic,
// and on disk when it returns if the log was opened with sync. What was not synced is lost from the end.
type logs struct {
	disk *Disk

	mu    sync.Mutex
	files map[string]*logFile // guarded by mu: by path
}

var _ raftlog.Engine = (*logs)(nil)

// contents is what a log holds.
type contents struct {
	entries map[uint64]raft.Log // values share no memory with a caller's
	values  map[string][]byte   // likewise
	first   uint64              // the lowest index, 0 without entries
	last    uint64              // the highest index, 0 without entries
	size    int64               // bytes, about
}

func (c contents) clone() contents {
	c.entries, c.values = maps.Clone(c.entries), maps.Clone(c.values)
	return c
}

// transaction changes contents, the same way each time.
type transaction func(*contents)

// logFile is one log.
type logFile struct {
	node *inode
	// turn is held by the writer. It is a channel, as its holder may hang.
	turn chan struct{}

	mu     sync.Mutex
	now    contents      // guarded by mu: what is read
	synced contents      // guarded by mu: what no crash takes
	tail   []transaction // guarded by mu: what makes now of synced
	flying transaction   // guarded by mu: being written, and in tail or synced when that is done; nil when there is none
	open   bool          // guarded by mu: it is locked
}

func newLogFile(n *inode) *logFile {
	return &logFile{node: n, turn: make(chan struct{}, 1), now: empty(), synced: empty()}
}

func empty() contents { return contents{entries: map[uint64]raft.Log{}, values: map[string][]byte{}} }

func (l *logs) find(name string) *logFile {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.files[name]
}

// Exists implements raftlog.Engine.
func (l *logs) Exists(name string) (bool, error) { return l.find(name) != nil, nil }

// Create implements raftlog.Engine. The directory's name must be there, as for any file.
func (l *logs) Create(name string) error {
	if _, err := l.disk.mem.Stat(path.Dir(name)); err != nil {
		return err
	}
	if err := l.disk.gate.pass(usual, l.disk.space.room); err != nil {
		return err
	}
	if err := l.disk.gate.passSync(usual); err != nil {
		return err
	}
	l.disk.moment.RLock()
	defer l.disk.moment.RUnlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files[name] = newLogFile(l.disk.space.create(name))
	return nil
}

// View implements raftlog.Engine.
func (l *logs) View(name string) (raftlog.Store, error) { return l.store(name, false) }

// Open implements raftlog.Engine.
func (l *logs) Open(name string, sync bool) (raftlog.Store, error) { return l.store(name, sync) }

func (l *logs) store(name string, sync bool) (raftlog.Store, error) {
	f := l.find(name)
	if f == nil {
		return nil, fmt.Errorf("%s: %w", name, syscall.ENOENT)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open {
		return nil, raftlog.ErrLocked
	}
	f.open = true
	return &logStore{disk: l.disk, file: f, sync: sync}, nil
}

// copyTo gives the next life what a crash leaves of each log: what was synced, and of the rest a prefix, which is whole for
// 100 percent and none of it for 0. The caller has stopped all changes.
func (l *logs) copyTo(next *logs, percent int, r *rand.Rand) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, f := range l.files {
		if _, err := next.disk.mem.Stat(path.Dir(name)); err != nil {
			continue // lost with its directory
		}
		f.mu.Lock()
		left := f.left(percent, r)
		f.mu.Unlock()
		node := next.disk.space.create(name)
		_ = next.disk.space.grow(node, f.node.size, true) // it was there before
		copied := newLogFile(node)
		copied.now, copied.synced = left, left.clone()
		next.files[name] = copied
	}
}

// left is what a crash leaves. The caller holds mu.
func (f *logFile) left(percent int, r *rand.Rand) contents {
	left, tail := f.synced.clone(), f.tail
	if f.flying != nil {
		tail = append(tail[:len(tail):len(tail)], f.flying)
	}
	keep := 0
	switch {
	case percent == 100:
		keep = len(tail)
	case percent > 0:
		keep = r.IntN(len(tail) + 1)
	}
	for _, change := range tail[:keep] {
		change(&left)
	}
	return left
}
