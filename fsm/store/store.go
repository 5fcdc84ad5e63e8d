package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// Store is the opened state of one group. Its methods are safe for concurrent use, but batches, Checkpoint and Replace
// come from one writer: a batch that another commit overtook is refused.
type Store struct {
	options Options // immutable, with defaults
	schema  schema  // immutable
	catalog catalog // immutable
	logger  *slog.Logger
	failed  *failure
	cache   *pebble.Cache // shared by all generations
	lock    io.Closer     // the directory's; nil until it is held
	metrics prometheus.Collector

	live atomic.Pointer[generation] // never nil after Open; kept after Close, with no reference left

	write    sync.Mutex     // held by Commit, Checkpoint, Replace and Close
	closed   bool           // guarded by write
	highest  uint64         // the highest generation there ever was; guarded by write
	retiring sync.WaitGroup // old generations that still have readers
}

// Open opens the state in dir, and makes an empty one if there is none. The directory may be missing, but not be shared:
// ErrLocked. ErrFormat: a newer or an older binary wrote it, and nothing was changed. ErrDamaged: what is there cannot be the state as
// it was committed.
func Open(dir string, o Options) (*Store, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{
		options: o,
		schema:  schema{group: o.Group},
		catalog: catalog{fs: o.FS, dir: dir},
		logger:  o.Logger,
		failed:  &failure{logger: o.Logger, fatal: o.Fatal},
	}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("store %s: %w", dir, errors.Join(err, s.dispose()))
	}
	return s, nil
}

// open does the work of Open; dispose undoes what it did before it failed.
func (s *Store) open() error {
	// A first look, before anything is touched: the data of another format is not even locked.
	if _, err := s.catalog.live(); err != nil {
		return err
	}
	if err := MakeDir(s.catalog.fs, s.catalog.dir); err != nil {
		return err
	}
	lock, err := s.catalog.fs.Lock(s.catalog.path(fileLock))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLocked, err)
	}
	s.lock = lock
	// The engine takes the room of its memory tables out of the cache's: without an extra there would be none left.
	s.cache = pebble.NewCache(s.options.CacheBytes - s.options.HotBytes + memTables*int64(s.options.MemTableBytes))
	number, err := s.catalog.live()
	if err != nil {
		return err
	}
	var g *generation
	if number == 0 {
		g, err = s.first()
	} else {
		g, err = s.existing(number)
	}
	if err != nil {
		return err
	}
	s.live.Store(g)
	if err := s.clean(); err != nil {
		return err
	}
	if err := s.register(); err != nil {
		return err
	}
	g.alarm.arm()
	return nil
}

// first makes the empty state. A crash on the way leaves the FIRST file, which says that nothing that lies here was ever
// published; without it, data and no CURRENT mean that CURRENT was lost.
func (s *Store) first() (*generation, error) {
	begun, err := s.catalog.has(fileFirst)
	if err != nil {
		return nil, err
	}
	names, _, err := s.catalog.leftovers(0)
	if err != nil {
		return nil, err
	}
	if !begun {
		for _, name := range names {
			if number, ok := parseGeneration(name); ok {
				return nil, fmt.Errorf("%w: there is data in %s but no %s file to say that it is live", ErrDamaged,
					s.catalog.generation(number), fileCurrent)
			}
		}
		if err := s.catalog.write(fileFirst, ""); err != nil {
			return nil, err
		}
		if err := s.catalog.sync(); err != nil {
			return nil, err
		}
	}
	if err := s.catalog.remove(names...); err != nil {
		return nil, err
	}
	g, err := s.create(1, meta{}, nil)
	if err != nil {
		return nil, err
	}
	if err := s.catalog.publish(1); err != nil {
		return nil, errors.Join(err, g.alarm.shut(g.db))
	}
	return g, nil
}

// create makes a generation that holds the tables at the given paths and the position row, all of it durable.
func (s *Store) create(number uint64, m meta, tables []string) (g *generation, err error) {
	path := s.catalog.generation(number)
	if err := MakeDir(s.catalog.fs, path); err != nil {
		return nil, err
	}
	a := &alarm{failed: s.failed}
	p := engineOptions(s.options, a)
	p.Cache, p.ErrorIfExists = s.cache, true
	db, err := openEngine(path, p, a)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.shut(db))
		}
	}()
	defer a.recoverFault(&err)
	if err := ingest(db, tables); err != nil {
		return nil, err
	}
	if err := db.Set(s.schema.position(nil), encodeMeta(nil, m), pebble.Sync); err != nil {
		return nil, explain(err)
	}
	state, err := loadState(db, s.schema)
	if err != nil {
		return nil, err
	}
	return newGeneration(number, db, a, state, newHotLinks(s.options.HotBytes)), nil
}

// existing opens the generation that CURRENT names.
func (s *Store) existing(number uint64) (*generation, error) {
	path := s.catalog.generation(number)
	if _, err := s.catalog.fs.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s names %s, which is missing", ErrDamaged, fileCurrent, path)
	}
	a := &alarm{failed: s.failed}
	p := engineOptions(s.options, a)
	p.Cache, p.ErrorIfNotExists = s.cache, true
	db, err := openEngine(path, p, a)
	if err != nil {
		return nil, err
	}
	state, err := loadState(db, s.schema)
	if err != nil {
		return nil, errors.Join(err, a.shut(db))
	}
	return newGeneration(number, db, a, state, newHotLinks(s.options.HotBytes)), nil
}

// clean removes what a crash left behind, now that the live generation is known to be readable.
func (s *Store) clean() error {
	number := s.live.Load().number
	names, highest, err := s.catalog.leftovers(number)
	if err != nil {
		return err
	}
	s.highest = max(number, highest)
	if begun, err := s.catalog.has(fileFirst); err != nil {
		return err
	} else if begun {
		names = append(names, fileFirst)
	}
	if len(names) > 0 {
		s.logger.Info("store: removing leftovers", "dir", s.catalog.dir, "names", names)
	}
	return s.catalog.remove(names...)
}

// Close waits for the readers and for an open batch, closes the engine and frees the directory. Later calls answer
// ErrClosed, and so do all reads; what is published (Position, Counter and their like) stays readable. After a failure in
// the middle of a commit the engine cannot be closed: Close says so, and the process has to end.
func (s *Store) Close() error {
	s.write.Lock()
	again := s.closed
	s.closed = true
	s.write.Unlock() // an open batch is waited for: it has to get the lock to learn that it comes too late
	if again {
		return ErrClosed
	}
	return s.dispose()
}

// dispose gives back everything the store holds.
func (s *Store) dispose() error {
	var errs []error
	if s.metrics != nil {
		s.options.Registerer.Unregister(s.metrics)
	}
	if g := s.live.Load(); g != nil {
		g.retire()
		errs = append(errs, g.shut())
	}
	s.retiring.Wait()
	if g := s.live.Load(); s.cache != nil && (g == nil || !g.alarm.stuck.Load()) {
		s.cache.Unref()
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// writable says whether the writer may go on; the caller holds write.
func (s *Store) writable() error {
	if s.closed {
		return ErrClosed
	}
	return s.failed.err()
}
