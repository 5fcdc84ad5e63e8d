// Package raftlog keeps one raft group's log and its term and vote on disk.
//
// It wraps a store, raft-boltdb or raft-wal, with what raft's safety needs and
// they do not give:
// every entry and every value carries a CRC32C that is checked when it is read
// back, and the first failed write (or damaged read) ends the use of the log
// for good and tells the owner, who must stop the process. Raft itself would
// go on: it retries a failed read for ever in silence, and a leader whose disk
// is full is elected again and again.
//
// The wrapper belongs below raft.NewLogCache, so that the cache holds entries
// exactly as raft made them.
//
// # Failpoints
//
// A binary built with -tags failpoints lets a test fail the disk under a real
// process. The variable TINYURL_FAILPOINTS names a control file, which is read
// before every write of the log:
//
//	off        nothing; the same as an empty or a missing file
//	eio        the write fails as if the kernel had said EIO
//	enospc     the write fails as on a full disk
//	stall      the write hangs until the file says something else, and does that
//	stall 3s   the write hangs that long, and then succeeds
//
// To change it, write another file and rename it: one that is half written is
// obeyed as well. A build without the tag has none of this code.
package raftlog

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	berrors "go.etcd.io/bbolt/errors"
)

var (
	// ErrDamaged means that the file holds something this package did not
	// write: a checksum that does not match, a page that makes no sense.
	ErrDamaged = errors.New("raft log is damaged")
	// ErrLocked means that another process has the file open.
	ErrLocked = errors.New("raft log is in use by another process")
	// ErrMissing means that there is no file where there must be one.
	ErrMissing = errors.New("raft log is missing")
	// ErrFailed is wrapped by every error after the first failure.
	ErrFailed = errors.New("raft log has failed")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("raft log is closed")
)

// Write names a kind of write, for BeforeWrite and as a metric label.
type Write string

// The kinds of write.
const (
	WriteAppend   Write = "append"   // entries at the end of the log
	WriteTruncate Write = "truncate" // entries removed at either end
	WriteState    Write = "state"    // term or vote
)

// Config of a Log.
type Config struct {
	// Path of the file, or of the directory of WAL. Its directory must exist. Wrap only names it in errors.
	Path string
	// Engine keeps the file; nil means Bolt. Not used by Wrap.
	Engine Engine
	// Existing refuses a missing file with ErrMissing, where otherwise an empty one is made. Not used by Wrap.
	Existing bool
	// NoSync leaves out every fsync: for tests and benches alone, a crash of
	// the machine then loses acknowledged entries.
	NoSync bool
	// Fatal is called once, with the first failure, by the goroutine that met
	// it. The process must stop: this log serves nothing any more. It must not
	// block and must not call the Log. Required.
	Fatal func(error)
	// Now is the clock of WritingSince and of the latency metric; time.Now if
	// nil.
	Now func() time.Time
	// Registerer takes the metrics; none are kept if nil.
	Registerer prometheus.Registerer
	// BeforeWrite is a failpoint for tests: it may wait, and an error it
	// returns counts as the write's own. Called before each write; nil for
	// none.
	BeforeWrite func(Write) error
}

// Log implements raft.LogStore, raft.StableStore and raft.MonotonicLogStore.
// All methods are safe for concurrent use.
type Log struct {
	inner       Store
	path        string
	fatal       func(error)
	now         func() time.Time
	beforeWrite func(Write) error
	latency     *prometheus.HistogramVec // nil without a registry

	failure  atomic.Pointer[error] // the first failure, set once
	closed   atomic.Bool
	panicked atomic.Bool // the store panicked and may still hold its own locks

	mu      sync.Mutex
	writing map[uint64]time.Time // guarded by mu: start of each write under way
	ticket  uint64               // guarded by mu: last key given out in writing
}

var (
	_ raft.LogStore          = (*Log)(nil)
	_ raft.StableStore       = (*Log)(nil)
	_ raft.MonotonicLogStore = (*Log)(nil)
)

// Wrap makes a Log of an open store, which it then owns. Open is the usual way.
func Wrap(inner Store, c Config) (*Log, error) {
	if c.Fatal == nil {
		return nil, errors.New("raftlog: Config.Fatal is required")
	}
	l := &Log{
		inner:       inner,
		path:        c.Path,
		fatal:       c.Fatal,
		now:         c.Now,
		beforeWrite: failpoint(c.BeforeWrite),
		writing:     make(map[uint64]time.Time),
	}
	if l.now == nil {
		l.now = time.Now
	}
	if c.Registerer == nil {
		return l, nil
	}
	l.latency = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "tinyurl_raft_log_write_seconds",
		Help: "Time for a write of the raft log to be durable, by kind of write.",
		// One third of the 1 s heartbeat is a bound of its own: above it a
		// follower's fsync endangers elections.
		Buckets: []float64{.0005, .001, .002, .005, .01, .025, .05, .1, .2, .333, .5, 1, 2.5, 5, 10},
	}, []string{"write"})
	if err := c.Registerer.Register(l.latency); err != nil {
		return nil, fmt.Errorf("raftlog: register metrics: %w", err)
	}
	return l, nil
}

// IsMonotonic tells raft whether the store refuses gaps between indexes.
// Hiding the store's own answer would break such a store after a snapshot is
// installed.
func (l *Log) IsMonotonic() bool {
	m, ok := l.inner.(raft.MonotonicLogStore)
	return ok && m.IsMonotonic()
}

// WritingSince tells when the oldest write still under way began, zero if none
// is. A time long ago means a stalled disk.
func (l *Log) WritingSince() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	var oldest time.Time
	for _, t := range l.writing {
		if oldest.IsZero() || t.Before(oldest) {
			oldest = t
		}
	}
	return oldest
}

// Err returns the failure that ended the use of this log, nil if none did.
func (l *Log) Err() error {
	if p := l.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// Close releases the file, waiting for a write under way. Later calls return
// ErrClosed and are no failure. If the store has panicked before, its locks
// may never be free again, so the file is left to the end of the process.
func (l *Log) Close() error {
	if l.closed.Swap(true) || l.panicked.Load() {
		return nil
	}
	if err := l.guard(l.inner.Close); err != nil {
		return fmt.Errorf("close raft log %s: %w", l.path, err)
	}
	return nil
}

// read runs a read of the store; any unexpected error is a failure for good.
func (l *Log) read(what string, do func() error) error {
	if err := l.usable(); err != nil {
		return err
	}
	err := l.guard(do)
	if err == nil || errors.Is(err, raft.ErrLogNotFound) || errors.Is(err, ErrNotFound) {
		return err // unwrapped: raft compares the text of "not found"
	}
	return l.fail(what, err)
}

// write runs a write of the store; any error is a failure for good.
func (l *Log) write(kind Write, what string, do func() error) error {
	if err := l.usable(); err != nil {
		return err
	}
	start := l.now()
	l.mu.Lock()
	l.ticket++
	ticket := l.ticket
	l.writing[ticket] = start
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.writing, ticket)
		l.mu.Unlock()
	}()

	if l.beforeWrite != nil {
		if err := l.beforeWrite(kind); err != nil {
			return l.fail(what, err)
		}
	}
	if err := l.guard(do); err != nil {
		return l.fail(what, err)
	}
	if l.latency != nil {
		l.latency.WithLabelValues(string(kind)).Observe(l.now().Sub(start).Seconds())
	}
	return nil
}

// usable refuses calls on a closed or failed log.
func (l *Log) usable() error {
	if l.closed.Load() {
		return ErrClosed
	}
	if err := l.Err(); err != nil {
		return err
	}
	return nil
}

// fail records the first failure and reports it. A call that lost a race with
// Close has not failed.
func (l *Log) fail(what string, cause error) error {
	if l.closed.Load() && (errors.Is(cause, berrors.ErrDatabaseNotOpen) || errors.Is(cause, ErrClosed)) {
		return ErrClosed
	}
	err := fmt.Errorf("%w: %s: %s: %w", ErrFailed, l.path, what, cause)
	if l.failure.CompareAndSwap(nil, &err) {
		l.fatal(err)
	}
	return l.Err()
}

// guard runs do and turns a panic into ErrDamaged.
func (l *Log) guard(do func() error) error {
	err, panicked := calm(do)
	if panicked {
		l.panicked.Store(true)
	}
	return err
}

// calm runs do and turns a panic into ErrDamaged: bolt panics on pages that
// make no sense, and a file cut short faults in its memory map.
func calm(do func() error) (err error, panicked bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err, panicked = fmt.Errorf("%w: %v", ErrDamaged, r), true
		}
	}()
	return do(), false
}
