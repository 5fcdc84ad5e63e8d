package raftlog

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/hashicorp/raft-wal/metadb"
	"github.com/hashicorp/raft-wal/types"
	"go.etcd.io/bbolt"
)

// The buckets and the key of raft-wal's own meta store, and the key of ours in the first bucket.
var (
	walMetaBucket   = []byte(metadb.MetaBucket)
	walStableBucket = []byte(metadb.StableBucket)
	walStateKey     = []byte(metadb.MetaKey)
	walMarkKey      = []byte("mark")
)

// walMeta is raft-wal's meta store: which segments there are, and the stable values. It is kept as raft-wal keeps its own, a
// bolt file in the directory, with three things more: waiting for the file's lock has an end, the state has a checksum, and a
// mark names an entry that was durable when it was written. A log that ends before the mark has lost something.
type walMeta struct {
	db   *bbolt.DB
	turn *turnover // nil while the log is viewed or mended

	floor    atomic.Uint64 // the last entry that is durable
	marked   atomic.Uint64 // what the mark on disk says
	tailBase atomic.Uint64 // the first entry of the newest segment
	panicked atomic.Bool   // bolt panicked, and may hold its locks for ever
}

var _ types.MetaStore = (*walMeta)(nil)

func metaFile(dir string) string { return filepath.Join(dir, metadb.FileName) }

// metaPresent refuses a directory without its meta store, which raft-wal would take for a new one.
func metaPresent(dir string) error {
	_, err := os.Stat(metaFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is missing", ErrDamaged, metadb.FileName)
	}
	return err
}

// createMeta makes the meta store of a log without entries, durably.
func createMeta(dir string) error {
	meta, err := openMeta(dir, false, true)
	if err != nil {
		return err
	}
	err = meta.update(func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucketIfNotExists(walMetaBucket); err != nil {
			return err
		}
		_, err := tx.CreateBucketIfNotExists(walStableBucket)
		return err
	})
	return errors.Join(err, meta.Close())
}

func openMeta(dir string, readOnly, sync bool) (*walMeta, error) {
	m := &walMeta{}
	err := withFile(func(o *bbolt.Options) (err error) {
		o.ReadOnly, o.NoSync = readOnly, !sync
		o.NoFreelistSync = true
		o.FreelistType = bbolt.FreelistMapType
		m.db, err = bbolt.Open(metaFile(dir), 0o600, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Load implements types.MetaStore; the store is open already.
func (m *walMeta) Load(string) (state types.PersistentState, err error) {
	err = m.view(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(walMetaBucket)
		raw, mark := bucket.Get(walStateKey), bucket.Get(walMarkKey)
		if len(mark) != 8+trailerSize || binary.BigEndian.Uint32(mark[8:]) != markChecksum(mark[:8], raw) {
			return fmt.Errorf("%w: %s does not match its checksum", ErrDamaged, metadb.FileName)
		}
		m.marked.Store(binary.BigEndian.Uint64(mark))
		if raw == nil {
			return nil
		}
		if err := json.Unmarshal(raw, &state); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrDamaged, metadb.FileName, err)
		}
		return nil
	})
	m.floor.Store(m.marked.Load())
	m.begins(state)
	return state, err
}

func (m *walMeta) begins(state types.PersistentState) {
	if n := len(state.Segments); n > 0 {
		m.tailBase.Store(state.Segments[n-1].BaseIndex)
	}
}

// CommitState implements types.MetaStore. A failure is told to the append that waits for the next segment, too: raft-wal would
// only log it.
func (m *walMeta) CommitState(state types.PersistentState) error {
	raw, err := json.Marshal(state)
	if err == nil {
		err = m.update(func(tx *bbolt.Tx) error { return tx.Bucket(walMetaBucket).Put(walStateKey, raw) })
	}
	if err != nil {
		m.turn.end(err)
		return err
	}
	m.begins(state)
	return nil
}

// kept says that the log is durable up to an entry. The first append to a segment leaves a mark, as raft-wal takes a segment
// that is missing or empty for one that was never written to.
func (m *walMeta) kept(index uint64) error {
	m.floor.Store(index)
	if base := m.tailBase.Load(); m.marked.Load() < base && index >= base {
		return m.mark()
	}
	return nil
}

// cut says that the log will end at an entry once the next state is committed.
func (m *walMeta) cut(last uint64) { m.floor.Store(last) }

// mark writes the mark anew.
func (m *walMeta) mark() error {
	if m.marked.Load() == m.floor.Load() {
		return nil
	}
	return m.update(func(*bbolt.Tx) error { return nil })
}

// GetStable implements types.MetaStore.
func (m *walMeta) GetStable(key []byte) (value []byte, err error) {
	err = m.view(func(tx *bbolt.Tx) error {
		if v := tx.Bucket(walStableBucket).Get(key); v != nil {
			value = append([]byte{}, v...)
		}
		return nil
	})
	return value, err
}

// SetStable implements types.MetaStore.
func (m *walMeta) SetStable(key, value []byte) error {
	return m.update(func(tx *bbolt.Tx) error { return tx.Bucket(walStableBucket).Put(key, value) })
}

func (m *walMeta) view(read func(*bbolt.Tx) error) error {
	return m.guard(func() error { return m.db.View(read) })
}

// update runs a transaction, which writes the mark as well.
func (m *walMeta) update(change func(*bbolt.Tx) error) error {
	var floor uint64
	err := m.guard(func() error {
		return m.db.Update(func(tx *bbolt.Tx) error {
			if err := change(tx); err != nil {
				return err
			}
			floor = m.floor.Load() // in the transaction, so that no older mark comes after a newer one
			bucket := tx.Bucket(walMetaBucket)
			mark := binary.BigEndian.AppendUint64(nil, floor)
			return bucket.Put(walMarkKey, binary.BigEndian.AppendUint32(mark, markChecksum(mark, bucket.Get(walStateKey))))
		})
	})
	if err != nil {
		return fmt.Errorf("%s: %w", metadb.FileName, err)
	}
	m.marked.Store(floor)
	return nil
}

// guard turns a panic of bolt into damage; it may happen on raft-wal's own goroutine, where nothing else would catch it.
func (m *walMeta) guard(do func() error) error {
	err, panicked := calm(do)
	if panicked {
		m.panicked.Store(true)
	}
	return err
}

// Close implements types.MetaStore. raft-wal never calls it.
func (m *walMeta) Close() error {
	if m.panicked.Load() {
		return nil // it may wait for ever
	}
	return m.db.Close()
}

func markChecksum(mark, state []byte) uint32 {
	return crc32.Update(crc32.Checksum(mark, castagnoli), castagnoli, state)
}
