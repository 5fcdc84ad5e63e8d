package fsm

import (
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/raft"

	"tinyurl/fsm/store"
)

// Snapshot takes a checkpoint of the state exactly where it stands; that is hard links and a flush, so the state stands
// still for some milliseconds whatever its size. The flush makes the live store durable too, before raft truncates its log.
//
// It answers raft.ErrNothingNewToSnapshot while the newest snapshot holds this very state. Raft asks again and again after it
// installed a snapshot: its log is empty then, and it takes the distance between the two, below zero, for a very long log.
func (f *FSM) Snapshot() (raft.FSMSnapshot, error) {
	if failure := f.failure.Load(); failure != nil {
		return nil, *failure
	}
	if _, held := f.snapshots.Newest(); held > 0 && held == f.AppliedIndex() {
		return nil, raft.ErrNothingNewToSnapshot
	}
	temp, _, err := f.snapshots.nextTemp()
	if err != nil {
		return nil, err
	}
	p := &pendingSnapshot{snapshots: f.snapshots, temp: temp}
	end := f.begin()
	err = p.take(f.store)
	f.metrics.snapshotSeconds.Observe(end().Seconds())
	if err != nil {
		p.Release()
		return nil, fmt.Errorf("take a checkpoint: %w", err)
	}
	return p, nil
}

// pendingSnapshot is a checkpoint that no snapshot has adopted yet.
type pendingSnapshot struct {
	snapshots *Snapshots
	temp      string // its directory among the snapshots
	summary   store.Summary
	adopted   bool
}

// take makes the checkpoint.
func (p *pendingSnapshot) take(s *store.Store) error {
	fs, dir := p.snapshots.options.FS, p.snapshots.path(p.temp)
	if err := store.MakeDir(fs, dir); err != nil {
		return err
	}
	var err error
	p.summary, err = s.Checkpoint(fs.PathJoin(dir, checkpointDir))
	return err
}

// Persist makes the checkpoint the snapshot of sink, which must come from the same Snapshots.
func (p *pendingSnapshot) Persist(target raft.SnapshotSink) error {
	k, ok := target.(*sink)
	if !ok || k.snapshots != p.snapshots {
		return errors.Join(errors.New("the snapshot store is not this state machine's"), target.Cancel())
	}
	if err := k.adopt(p.temp, p.summary); err != nil {
		return err
	}
	p.adopted = true
	return k.Close()
}

// Release removes the checkpoint if no snapshot has adopted it. What cannot be removed goes at the next opening.
func (p *pendingSnapshot) Release() {
	if p.adopted {
		return
	}
	p.adopted = true
	s := p.snapshots
	if err := s.options.FS.RemoveAll(s.path(p.temp)); err != nil {
		s.options.Logger.Warn("an unused checkpoint could not be removed", "dir", p.temp, "error", err)
	}
}

// errKnown breaks off a restore of what the state contains already.
var errKnown = errors.New("the state is not behind this snapshot")

// Restore takes over the state in a snapshot's stream, position included. After an error that is no Failure the state is
// what it was; a failure past the swap stops the state machine. A snapshot the state is not behind is passed over: one
// history leads to both, so the state contains it, and readers here have seen what came after.
func (f *FSM) Restore(stream io.ReadCloser) error {
	if failure := f.failure.Load(); failure != nil {
		return *failure
	}
	start := f.config.Now()
	err := f.store.Replace(stream, f.accept)
	switch {
	case errors.Is(err, errKnown):
		f.config.Logger.Info("passed over a snapshot of what is known already", "applied", f.AppliedIndex())
		return nil
	case errors.Is(err, ErrDiverged), errors.Is(err, store.ErrSwapped):
		return f.fail(fmt.Errorf("restore: %w", err))
	case err != nil:
		return fmt.Errorf("restore: %w", err)
	}
	f.metrics.restoreSeconds.Observe(f.config.Now().Sub(start).Seconds())
	if err := f.checkVersion(); err != nil {
		return f.fail(err)
	}
	f.waiters.reached(f.AppliedIndex())
	return nil
}

// accept judges a stream by its header.
func (f *FSM) accept(h store.Header) error {
	if h.Group != f.config.Group || h.ClusterID != f.config.ClusterID {
		return fmt.Errorf("%w: it is of cluster %x, group %d", ErrForeign, h.ClusterID, h.Group)
	}
	at, digest := f.store.CurrentDigest()
	switch {
	case h.Position.Index == at.Index && at.Index > 0 && (h.Digest != digest || h.Position.Term != at.Term):
		return fmt.Errorf("%w: entry %d", ErrDiverged, at.Index)
	case h.Position.Index <= at.Index:
		return errKnown
	}
	return nil
}
