package raftlog

import (
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
)

// ErrNotFound is a Store's answer for a value it does not have. Raft compares its text, "not found".
var ErrNotFound = raftboltdb.ErrKeyNotFound

// Store is what a Log wraps: raft-boltdb's BoltStore, one on raft-wal, or another log store of the same duties. Each write is one transaction:
// it is kept as a whole or not at all, and is durable when it returns if the store was opened with sync. It keeps no part of
// what it is given, as raft uses its buffers again. A missing entry is raft.ErrLogNotFound, a missing value ErrNotFound.
type Store interface {
	raft.LogStore
	Set(key, value []byte) error
	Get(key []byte) ([]byte, error)
	// Close may be called twice; other calls then fail, with ErrClosed or bolt's own word for it.
	Close() error
}

// Engine is what keeps the stores under their paths: Bolt, WAL, or a simulated disk. What is checked, in which order, and whether
// writes are synced is decided above it. Errors of the operating system wrap a syscall.Errno, and a store that is open
// elsewhere is ErrLocked; any other error of View and Open means damage.
type Engine interface {
	// Exists tells whether there is a store.
	Exists(path string) (bool, error)
	// Create makes an empty store, durable when it returns: a crash leaves all of it or nothing.
	Create(path string) error
	// View checks a store's form as far as Open would rely on it, and opens it for reading. It changes nothing on disk.
	View(path string) (Store, error)
	// Open opens a store. Without sync, a crash of the machine loses what was written last.
	Open(path string, sync bool) (Store, error)
}
