package cluster

import (
	"math"
	"runtime"
	"sync"

	"github.com/hashicorp/raft"
)

// aheadMost is how many entries may be on their way to the disk while raft goes on; the intake has fewer under way.
const aheadMost = 8

// ahead is the log as raft sees it. A leader's raft does not wait for its own disk: its entries travel to the followers while they
// are synced here, so that a write takes one sync in a row where it took two (Ongaro's thesis, section 10.2.1). Raft does not know
// that and counts this node among those that hold an entry, so two things are held back until the entry is on this disk: what the
// followers are told is committed (synced), and what the state machine here applies, hence all that is acknowledged (await).
// Whatever else raft does with its log waits until nothing is on its way, a follower's acknowledgement above all: it looks at
// each entry that it has already (GetLog), and appends the others.
type ahead struct {
	gapless

	mu      sync.Mutex
	leading func() bool   // owned by mu: exact on the goroutine that appends; nil until raft runs
	pending []*raft.Log   // owned by mu: with raft, but perhaps not on the disk; in order of index
	failed  error         // owned by mu: a write failed, for good
	changed chan struct{} // owned by mu: closed, and replaced, when pending gets shorter or failed is set

	writing sync.WaitGroup
}

var (
	_ raft.LogStore          = (*ahead)(nil)
	_ raft.MonotonicLogStore = (*ahead)(nil)
)

func newAhead(log gapless) *ahead { return &ahead{gapless: log, changed: make(chan struct{})} }

// StoreLog stores one entry, see StoreLogs.
func (a *ahead) StoreLog(entry *raft.Log) error { return a.StoreLogs([]*raft.Log{entry}) }

// StoreLogs stores entries. Those with commands, of a leader, are only on their way when it returns.
func (a *ahead) StoreLogs(entries []*raft.Log) error {
	if a.leads() && onlyCommands(entries) {
		if taken, err := a.take(entries); taken || err != nil {
			return err
		}
	}
	if err := a.flush(); err != nil {
		return err
	}
	return a.gapless.StoreLogs(entries)
}

// follow tells whose log this is. Before, nothing is ahead.
func (a *ahead) follow(r *raft.Raft) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.leading = func() bool { return r.State() == raft.Leader } // which raft's main goroutine changes, and it appends
}

func (a *ahead) leads() bool {
	a.mu.Lock()
	leading := a.leading
	a.mu.Unlock()
	return leading != nil && leading()
}

// onlyCommands: raft acts upon a configuration itself, and a barrier is answered without the state machine.
func onlyCommands(entries []*raft.Log) bool {
	for _, e := range entries {
		if e.Type != raft.LogCommand {
			return false
		}
	}
	return true
}

// take sends entries on their way, unless too many are.
func (a *ahead) take(entries []*raft.Log) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed != nil {
		return false, a.failed
	}
	if len(a.pending)+len(entries) > aheadMost {
		return false, nil
	}
	idle := len(a.pending) == 0
	a.pending = append(a.pending, entries...)
	if idle {
		a.writing.Go(a.write)
	}
	return true, nil
}

// write writes what is pending until nothing is.
func (a *ahead) write() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.pending) > 0 && a.failed == nil {
		entries := a.pending[:len(a.pending):len(a.pending)]
		a.mu.Unlock()
		err := a.gapless.StoreLogs(entries)
		a.mu.Lock()
		if a.failed = err; err == nil {
			a.pending = a.pending[len(entries):]
		}
		close(a.changed)
		a.changed = make(chan struct{})
	}
}

// synced is the index up to which this node holds all entries on its disk that raft believes it holds.
func (a *ahead) synced() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.pending) == 0 {
		return math.MaxUint64
	}
	return a.pending[0].Index - 1
}

// await waits until the entries up to index are on the disk. An error is for good: they may not be.
func (a *ahead) await(index uint64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.pending) > 0 && a.pending[0].Index <= index {
		if a.failed != nil {
			return a.failed
		}
		changed := a.changed
		a.mu.Unlock()
		<-changed
		a.mu.Lock()
	}
	return nil
}

// flush waits until all that is on its way now is on the disk, not for what comes meanwhile: under load something always is.
func (a *ahead) flush() error { return a.await(a.last()) }

// last is the index of the last entry on its way; 0 when nothing is.
func (a *ahead) last() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.pending); n > 0 {
		return a.pending[n-1].Index
	}
	return 0
}

// GetLog gives an entry. Only a leader is given one that is on its way, to send it. Another waits for it, and raft's goroutine ends
// where it never comes: it would panic upon an error. The log's Fatal has told raft to stop by then.
func (a *ahead) GetLog(index uint64, entry *raft.Log) error {
	if a.leads() {
		if a.under(index, entry) {
			return nil
		}
	} else if err := a.await(index); err != nil {
		runtime.Goexit()
	}
	return a.gapless.GetLog(index, entry)
}

// term is the term of an entry, on its way or not. It does not wait.
func (a *ahead) term(index uint64) (uint64, error) {
	var entry raft.Log
	if a.under(index, &entry) {
		return entry.Term, nil
	}
	err := a.gapless.GetLog(index, &entry)
	return entry.Term, err
}

// failure is why nothing is written any more; nil while it is.
func (a *ahead) failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

// under gives an entry that is on its way.
func (a *ahead) under(index uint64, entry *raft.Log) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.pending) == 0 || index < a.pending[0].Index || index-a.pending[0].Index >= uint64(len(a.pending)) {
		return false
	}
	*entry = *a.pending[index-a.pending[0].Index]
	return true
}

// FirstIndex is the first index of the log.
func (a *ahead) FirstIndex() (uint64, error) {
	if err := a.flush(); err != nil {
		return 0, err
	}
	return a.gapless.FirstIndex()
}

// LastIndex is the last index of the log.
func (a *ahead) LastIndex() (uint64, error) {
	if err := a.flush(); err != nil {
		return 0, err
	}
	return a.gapless.LastIndex()
}

// DeleteRange removes entries.
func (a *ahead) DeleteRange(first, last uint64) error {
	if err := a.flush(); err != nil {
		return err
	}
	return a.gapless.DeleteRange(first, last)
}

// close waits for what is on its way. Raft must have ended.
func (a *ahead) close() { a.writing.Wait() }
