package store

import (
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// Checkpoint copies the committed state to dir, which must not exist, mostly by hard links. When it returns, the copy is
// durable and so is the store itself, up to the position in the answer: the log before it is not needed any more. Only
// batches wait for it, readers do not. On an error dir does not exist.
func (s *Store) Checkpoint(dir string) (sum Summary, err error) {
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.writable(); err != nil {
		return Summary{}, err
	}
	g := s.live.Load()
	if err := checkpoint(g, dir); err != nil {
		return Summary{}, fmt.Errorf("checkpoint to %s: %w", dir, err)
	}
	return g.state.Load().summary(), nil
}

func checkpoint(g *generation, dir string) (err error) {
	defer g.alarm.recoverFault(&err)
	return explain(g.db.Checkpoint(dir, pebble.WithFlushedWAL()))
}

// Checkpoint is an opened copy of a state. It is read-only and safe for concurrent use.
type Checkpoint struct {
	schema schema
	db     *pebble.DB
	alarm  *alarm
	state  *published
}

// OpenCheckpoint opens the copy that Store.Checkpoint made in dir. Only one may be open at a time for each directory:
// ErrLocked would be the engine's to say, so callers share one. It uses little memory whatever Options.CacheBytes says.
// ErrFormat, ErrDamaged.
func OpenCheckpoint(dir string, o Options) (*Checkpoint, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &alarm{failed: &failure{logger: o.Logger, fatal: o.Fatal}}
	p := engineOptions(o, a)
	p.ReadOnly, p.ErrorIfNotExists, p.CacheSize = true, true, checkpointCacheBytes
	db, err := openEngine(dir, p, a)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	s := schema{group: o.Group}
	state, err := loadState(db, s)
	if err != nil {
		_ = a.shut(db)
		return nil, fmt.Errorf("checkpoint %s: %w", dir, err)
	}
	a.arm()
	return &Checkpoint{schema: s, db: db, alarm: a, state: state}, nil
}

// Summary describes the state that was copied.
func (c *Checkpoint) Summary() Summary { return c.state.summary() }

// Stream writes the state to w: exactly Summary().StreamSize bytes, unless it fails. ErrDamaged if the copy does not add up.
func (c *Checkpoint) Stream(w io.Writer, clusterID [16]byte) error {
	h := Header{Group: c.schema.group, ClusterID: clusterID, Summary: c.Summary()}
	if err := writeStream(w, c.db, c.schema, h); err != nil {
		return fmt.Errorf("stream a checkpoint: %w", err)
	}
	return nil
}

// Close closes the copy and leaves it where it is. No Stream may be running.
func (c *Checkpoint) Close() error {
	return c.alarm.shut(c.db)
}
