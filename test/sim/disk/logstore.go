package disk

import (
	"bytes"
	"sync"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/raftlog"
)

// perRow is about what a row of a log takes besides its content, in bytes.
const perRow = 64

// logStore is an open log.
type logStore struct {
	disk *Disk    // immutable
	file *logFile // immutable
	sync bool     // immutable

	mu   sync.Mutex
	shut bool // guarded by mu
}

var _ raftlog.Store = (*logStore)(nil)

// commit writes a transaction that takes about so many bytes.
func (s *logStore) commit(bytes int64, change transaction) error {
	f, gate := s.file, s.disk.gate
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	if s.closed() {
		return raftlog.ErrClosed
	}
	if err := gate.pass(usual, func(vital bool) error { return s.disk.space.grow(f.node, f.size()+bytes, vital) }); err != nil {
		return err
	}
	if gate.isOff() {
		return errPowerOff
	}
	f.set(func() { f.flying = change })
	var failed error
	if s.sync {
		failed = gate.passSync(usual)
	}
	s.disk.moment.RLock()
	defer s.disk.moment.RUnlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flying = nil
	change(&f.now)
	f.tail = append(f.tail, change)
	switch {
	case failed != nil: // written, and nobody knows how far
		return failed
	case gate.isOff():
		return errPowerOff
	case s.sync:
		for _, written := range f.tail {
			written(&f.synced)
		}
		f.tail = nil
	}
	return nil
}

func (f *logFile) set(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// size is what the log's content takes, in bytes.
func (f *logFile) size() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now.size
}

// read looks at the contents.
func (s *logStore) read(look func(contents) error) error {
	if s.closed() {
		return raftlog.ErrClosed
	}
	s.file.mu.Lock()
	defer s.file.mu.Unlock()
	return look(s.file.now)
}

func (s *logStore) closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shut
}

// Close waits for a write under way and lets go of the file.
func (s *logStore) Close() error {
	s.file.turn <- struct{}{}
	defer func() { <-s.file.turn }()
	s.mu.Lock()
	again := s.shut
	s.shut = true
	s.mu.Unlock()
	if !again {
		s.file.set(func() { s.file.open = false })
	}
	return nil
}

func (s *logStore) FirstIndex() (first uint64, err error) {
	err = s.read(func(c contents) error { first = c.first; return nil })
	return first, err
}

func (s *logStore) LastIndex() (last uint64, err error) {
	err = s.read(func(c contents) error { last = c.last; return nil })
	return last, err
}

func (s *logStore) GetLog(index uint64, entry *raft.Log) error {
	return s.read(func(c contents) error {
		stored, ok := c.entries[index]
		if !ok {
			return raft.ErrLogNotFound
		}
		*entry = clone(stored)
		return nil
	})
}

func (s *logStore) StoreLog(entry *raft.Log) error { return s.StoreLogs([]*raft.Log{entry}) }

func (s *logStore) StoreLogs(entries []*raft.Log) error {
	added, bytes := make([]raft.Log, len(entries)), int64(0)
	for i, e := range entries {
		added[i] = clone(*e)
		added[i].AppendedAt = e.AppendedAt.Round(0) // no monotonic reading is ever read back
		bytes += entrySize(added[i])
	}
	s.disk.history.add(added)
	return s.commit(bytes, func(c *contents) {
		for _, e := range added {
			c.put(e)
		}
	})
}

func (s *logStore) DeleteRange(low, high uint64) error {
	return s.commit(0, func(c *contents) { c.remove(low, high) })
}

func (s *logStore) Set(key, value []byte) error {
	k, v := string(key), bytes.Clone(value)
	return s.commit(perRow+int64(len(k)+len(v)), func(c *contents) { c.values[k] = v })
}

func (s *logStore) Get(key []byte) (value []byte, err error) {
	err = s.read(func(c contents) error {
		stored, ok := c.values[string(key)]
		if !ok {
			return raftlog.ErrNotFound
		}
		value = append([]byte{}, stored...)
		return nil
	})
	return value, err
}

// put adds an entry, or replaces one.
func (c *contents) put(e raft.Log) {
	if old, ok := c.entries[e.Index]; ok {
		c.size -= entrySize(old)
	}
	c.entries[e.Index] = e
	c.size += entrySize(e)
	if c.first == 0 || e.Index < c.first {
		c.first = e.Index
	}
	c.last = max(c.last, e.Index)
}

// remove takes the entries from low to high off, both included.
func (c *contents) remove(low, high uint64) {
	for index := max(low, c.first); index <= min(high, c.last); index++ {
		if e, ok := c.entries[index]; ok {
			c.size -= entrySize(e)
			delete(c.entries, index)
		}
	}
	if len(c.entries) == 0 {
		c.first, c.last = 0, 0
		return
	}
	for c.entries[c.first].Index != c.first {
		c.first++
	}
	for c.entries[c.last].Index != c.last {
		c.last--
	}
}

func entrySize(e raft.Log) int64 { return perRow + int64(len(e.Data)+len(e.Extensions)) }

// clone copies an entry and what it points to.
func clone(e raft.Log) raft.Log {
	e.Data, e.Extensions = bytes.Clone(e.Data), bytes.Clone(e.Extensions)
	return e
}
