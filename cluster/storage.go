package cluster

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/cluster/raftlog"
	"tinyurl/fsm"
	"tinyurl/fsm/store"
)

// logCacheEntries is how many of the latest entries stay in memory for followers; with entries of at most
// command.MaxBytes that is 32 MiB at the worst.
const logCacheEntries = 128

// Log is a group's raft log with the votes. Any write error ends the process through the opener's fatal.
type Log interface {
	raft.LogStore
	raft.StableStore
	// Term returns the last term and whether one was ever stored.
	Term() (uint64, bool)
	// WritingSince tells when the oldest write under way began, zero when none is.
	WritingSince() time.Time
	Close() error
}

// LogConfig is what a LogOpener is given.
type LogConfig struct {
	// Dir is the group's directory.
	Dir string
	// Existing says that this node has kept a log here before: a missing one is refused, and nothing is made in its place.
	Existing bool
	// Now, Fatal and Registerer are the environment's.
	Now        func() time.Time
	Fatal      func(error)
	Registerer prometheus.Registerer
}

// LogOpener opens the log in a directory. It checks every entry and changes nothing on disk when one is damaged.
type LogOpener func(LogConfig) (Log, error)

// boltName is the file of LogBolt in a group's directory.
const boltName = "raft.db"

// LogOn is the product's LogOpener, on another engine in place of LogBolt's. Every write is synced before it is answered.
func LogOn(engine raftlog.Engine) LogOpener {
	return func(c LogConfig) (Log, error) { return openLog(engine, boltName, c) }
}

// openLog opens the log of that name in the group's directory.
func openLog(engine raftlog.Engine, name string, c LogConfig) (Log, error) {
	log, err := raftlog.Open(raftlog.Config{
		Engine: engine, Path: path.Join(c.Dir, name), Existing: c.Existing, Now: c.Now, Fatal: c.Fatal, Registerer: c.Registerer,
	})
	if errors.Is(err, raftlog.ErrMissing) {
		return nil, fmt.Errorf("%w, and this node has voted before: %s", err, wayOut)
	}
	if err != nil {
		return nil, err // never a nil *Log in a Log that is not nil
	}
	return log, nil
}

// votes is the log as raft's memory of its term and its vote. Raft panics when a term cannot be kept, which would end the process
// without a word and its redirects with it. The log's Fatal knows by then, and has told raft to stop: raft's goroutine ends here.
type votes struct {
	Log
	// running: raft keeps the term once while it is made, before it runs, where an error is an error.
	running atomic.Bool
}

// SetUint64 keeps a number, or ends raft's goroutine.
func (v *votes) SetUint64(key []byte, value uint64) error {
	err := v.Log.SetUint64(key, value)
	if err != nil && v.running.Load() {
		runtime.Goexit()
	}
	v.running.Store(err == nil)
	return err
}

// wayOut is what helps a node whose memory is damaged or lost. It must not go on with what is left: an old voter without its
// votes could elect a leader that lacks an acknowledged write.
const wayOut = "wipe this node's whole data directory and start it again, it will join as a new member"

// storage is what one group keeps on disk. It is opened before anything is announced or changed, so that damage is found
// while the node can still refuse to start.
type storage struct {
	fsm       *fsm.FSM
	snapshots *fsm.Snapshots
	log       Log
	entries   *ahead // what raft reads and writes; above log
	votes     *votes // likewise
}

// groupDir is where a group keeps its files.
func groupDir(dataDir string, group uint32) string {
	return path.Join(dataDir, "groups", fmt.Sprint(group))
}

// openStorage opens the log and the state of a group and checks that they belong together.
func openStorage(c Config, group uint32, cluster clusterRecord) (_ *storage, err error) {
	dir := groupDir(c.DataDir, group)
	if err := store.MakeDir(c.Environment.FS, dir); err != nil {
		return nil, fmt.Errorf("make the group's directory: %w", err)
	}
	s := &storage{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	env := c.Environment
	s.log, err = env.OpenLog(LogConfig{
		Dir: dir, Existing: cluster.HasState, Now: env.Now, Fatal: env.Fatal, Registerer: env.Registerer,
	})
	if err != nil {
		return nil, err
	}
	// The log came before the state: opening the state changes files, and a node that will not start must leave them alone.
	cache, err := raft.NewLogCache(logCacheEntries, s.log)
	if err != nil {
		return nil, err
	}
	s.fsm, err = fsm.Open(fsm.Config{
		Group: group, ClusterID: cluster.ClusterID, Dir: dir, FS: env.FS, CacheBytes: c.CacheBytes,
		Logger: env.Logger, Fatal: env.Fatal, Registerer: env.Registerer, Now: env.Now,
	})
	if err != nil {
		return nil, err
	}
	s.snapshots = s.fsm.Snapshots()
	s.votes = &votes{Log: s.log}
	s.entries = newAhead(gapless{LogCache: cache, snapshot: s.snapshots.Anchor})
	return s, s.check()
}

// check refuses a state that raft's memory does not carry: a voter that forgot its votes would elect wrongly.
func (s *storage) check() error {
	var state fsm.LogState
	var err error
	if state.First, err = s.log.FirstIndex(); err != nil {
		return err
	}
	if state.Last, err = s.log.LastIndex(); err != nil {
		return err
	}
	_, state.HasTerm = s.log.Term()
	return s.fsm.CheckLog(state)
}

// empty reports whether raft has kept no entry here. A term alone does not count: it is all that is there when a founder is
// killed in the middle of founding.
func (s *storage) empty() (bool, error) {
	last, err := s.log.LastIndex()
	if err != nil {
		return false, err
	}
	snapshot, _ := s.snapshots.Anchor()
	return last == 0 && snapshot == 0, nil
}

// found writes the first entry of a cluster's log, if this is empty. Every founder writes the very same, so it may be written
// again by one that was killed before it was done (raft's own BootstrapCluster refuses that, as the term is there).
func (s *storage) found(first raft.Configuration) error {
	empty, err := s.empty()
	if err != nil || !empty {
		return err
	}
	if _, has := s.log.Term(); !has {
		if err := s.log.SetUint64([]byte("CurrentTerm"), 1); err != nil { // raft's own key
			return err
		}
	}
	return s.entries.StoreLog(&raft.Log{Index: 1, Term: 1, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(first)})
}

// position is how far the state is, for the log line at a start.
func (s *storage) position() store.Position { return s.fsm.Store().Position() }

// close closes what is open; the state machine last, as redirects read it until the end.
func (s *storage) close() error {
	var errs []error
	if s.entries != nil {
		s.entries.close()
	}
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	if s.fsm != nil {
		errs = append(errs, s.fsm.Close())
	}
	return errors.Join(errs...)
}
