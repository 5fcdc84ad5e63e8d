package raftlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// bigSegments never fill a segment in these tests.
var bigSegments = kind{walEngine{segmentBytes: 16 << 10}, "wal"}

// listed is what the meta store of a closed log says.
func listed(t *testing.T, dir string) types.PersistentState {
	t.Helper()
	meta, err := openMeta(dir, true, false)
	if err != nil {
		t.Fatal(err)
	}
	defer meta.Close()
	state, err := meta.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// newestSegment is the newest segment of a closed log.
func newestSegment(t *testing.T, dir string) (path string, info types.SegmentInfo, content []byte) {
	t.Helper()
	state := listed(t, dir)
	info = state.Segments[len(state.Segments)-1]
	path = filepath.Join(dir, segment.FileName(info))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, info, content
}

// appended makes a closed log of one entry an append, and returns its path.
func appended(t *testing.T, k kind, data ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "raft")
	l, _ := k.openAt(t, path, nil)
	for i, d := range data {
		if err := l.StoreLog(entry(uint64(i+1), d)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.SetUint64(keyCurrentTerm, 3); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestNoBitOfTheNewestSegmentFlipsUnseen flips every bit in turn, with the end of the segment at different places of a sector.
// raft-wal would cut off all that stands behind most of them.
func TestNoBitOfTheNewestSegmentFlipsUnseen(t *testing.T) {
	step := 24
	if raceDetector { // one goroutine
		step = 170
	}
	for length := 1; length <= 512; length += step {
		path := appended(t, bigSegments, "one", strings.Repeat("two ", 200), strings.Repeat("x", length))
		_, info, content := newestSegment(t, path)
		sound, err := scanTail(content, info)
		if err != nil || len(sound.offsets) != 3 {
			t.Fatalf("%+v, %v", sound, err)
		}
		for bit := range sound.end * 8 {
			content[bit/8] ^= 1 << (bit % 8)
			found, err := scanTail(content, info)
			if err == nil && !slices.Equal(found.offsets, sound.offsets) {
				t.Fatalf("last entry of %d bytes: bit %d of byte %d of %d: %d entries are left", length, bit%8, bit/8, sound.end, len(found.offsets))
			}
			if err != nil && !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			content[bit/8] ^= 1 << (bit % 8)
		}
	}
}

// TestAWriteThatACrashBrokeOffIsCutOff leaves every set of sectors of the last append unwritten. The log must open with what
// was acknowledged before, take entries again, and be read as it is after another start.
func TestAWriteThatACrashBrokeOffIsCutOff(t *testing.T) {
	for _, first := range []bool{false, true} {
		before := []string{"one", strings.Repeat("two ", 100)}
		if first { // the first append to the segment is the broken one
			before = nil
		}
		torn := strings.Repeat("a long entry ", 150)
		whole := appended(t, bigSegments, append(before, torn)...)
		_, info, content := newestSegment(t, whole)
		sound, err := scanTail(content, info)
		if err != nil {
			t.Fatal(err)
		}
		base := appended(t, bigSegments, before...)
		start := 0
		if !first {
			_, _, old := newestSegment(t, base)
			start = len(bytes.TrimRight(old, "\x00"))
			start = (start + 7) / 8 * 8
		}
		sectors := sectorEnd(sound.end)/walSector - start/walSector
		for written := range 1<<sectors - 1 {
			broken := bytes.Clone(content)
			for i := range sectors {
				if written&(1<<i) == 0 {
					from := max(start, (start/walSector+i)*walSector)
					clear(broken[from:min(sectorEnd(from+1), sound.end)])
				}
			}
			found, err := scanTail(broken, info)
			if err != nil || len(found.offsets) != len(before) {
				t.Fatalf("sectors %b of %d: %d entries, %v", written, sectors, len(found.offsets), err)
			}
			if written%5 == 0 {
				reopenTorn(t, base, broken, uint64(len(before)))
			}
		}
	}
}

// reopenTorn opens a copy of a log with another newest segment.
func reopenTorn(t *testing.T, base string, newest []byte, kept uint64) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "raft")
	if err := os.CopyFS(path, os.DirFS(base)); err != nil {
		t.Fatal(err)
	}
	file, _, _ := newestSegment(t, path)
	if err := os.WriteFile(file, newest, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range uint64(3) {
		l, _ := bigSegments.openAt(t, path, nil)
		first := min(1, kept+i)
		wantRange(t, l, first, kept+i)
		if err := l.StoreLog(entry(kept+i+1, "new")); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		// No rest of the broken write stands behind the new one.
		_, info, content := newestSegment(t, path)
		if found, err := scanTail(content, info); err != nil || found.torn != 0 {
			t.Errorf("%d bytes behind the end, %v", found.torn, err)
		}
	}
}

// TestDamageInTheNewestSegmentIsNoBrokenWrite is about damage of more than a bit.
func TestDamageInTheNewestSegmentIsNoBrokenWrite(t *testing.T) {
	var data []string
	for i := range 20 {
		data = append(data, strings.Repeat(fmt.Sprint("entry ", i, " "), 20))
	}
	path := appended(t, bigSegments, data...)
	_, info, content := newestSegment(t, path)
	sound, err := scanTail(content, info)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(b []byte) []byte{
		"a lost sector":                  func(b []byte) []byte { clear(b[1024:1536]); return b },
		"lost sectors":                   func(b []byte) []byte { clear(b[512:2048]); return b },
		"the first sector":               func(b []byte) []byte { clear(b[:512]); return b },
		"noise":                          func(b []byte) []byte { copy(b[sound.end-700:], bytes.Repeat([]byte("noise"), 100)); return b },
		"an old copy of the beginning":   func(b []byte) []byte { copy(b[1024:2048], b[:1024]); return b },
		"cut short":                      func(b []byte) []byte { return b[:sound.end-100] },
		"cut short behind all entries":   func(b []byte) []byte { return b[:sound.end] },
		"another segment":                func(b []byte) []byte { b[16]++; return b },
		"the last commit frame is zeros": func(b []byte) []byte { clear(b[sound.end-8 : sound.end]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			found, err := scanTail(change(bytes.Clone(content)), info)
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("%d of %d entries are left, %v", len(found.offsets), len(sound.offsets), err)
			}
		})
	}
}

// TestAFullSegmentIsFoundFull lets the last append of a segment break off, too: its array of offsets is no end then.
func TestAFullSegmentIsFoundFull(t *testing.T) {
	k := kind{walEngine{segmentBytes: 4 << 10}, "wal"}
	path := filepath.Join(t.TempDir(), "raft")
	l, _ := k.openAt(t, path, nil)
	for i := uint64(1); len(listedWhileOpen(l).Segments) < 2; i++ {
		if err := l.StoreLog(entry(i, strings.Repeat("data ", 100))); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	full := listed(t, path).Segments[0]
	content, err := readSegment(path, full)
	if err != nil {
		t.Fatal(err)
	}
	unlisted := full
	unlisted.SealTime, unlisted.MaxIndex, unlisted.IndexStart = time.Time{}, 0, 0
	found, err := scanTail(content, unlisted)
	if err != nil || uint64(found.indexStart) != full.IndexStart || uint64(len(found.offsets)) != full.MaxIndex {
		t.Fatalf("%+v, %v; listed is %+v", found, err, full)
	}
	clear(content[(found.end-1)/walSector*walSector : found.end])
	if found, err = scanTail(content, unlisted); err != nil || found.indexStart != 0 || uint64(len(found.offsets)) != full.MaxIndex-1 {
		t.Errorf("broken off: %+v, %v", found, err)
	}
}

// listedWhileOpen is what the meta store of an open log says.
func listedWhileOpen(l *Log) types.PersistentState {
	state, err := l.inner.(*walStore).meta.Load("")
	if err != nil {
		panic(err)
	}
	return state
}
