package raftlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// errReadOnly answers writes to a store that was opened for reading.
var errReadOnly = errors.New("raft log is open for reading only")

// walView reads a directory of raft-wal that was checked, and writes nothing.
type walView struct {
	meta     *walMeta
	segments []*frames
}

var _ Store = (*walView)(nil)

// viewWAL checks a directory: that the segments are those of the state, that they are whole as far as it says, and that
// nothing is missing at the end. The view owns meta if there is no error.
func viewWAL(dir string, meta *walMeta) (_ *walView, err error) {
	state, err := meta.Load(dir)
	if err != nil {
		return nil, err
	}
	if err := checkState(state); err != nil {
		return nil, err
	}
	if err := checkFiles(dir, state); err != nil {
		return nil, err
	}
	v := &walView{meta: meta}
	defer func() {
		if err != nil {
			err = errors.Join(err, v.closeFiles())
		}
	}()
	for _, info := range state.Segments {
		part, err := viewSegment(dir, info)
		if err != nil {
			return nil, err
		}
		v.segments = append(v.segments, part)
	}
	if last, kept := v.last(), meta.floor.Load(); last < kept {
		return nil, fmt.Errorf("%w: it ends at entry %d, and entry %d was kept", ErrDamaged, last, kept)
	}
	return v, nil
}

// checkState checks that the segments follow each other, and that all but the newest are full or were cut.
func checkState(state types.PersistentState) error {
	codec := (&wal.BinaryCodec{}).ID()
	for i, info := range state.Segments {
		newest := i == len(state.Segments)-1
		switch {
		case info.ID >= state.NextSegmentID || info.BaseIndex == 0 || info.MinIndex < info.BaseIndex:
			return fmt.Errorf("%w: segment %d makes no sense", ErrDamaged, info.ID)
		case info.Codec != codec:
			return fmt.Errorf("%w: segment %d has a codec that is not known: %d", ErrDamaged, info.ID, info.Codec)
		case info.SealTime.IsZero() != newest:
			return fmt.Errorf("%w: segment %d is not the newest, or is complete", ErrDamaged, info.ID)
		case !newest && (info.MaxIndex < info.MinIndex || state.Segments[i+1].BaseIndex != info.MaxIndex+1):
			return fmt.Errorf("%w: segment %d is not followed by the next", ErrDamaged, info.ID)
		}
	}
	return nil
}

// checkFiles refuses segments that are newer than the state: it is an old one then, and raft-wal would delete them.
func checkFiles(dir string, state types.PersistentState) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		name := file.Name()
		if !strings.HasSuffix(name, ".wal") {
			continue
		}
		var info types.SegmentInfo
		if _, err := fmt.Sscanf(name, "%020d-%016x.wal", &info.BaseIndex, &info.ID); err != nil || segment.FileName(info) != name {
			return fmt.Errorf("%w: %s is no segment", ErrDamaged, name)
		}
		if info.ID >= state.NextSegmentID {
			return fmt.Errorf("%w: the list of segments is older than %s", ErrDamaged, name)
		}
	}
	return nil
}

// viewSegment checks a segment and opens it.
func viewSegment(dir string, info types.SegmentInfo) (*frames, error) {
	newest := info.SealTime.IsZero()
	name := segment.FileName(info)
	content, err := readSegment(dir, info)
	switch {
	case errors.Is(err, fs.ErrNotExist) && newest: // a crash before its first append; the mark tells if it had one
		return &frames{info: info}, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s is missing", ErrDamaged, name)
	case err != nil:
		return nil, err
	}
	var found scan
	if newest {
		if found, err = scanTail(content, info); err != nil {
			return nil, err
		}
	} else {
		found = scanSegment(content, info)
		if info.BaseIndex+uint64(len(found.offsets)) <= info.MaxIndex {
			return nil, fmt.Errorf("%w: %s at %d: entries up to %d do not match their checksum", ErrDamaged, name, found.end, info.MaxIndex)
		}
		if info.IndexStart != 0 && info.IndexStart != uint64(found.indexStart) {
			return nil, fmt.Errorf("%w: %s is not complete", ErrDamaged, name)
		}
	}
	return openFrames(dir, info, found.offsets)
}

func (v *walView) last() uint64 {
	for i := len(v.segments) - 1; i >= 0; i-- {
		if last := v.segments[i].last(); last > 0 {
			return last
		}
	}
	return 0
}

// FirstIndex implements raft.LogStore.
func (v *walView) FirstIndex() (uint64, error) {
	if v.last() == 0 {
		return 0, nil
	}
	return v.segments[0].info.MinIndex, nil
}

// LastIndex implements raft.LogStore.
func (v *walView) LastIndex() (uint64, error) { return v.last(), nil }

// GetLog implements raft.LogStore.
func (v *walView) GetLog(index uint64, entry *raft.Log) error {
	for _, part := range v.segments {
		if index > part.last() {
			continue
		}
		raw, err := part.GetLog(index)
		if err != nil {
			return err
		}
		return (&wal.BinaryCodec{}).Decode(raw.Bs, entry)
	}
	return raft.ErrLogNotFound
}

// Get gives a value, or ErrNotFound.
func (v *walView) Get(key []byte) ([]byte, error) {
	value, err := v.meta.GetStable(key)
	if err == nil && value == nil {
		err = ErrNotFound
	}
	return value, err
}

// StoreLog is refused, as are all writes.
func (*walView) StoreLog(*raft.Log) error { return errReadOnly }

// StoreLogs is refused.
func (*walView) StoreLogs([]*raft.Log) error { return errReadOnly }

// DeleteRange is refused.
func (*walView) DeleteRange(uint64, uint64) error { return errReadOnly }

// Set is refused.
func (*walView) Set([]byte, []byte) error { return errReadOnly }

// Close closes the files.
func (v *walView) Close() error { return errors.Join(v.closeFiles(), v.meta.Close()) }

func (v *walView) closeFiles() error {
	var errs []error
	for _, part := range v.segments {
		errs = append(errs, part.Close())
	}
	v.segments = nil
	return errors.Join(errs...)
}
