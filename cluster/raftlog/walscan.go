package raftlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// raft-wal's format of a segment. A header is followed by frames, each with a header of its own and padded to eight bytes. An
// append writes the frames of its entries and a commit frame with the checksum of all that was written since the one before.
const (
	walFileHeader  = 32
	walFrameHeader = 8
	walMagic       = 0x58eb6b0d
	// walSector is what a disk writes as a whole: in a write that was broken off, each sector is as it was before or as it
	// was to be.
	walSector = 512
	// walSlack is how many zero bytes to the end of a sector no write of ours has within it: what ends so had its end there.
	walSlack = 32
	// walFileLimit is the longest file that is read.
	walFileLimit = 1 << 30
)

// scan is what the check of a segment found.
type scan struct {
	offsets    []uint32 // of the frame of each entry that was committed, beginning with the segment's BaseIndex
	end        int      // just after the last commit frame; 0 if there is none
	indexStart int      // where the array of offsets begins that a full segment ends with; 0 if it is not full
	torn       int      // bytes after end that a broken write has left
	broken     bool     // behind end something stands where a frame should be, and is none
}

// readSegment reads a segment's file. The error is fs.ErrNotExist itself if there is none.
func readSegment(dir string, info types.SegmentInfo) ([]byte, error) {
	path := filepath.Join(dir, segment.FileName(info))
	stat, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	if stat.Size() > walFileLimit {
		return nil, fmt.Errorf("%w: %s has %d bytes", ErrDamaged, filepath.Base(path), stat.Size())
	}
	return os.ReadFile(path)
}

// scanSegment follows the frames of a segment as far as whole appends with right checksums go.
func scanSegment(content []byte, info types.SegmentInfo) scan {
	var s scan
	var offsets []uint32
	begin, indexStart := 0, 0
	at := walFileHeader
	f, ok := frameAt(content, at)
	for ; ok; f, ok = frameAt(content, at) {
		switch f.kind {
		case segment.FrameEntry:
			offsets = append(offsets, uint32(at)) //nolint:gosec // below walFileLimit
		case segment.FrameIndex:
			indexStart = at + walFrameHeader
		case segment.FrameCommit:
			if crc32.Checksum(content[begin:at], castagnoli) != f.sum || !bytes.Equal(content[:walFileHeader], fileHeader(info)) {
				return s
			}
			s.offsets, s.end, s.indexStart = offsets, f.end, indexStart
			begin = f.end
		}
		at = f.end
	}
	s.broken = f.kind == segment.FrameInvalid && at+walFrameHeader <= len(content) && !allZero(content[at:at+walFrameHeader])
	return s
}

// scanTail scans the newest segment. What follows the last whole append is either nothing, or the write that a crash broke
// off; anything else is damage, as it was acknowledged.
func scanTail(content []byte, info types.SegmentInfo) (scan, error) {
	s := scanSegment(content, info)
	name := segment.FileName(info)
	if s.end > 0 && len(content) < int(info.SizeLimit) { // its room was reserved before its first append
		return s, fmt.Errorf("%w: %s is cut short: %d bytes of %d", ErrDamaged, name, len(content), info.SizeLimit)
	}
	last := len(bytes.TrimRight(content[s.end:], "\x00"))
	if last == 0 {
		return s, nil
	}
	stop := min(s.end+(last+walFrameHeader-1)/walFrameHeader*walFrameHeader, len(content))
	s.torn = stop - s.end
	if s.indexStart > 0 {
		return s, fmt.Errorf("%w: %s is full, and something follows its end", ErrDamaged, name)
	}
	if why := s.unlikeTorn(content, stop); why != "" {
		return s, fmt.Errorf("%w: %s at %d: %s", ErrDamaged, name, s.end, why)
	}
	return s, nil
}

// unlikeTorn tells why what stands between the last whole append and stop was not left by a broken write. Such a write is one
// append of which at least one sector is missing: its commit frame can only be the last thing there.
func (s scan) unlikeTorn(content []byte, stop int) string {
	for at := s.end; at+walFrameHeader < stop; at += walFrameHeader {
		if commitShaped(content, at) {
			return "an append that is damaged is followed by others"
		}
	}
	if s.hole(content, stop) {
		return ""
	}
	switch {
	case commitShaped(content, stop-walFrameHeader):
		return "an append was written as a whole and does not match its checksum"
	case s.broken:
		return "an append has a frame that makes no sense"
	case sectorEnd(stop)-stop >= walSlack:
		return "an append was written to its end and has no commit frame"
	}
	return ""
}

// hole tells whether a sector between the last whole append and stop was not written.
func (s scan) hole(content []byte, stop int) bool {
	for at := s.end; at < stop; at = sectorEnd(at + 1) {
		if allZero(content[at:min(sectorEnd(at+1), stop)]) {
			return true
		}
	}
	return false
}

// sectorEnd rounds up to the end of a sector.
func sectorEnd(at int) int { return (at + walSector - 1) / walSector * walSector }

func allZero(b []byte) bool { return len(bytes.TrimRight(b, "\x00")) == 0 }

// commitShaped tells whether a commit frame may stand at an offset.
func commitShaped(content []byte, at int) bool {
	return at >= 0 && at+walFrameHeader <= len(content) && binary.LittleEndian.Uint32(content[at:]) == uint32(segment.FrameCommit)
}

// frame is a frame's header.
type frame struct {
	kind uint8
	sum  uint32 // of a commit frame
	end  int    // where the next frame begins
}

// frameAt reads the header at an offset; ok is false if there is none, whose kind is 0, or the frame would not end in the file.
func frameAt(content []byte, at int) (f frame, ok bool) {
	if at+walFrameHeader > len(content) {
		return f, false
	}
	head := binary.LittleEndian.Uint32(content[at:]) // three reserved bytes follow the kind
	value := binary.LittleEndian.Uint32(content[at+4:])
	f.end = at + walFrameHeader
	switch head {
	case uint32(segment.FrameCommit):
		f.sum = value
	case uint32(segment.FrameEntry), uint32(segment.FrameIndex):
		if value > segment.MaxEntrySize {
			return f, false
		}
		f.end += (int(value) + walFrameHeader - 1) / walFrameHeader * walFrameHeader
	default:
		return f, false
	}
	f.kind = uint8(head) //nolint:gosec // one of three small numbers
	return f, f.end <= len(content)
}

// fileHeader is how a segment begins.
func fileHeader(info types.SegmentInfo) []byte {
	head := binary.LittleEndian.AppendUint64(make([]byte, 0, walFileHeader), walMagic)
	head = binary.LittleEndian.AppendUint64(head, info.BaseIndex)
	head = binary.LittleEndian.AppendUint64(head, info.ID)
	return binary.LittleEndian.AppendUint64(head, info.Codec)
}
