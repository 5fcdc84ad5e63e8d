package fsm

import (
	"errors"
	"io"
	"sync"

	"tinyurl/fsm/store"
)

// snapshotReader is one reading of a snapshot. A goroutine of its own writes the stream into a pipe; it ends when all is
// read or the reader is closed.
type snapshotReader struct {
	snapshots *Snapshots
	entry     *snapshotEntry
	in        *io.PipeWriter
	out       *io.PipeReader
	ended     chan struct{} // closed when the goroutine is done
}

func newSnapshotReader(s *Snapshots, e *snapshotEntry) *snapshotReader {
	r := &snapshotReader{snapshots: s, entry: e, ended: make(chan struct{})}
	r.out, r.in = io.Pipe()
	return r
}

// run writes the stream.
func (r *snapshotReader) run() {
	defer close(r.ended)
	err := r.copyTo(r.in)
	r.snapshots.left(r)
	r.in.CloseWithError(err) // nil is io.EOF
}

func (r *snapshotReader) copyTo(w io.Writer) error {
	s, e := r.snapshots, r.entry
	if e.Kind == kindStream {
		f, err := s.options.FS.Open(s.path(e.ID, streamFile))
		if err != nil {
			return err
		}
		_, err = io.Copy(w, f)
		return errors.Join(err, f.Close())
	}
	c, err := e.checkpoint.acquire(s.path(e.ID, checkpointDir), s.options)
	if err != nil {
		return err
	}
	return errors.Join(c.Stream(w, s.clusterID), e.checkpoint.release())
}

// Read reads the stream.
func (r *snapshotReader) Read(p []byte) (int, error) { return r.out.Read(p) }

// Close ends the reading and waits until nothing of it is left. It may be called more than once.
func (r *snapshotReader) Close() error {
	err := r.out.Close()
	<-r.ended
	return err
}

// interrupt makes a read under way fail, because the snapshots close.
func (r *snapshotReader) interrupt() { r.out.CloseWithError(ErrClosed) }

// sharedCheckpoint is one opened checkpoint for all who read it: the engine locks the directory, even for reading.
type sharedCheckpoint struct {
	mu      sync.Mutex
	readers int               // guarded by mu
	opened  *store.Checkpoint // nil without readers; guarded by mu
}

// acquire gives the checkpoint; each success needs a release.
func (c *sharedCheckpoint) acquire(dir string, o store.Options) (*store.Checkpoint, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened == nil {
		opened, err := store.OpenCheckpoint(dir, o)
		if err != nil {
			return nil, err
		}
		c.opened = opened
	}
	c.readers++
	return c.opened, nil
}

// release gives the checkpoint back; the last one closes it.
func (c *sharedCheckpoint) release() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.readers--; c.readers > 0 {
		return nil
	}
	err := c.opened.Close()
	c.opened = nil
	return err
}
