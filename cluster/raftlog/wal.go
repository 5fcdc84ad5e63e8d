package raftlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// walSegmentBytes is the size at which a segment is followed by the next. It is reserved on disk when a segment is made, and
// read as a whole when the log is opened.
const walSegmentBytes = 16 << 20

// WAL is the Engine that keeps each log in a directory of raft-wal: one fsync an append, where bolt needs two.
//
// raft-wal takes whatever it cannot read at the end of its newest segment for a write that a crash broke off, and cuts it off
// without a word. So nothing is left to its judgement: the directory is checked before raft-wal sees it, and what it sees has
// neither broken ends nor half-done steps. DESIGN.md says what is checked when.
func WAL() Engine { return walEngine{segmentBytes: walSegmentBytes} }

type walEngine struct{ segmentBytes int }

// Exists tells whether there is something of that name, of whatever content.
func (walEngine) Exists(path string) (bool, error) { return Bolt().Exists(path) }

// Create makes a directory without entries beside path and moves it into place, as a crash may leave a half-made one.
func (walEngine) Create(path string) error {
	fresh := path + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return err
	}
	if err := createMeta(fresh); err != nil {
		return err
	}
	if err := syncDir(fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// View checks the whole directory, and opens it for reading without raft-wal, which would change it.
func (walEngine) View(path string) (Store, error) {
	if err := metaPresent(path); err != nil {
		return nil, err
	}
	if err := inspect(metaFile(path), walMetaBucket, walStableBucket); err != nil {
		return nil, err
	}
	meta, err := openMeta(path, true, false)
	if err != nil {
		return nil, err
	}
	view, err := viewWAL(path, meta)
	if err != nil {
		return nil, errors.Join(err, meta.Close())
	}
	return view, nil
}

// Open mends what a crash may have left, and then lets raft-wal open the directory.
func (e walEngine) Open(path string, sync bool) (Store, error) {
	if err := metaPresent(path); err != nil {
		return nil, err
	}
	meta, err := openMeta(path, false, sync)
	if err != nil {
		return nil, err
	}
	store, err := e.open(path, meta, sync)
	if err != nil {
		return nil, errors.Join(err, meta.Close())
	}
	return store, nil
}

func (e walEngine) open(path string, meta *walMeta, sync bool) (*walStore, error) {
	if err := e.mend(path, meta); err != nil {
		return nil, fmt.Errorf("mend the end of the log: %w", err)
	}
	// The name of a segment that was made by a process that ended before its first append may not be durable, and raft-wal
	// does not look after it again.
	if sync {
		if err := syncDir(path); err != nil {
			return nil, err
		}
	}
	turn := &turnover{}
	meta.turn = turn
	files := &walFiler{Filer: segment.NewFiler(path, newWALFiles(sync)), dir: path, turn: turn}
	store := &walStore{meta: meta, turn: turn}
	err, _ := calm(func() (err error) {
		store.wal, err = wal.Open(path, wal.WithMetaStore(meta), wal.WithSegmentFiler(files),
			wal.WithSegmentSize(e.segmentBytes), wal.WithLogger(hclog.NewNullLogger()))
		return err
	})
	if err != nil {
		return nil, err
	}
	return store, nil
}

// mend brings the newest segment into a state that raft-wal understands. It cannot go on with a segment that was filled but
// not followed by the next, and may take parts of a broken write for entries once others stand before them.
func (e walEngine) mend(dir string, meta *walMeta) error {
	state, err := meta.Load(dir)
	if err != nil || len(state.Segments) == 0 {
		return err
	}
	tail := &state.Segments[len(state.Segments)-1]
	if !tail.SealTime.IsZero() {
		return nil
	}
	content, err := readSegment(dir, *tail)
	if errors.Is(err, os.ErrNotExist) {
		return nil // the next append makes it
	}
	if err != nil {
		return err
	}
	found, err := scanTail(content, *tail)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, segment.FileName(*tail))
	switch {
	case found.end == 0 && meta.floor.Load() >= tail.BaseIndex:
		return fmt.Errorf("%w: %s is empty, and entry %d was kept", ErrDamaged, filepath.Base(path), meta.floor.Load())
	case found.end == 0: // it may not have its length; raft-wal makes it again
		return os.Remove(path)
	case found.torn > 0:
		return eraseTorn(path, found)
	case found.indexStart == 0:
		return nil
	}
	return meta.CommitState(followed(state, found, e.segmentBytes))
}

// followed is the state in which the newest segment, which is full, has a successor: what raft-wal was about to write.
func followed(state types.PersistentState, full scan, segmentBytes int) types.PersistentState {
	segments := append([]types.SegmentInfo(nil), state.Segments...)
	tail := &segments[len(segments)-1]
	tail.MaxIndex = tail.BaseIndex + uint64(len(full.offsets)) - 1
	tail.IndexStart = uint64(full.indexStart)
	tail.SealTime = tail.CreateTime // any time but none; it serves statistics
	if tail.SealTime.IsZero() {
		tail.SealTime = tail.SealTime.AddDate(1, 0, 0)
	}
	next := types.SegmentInfo{
		ID: state.NextSegmentID, BaseIndex: tail.MaxIndex + 1, MinIndex: tail.MaxIndex + 1,
		SizeLimit: uint32(segmentBytes), Codec: tail.Codec, CreateTime: tail.SealTime, //nolint:gosec // a constant far below 4 GiB
	}
	return types.PersistentState{NextSegmentID: state.NextSegmentID + 1, Segments: append(segments, next)}
}

// eraseTorn overwrites a broken write with zeros, durably: with what was there before it.
func eraseTorn(path string, found scan) (err error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.WriteAt(make([]byte, found.torn), int64(found.end)); err != nil {
		return err
	}
	return file.Sync()
}
