// Package fsm is the replicated state machine of one group: it applies the entries of the raft log to the store, takes
// snapshots and restores them. It knows neither HTTP nor peers nor who leads.
//
// The state is a pure function of the log. Whatever could differ between replicas (a clock, chance, the order of a map, the
// way entries were gathered into batches) has no part in it.
package fsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/fsm/command"
	"tinyurl/fsm/store"
)

// MaxClusterVersion is the highest cluster version this binary can apply.
const MaxClusterVersion uint32 = 1

// Config says how a state machine is opened. Dir and Fatal are required.
type Config struct {
	// Group is the raft group.
	Group uint32
	// ClusterID names the cluster; snapshots of another one are refused.
	ClusterID [16]byte
	// Dir holds the store (state) and the snapshots (snapshots). They share a file system: a snapshot is hard links.
	Dir string
	// FS is the file system; nil means the operating system's.
	FS store.FS
	// CacheBytes and MemTableBytes are the store's (see store.Options); 0 means its defaults.
	CacheBytes    int64
	MemTableBytes uint64
	// Logger takes what an operator should know; nil discards it.
	Logger *slog.Logger
	// Fatal is told once why the state machine stopped for good. It is called from any goroutine and must not wait for
	// raft to stop; the process should end.
	Fatal func(error)
	// Registerer takes the metrics, labelled with the group; nil means none.
	Registerer prometheus.Registerer
	// Now is the clock of durations and stall detection, never of the state; nil means time.Now.
	Now func() time.Time
}

// validate fills in defaults, or says what is missing.
func (c Config) validate() (Config, error) {
	if c.Dir == "" || c.Fatal == nil {
		return c, errors.New("fsm: Config.Dir and Config.Fatal are required")
	}
	if c.FS == nil {
		c.FS = store.OSFS()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

func (c Config) storeOptions() store.Options {
	return store.Options{
		FS: c.FS, Group: c.Group, CacheBytes: c.CacheBytes, MemTableBytes: c.MemTableBytes,
		Logger: c.Logger, Fatal: c.Fatal, Registerer: c.Registerer,
	}
}

// FSM is a raft.BatchingFSM over a durable store. Apply, ApplyBatch, Snapshot and Restore belong to raft's one goroutine of
// the state machine; everything else may be called from anywhere.
type FSM struct {
	config    Config // immutable
	store     *store.Store
	snapshots *Snapshots
	settler   *settler
	waiters   waiters
	metrics   metrics

	failure atomic.Pointer[Failure] // why we stopped for good; nil while we have not
	closed  atomic.Bool
	busy    atomic.Int64 // when the apply or checkpoint under way began, in Unix nanoseconds; 0 when idle
}

var _ raft.BatchingFSM = (*FSM)(nil)

// Open opens the state machine in c.Dir and brings it to the newest snapshot if the store is behind what that holds. Raft
// must be run with NoSnapshotRestoreOnStart, and only if CheckLog lets it. Errors: store.ErrFormat and command.ErrUpgrade
// (a newer binary wrote this), store.ErrDamaged, ErrDamagedSnapshot, ErrForeign, store.ErrLocked; all tell the way out.
func Open(c Config) (*FSM, error) {
	c, err := c.validate()
	if err != nil {
		return nil, err
	}
	f := &FSM{config: c}
	f.waiters.init()
	options := c.storeOptions()
	options.Fatal = func(err error) { _ = f.fail(fmt.Errorf("store: %w", err)) }
	// The store comes first: it locks the directory, and opening snapshots removes what a crash left of unfinished ones.
	if f.store, err = store.Open(c.FS.PathJoin(c.Dir, "state"), options); err != nil {
		return nil, fmt.Errorf("open the state: %w", err)
	}
	if err := f.open(); err != nil {
		f.metrics.unregister()
		if f.snapshots != nil {
			err = errors.Join(err, f.snapshots.Close())
		}
		return nil, errors.Join(err, f.store.Close())
	}
	f.settler = newSettler(f.store.Sync)
	return f, nil
}

// open does the rest of Open once the store is there.
func (f *FSM) open() (err error) {
	if f.metrics, err = newMetrics(f.config.Registerer, f.config.Group, f.AppliedIndex); err != nil {
		return err
	}
	options := f.config.storeOptions()
	options.Registerer = nil
	f.snapshots, err = OpenSnapshots(f.config.FS.PathJoin(f.config.Dir, "snapshots"), f.config.ClusterID, options)
	if err != nil {
		return err
	}
	if err := f.restoreNewest(); err != nil {
		return err
	}
	f.waiters.reached(f.AppliedIndex())
	return f.checkVersion()
}

// checkVersion refuses a state whose rules this binary does not know.
func (f *FSM) checkVersion() error {
	if v := f.store.ClusterVersion(); v > MaxClusterVersion {
		return fmt.Errorf("cluster version %d, this binary knows %d: %w", v, MaxClusterVersion, command.ErrUpgrade)
	}
	return nil
}

// Close closes the snapshots and the store, and waits for their readers. Raft must have stopped before. A second call
// answers ErrClosed.
func (f *FSM) Close() error {
	if f.closed.Swap(true) {
		return ErrClosed
	}
	f.waiters.stop(ErrClosed)
	f.settler.close()
	f.metrics.unregister()
	return errors.Join(f.snapshots.Close(), f.store.Close())
}

// Store gives readers the state. It is f's: callers neither write nor close it.
func (f *FSM) Store() *store.Store { return f.store }

// Snapshots gives raft its snapshot store. It is f's.
func (f *FSM) Snapshots() *Snapshots { return f.snapshots }

// AppliedIndex is the index of the last entry the state contains. Raft's no-ops and barriers never come here, so it may
// stay below raft's own applied index for ever.
func (f *FSM) AppliedIndex() uint64 { return f.store.Position().Index }

// WaitApplied returns nil once the state contains the entry at index and readers see it. The index is that of a command or
// a configuration: nothing says when a no-op was passed, until a later entry comes. Errors: ctx's; link.ErrOverloaded if
// too many wait; a Failure if the state machine stopped; ErrClosed.
func (f *FSM) WaitApplied(ctx context.Context, index uint64) error {
	return f.waiters.wait(ctx, index)
}

// ApplyingSince is when the apply or checkpoint under way began; zero when there is none. One that is seconds old means a
// disk that hangs. Restoring a snapshot, which may rightly take long, is not counted.
func (f *FSM) ApplyingSince() time.Time {
	if ns := f.busy.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return time.Time{}
}

// Failed gives why the state machine stopped for good; nil while it works.
func (f *FSM) Failed() error {
	if failure := f.failure.Load(); failure != nil {
		return *failure
	}
	return nil
}

// begin marks the start of what ApplyingSince tells of; the function it returns marks the end and gives the duration.
func (f *FSM) begin() (end func() time.Duration) {
	start := f.config.Now()
	f.busy.Store(start.UnixNano())
	return func() time.Duration {
		f.busy.Store(0)
		return f.config.Now().Sub(start)
	}
}

// fail stops the state machine for good. The first reason stays.
func (f *FSM) fail(err error) Failure {
	failure := &Failure{Err: err}
	if !f.failure.CompareAndSwap(nil, failure) {
		return *f.failure.Load()
	}
	f.waiters.stop(*failure)
	f.config.Logger.Error("the state machine stopped", "group", f.config.Group, "error", err)
	f.config.Fatal(err)
	return *failure
}
