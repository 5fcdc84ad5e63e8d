package raftlog

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

// walStore is a Store on raft-wal. It keeps apart what raft-wal does not: a reader may find its segment's file closed by a
// truncation that ran at the same time, and everybody may meet a log that is just being closed.
type walStore struct {
	wal  *wal.WAL
	meta *walMeta
	turn *turnover

	// gate is held alone by what removes entries or closes the log, and shared by all else.
	gate      sync.RWMutex
	closed    bool        // guarded by gate
	appending sync.Mutex  // held by an append until its entries are kept
	failed    atomic.Bool // a write failed
}

var (
	_ Store                  = (*walStore)(nil)
	_ raft.MonotonicLogStore = (*walStore)(nil)
)

// IsMonotonic implements raft.MonotonicLogStore: an entry must follow the one before it.
func (s *walStore) IsMonotonic() bool { return true }

// shared runs what may run beside others.
func (s *walStore) shared(do func() error) error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		return ErrClosed
	}
	return do()
}

// FirstIndex implements raft.LogStore.
func (s *walStore) FirstIndex() (index uint64, err error) {
	err = s.shared(func() error {
		index, err = s.wal.FirstIndex()
		return err
	})
	return index, err
}

// LastIndex implements raft.LogStore.
func (s *walStore) LastIndex() (index uint64, err error) {
	err = s.shared(func() error {
		index, err = s.wal.LastIndex()
		return err
	})
	return index, err
}

// GetLog implements raft.LogStore. raft-wal still gives entries that were deleted from the front of its newest segment.
func (s *walStore) GetLog(index uint64, entry *raft.Log) error {
	return s.shared(func() error {
		first, err := s.wal.FirstIndex()
		if err != nil {
			return err
		}
		if index < first {
			return raft.ErrLogNotFound
		}
		return s.wal.GetLog(index, entry)
	})
}

// StoreLog implements raft.LogStore.
func (s *walStore) StoreLog(entry *raft.Log) error { return s.StoreLogs([]*raft.Log{entry}) }

// StoreLogs implements raft.LogStore. The entries must follow the last one, or may have any index if there is none.
func (s *walStore) StoreLogs(entries []*raft.Log) error {
	if len(entries) == 0 {
		return nil
	}
	return s.write(func() error {
		return s.shared(func() error {
			s.appending.Lock()
			defer s.appending.Unlock()
			if err := s.wal.StoreLogs(entries); err != nil {
				return err
			}
			if err := s.meta.kept(entries[len(entries)-1].Index); err != nil {
				return err
			}
			return s.turn.wait()
		})
	})
}

// DeleteRange implements raft.LogStore. The range must reach one of the ends of the log.
func (s *walStore) DeleteRange(low, high uint64) error {
	return s.write(func() error {
		s.gate.Lock()
		defer s.gate.Unlock()
		if s.closed {
			return ErrClosed
		}
		first, err := s.wal.FirstIndex()
		if err != nil {
			return err
		}
		last, err := s.wal.LastIndex()
		if err != nil {
			return err
		}
		switch {
		case last == 0 || low > high || high < first || low > last:
			return nil
		case high >= last && low <= first:
			s.meta.cut(0)
		case high >= last:
			s.meta.cut(low - 1)
		}
		return s.wal.DeleteRange(low, high)
	})
}

// Set keeps a value; each value of a Log ends in a checksum, so none is empty.
func (s *walStore) Set(key, value []byte) error {
	return s.write(func() error {
		return s.shared(func() error { return s.wal.Set(key, value) })
	})
}

// Get gives a value, or ErrNotFound: raft-wal has no word for a missing one.
func (s *walStore) Get(key []byte) (value []byte, err error) {
	err = s.shared(func() error {
		if value, err = s.wal.Get(key); err == nil && value == nil {
			err = ErrNotFound
		}
		return err
	})
	return value, err
}

// write remembers whether a write failed.
func (s *walStore) write(do func() error) error {
	err := do()
	if err != nil && !errors.Is(err, ErrClosed) {
		s.failed.Store(true)
	}
	return err
}

// Close waits for what is under way. It leaves a mark at the last entry, so that of a log that was closed no entry can be lost
// unseen; raft-wal does not close its meta store.
func (s *walStore) Close() error {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var err error
	if !s.failed.Load() {
		err = s.meta.mark()
	}
	return errors.Join(err, s.wal.Close(), s.meta.Close())
}
