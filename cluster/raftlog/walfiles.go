package raftlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/hashicorp/raft"
	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// walFiler is raft-wal's own keeper of segments, but for two things: it tells when a full segment has its successor, and it
// reads segments that were cut off at their end. raft-wal gives those no array of offsets, without which it cannot read them
// once it was closed.
type walFiler struct {
	*segment.Filer
	dir  string
	turn *turnover
}

var _ types.SegmentFiler = (*walFiler)(nil)

// Create implements types.SegmentFiler.
func (f *walFiler) Create(info types.SegmentInfo) (types.SegmentWriter, error) {
	w, err := f.Filer.Create(info)
	f.turn.end(err)
	if err != nil {
		return nil, err
	}
	return walWriter{w, f.turn}, nil
}

// RecoverTail implements types.SegmentFiler.
func (f *walFiler) RecoverTail(info types.SegmentInfo) (types.SegmentWriter, error) {
	w, err := f.Filer.RecoverTail(info)
	if err != nil {
		return nil, err
	}
	return walWriter{w, f.turn}, nil
}

// Open implements types.SegmentFiler.
func (f *walFiler) Open(info types.SegmentInfo) (types.SegmentReader, error) {
	if info.IndexStart != 0 {
		return f.Filer.Open(info)
	}
	content, err := readSegment(f.dir, info)
	if err != nil {
		return nil, err
	}
	return openFrames(f.dir, info, scanSegment(content, info).offsets)
}

// walWriter is a segment's writer that begins the turnover when the segment is full. raft-wal asks after each append.
type walWriter struct {
	types.SegmentWriter
	turn *turnover
}

// Sealed implements types.SegmentWriter.
func (w walWriter) Sealed() (full bool, indexStart uint64, err error) {
	full, indexStart, err = w.SegmentWriter.Sealed()
	if full {
		w.turn.begin()
	}
	return full, indexStart, err
}

// turnover lets the append that filled a segment wait until the next one is made. raft-wal makes it in the background, takes
// a truncation that comes before it was begun for the wrong segment's, and only logs a failure. A nil turnover does nothing.
type turnover struct {
	mu   sync.Mutex
	done chan error // guarded by mu; nil while no segment is full
}

func (t *turnover) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done = make(chan error, 1)
}

func (t *turnover) end(err error) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done == nil {
		return
	}
	select {
	case t.done <- err:
	default: // the first word counts
	}
}

// wait returns when the next segment is there, or cannot be made. One append waits at a time.
func (t *turnover) wait() error {
	t.mu.Lock()
	done := t.done
	t.mu.Unlock()
	if done == nil {
		return nil
	}
	err := <-done
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done = nil
	if err != nil {
		return fmt.Errorf("make the next segment: %w", err)
	}
	return nil
}

// frames reads the entries of a segment whose offsets are known.
type frames struct {
	file    *os.File
	info    types.SegmentInfo
	offsets []uint32 // beginning with the BaseIndex
}

func openFrames(dir string, info types.SegmentInfo, offsets []uint32) (*frames, error) {
	file, err := os.Open(filepath.Join(dir, segment.FileName(info)))
	if err != nil {
		return nil, err
	}
	return &frames{file, info, offsets}, nil
}

// last is the last entry of the segment, 0 if it has none.
func (f *frames) last() uint64 {
	switch {
	case !f.info.SealTime.IsZero():
		return f.info.MaxIndex
	case len(f.offsets) == 0:
		return 0
	}
	return f.info.BaseIndex + uint64(len(f.offsets)) - 1
}

// GetLog implements types.SegmentReader.
func (f *frames) GetLog(index uint64) (*types.PooledBuffer, error) {
	if index < f.info.MinIndex || index > f.last() || index-f.info.BaseIndex >= uint64(len(f.offsets)) {
		return nil, raft.ErrLogNotFound
	}
	at := int64(f.offsets[index-f.info.BaseIndex])
	var head [walFrameHeader]byte
	if _, err := f.file.ReadAt(head[:], at); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(head[4:])
	if head[0] != segment.FrameEntry || size > segment.MaxEntrySize {
		return nil, fmt.Errorf("%w: entry %d is not where it was", ErrDamaged, index)
	}
	entry := make([]byte, size)
	if _, err := f.file.ReadAt(entry, at+walFrameHeader); err != nil {
		return nil, err
	}
	return &types.PooledBuffer{Bs: entry}, nil
}

// Close implements types.SegmentReader.
func (f *frames) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// newWALFiles is the file system of the segments; without sync no entry is synced.
func newWALFiles(sync bool) types.VFS {
	if sync {
		return fs.New()
	}
	return unsynced{fs.New()}
}

type unsynced struct{ *fs.FS }

func (u unsynced) Create(dir, name string, size uint64) (types.WritableFile, error) {
	return withoutSync(u.FS.Create(dir, name, size))
}

func (u unsynced) OpenWriter(dir, name string) (types.WritableFile, error) {
	return withoutSync(u.FS.OpenWriter(dir, name))
}

func (u unsynced) Delete(dir, name string) error {
	err := os.Remove(filepath.Join(dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

type unsyncedFile struct{ types.WritableFile }

func (unsyncedFile) Sync() error { return nil }

func withoutSync(file types.WritableFile, err error) (types.WritableFile, error) {
	if err != nil {
		return nil, err
	}
	return unsyncedFile{file}, nil
}
