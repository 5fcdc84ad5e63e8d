package store

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
)

// FS is the file system a store lives on: vfs.Default, or vfs.NewCrashableMem in tests and simulations.
type FS = vfs.FS

// Options say how a store is opened. The zero value is not usable: Fatal has to be set.
type Options struct {
	// FS is the file system; nil means the operating system's.
	FS FS
	// Group is the raft group whose state this is. It stands in every key and in every stream.
	Group uint32
	// CacheBytes is the room for what was read, shared by the generations of one store: the engine's blocks and, out of it,
	// HotBytes; 0 means 64 MiB.
	CacheBytes int64
	// HotBytes is the part of CacheBytes for links just as look-ups answer them, some 200 bytes each; 0 means a quarter.
	// These are for the live generation alone, and they are all on Go's heap.
	HotBytes int64
	// MemTableBytes is what the engine gathers before it writes a table, at least 256 KiB; 0 means 32 MiB. At most three
	// times as much is held in memory, besides CacheBytes.
	MemTableBytes uint64
	// Logger takes the engine's words, most of them at debug level; nil discards them.
	Logger *slog.Logger
	// Fatal is told once, from any goroutine, when the engine met damage, a full disk or a failed write. The process should
	// end: every batch is refused from then on, and after damage every look-up too. The engine's locks may be held, so Fatal
	// must not call the store. Where the engine cannot go on and Fatal returns, the store panics in the engine's goroutines.
	Fatal func(error)
	// Registerer takes the store's metrics, labelled with the group; nil means none.
	Registerer prometheus.Registerer
}

const (
	defaultCacheBytes    = 64 << 20
	hotShare             = 4 // the hot links get one part in so many of CacheBytes
	defaultMemTableBytes = 32 << 20
	minMemTableBytes     = 256 << 10
	checkpointCacheBytes = 8 << 20
	memTables            = 3 // how many memory tables there may be before writes wait
)

// withDefaults returns o with every zero field filled in, or what is wrong with it.
func (o Options) withDefaults() (Options, error) {
	if o.Fatal == nil {
		return o, errors.New("store: Options.Fatal is not set")
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = defaultCacheBytes
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = defaultMemTableBytes
	}
	if o.CacheBytes < 0 || o.MemTableBytes < minMemTableBytes {
		return o, fmt.Errorf("store: %d bytes of cache and %d of memory table are too few", o.CacheBytes, o.MemTableBytes)
	}
	if o.HotBytes == 0 {
		o.HotBytes = o.CacheBytes / hotShare
	}
	if o.HotBytes < 0 || o.HotBytes > o.CacheBytes {
		return o, fmt.Errorf("store: %d bytes of hot links in %d of cache", o.HotBytes, o.CacheBytes)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}
