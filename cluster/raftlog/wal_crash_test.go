package raftlog

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft-wal/segment"
)

// TestAWALGoesOnAfterAStepThatACrashBrokeOff gives a log the files of a crash between two steps of raft-wal's.
func TestAWALGoesOnAfterAStepThatACrashBrokeOff(t *testing.T) {
	for name, crash := range map[string]func(t *testing.T, path string, l *Log) (last uint64){
		"the segment is full, and the list does not have the next": func(t *testing.T, path string, l *Log) uint64 {
			meta, last := fillOne(t, path, l)
			newest, _, _ := newestSegment(t, path)
			changeFile(t, newest, gone)
			changeFile(t, metaFile(path), func([]byte) []byte { return meta })
			return last
		},
		"the list has the next segment, and there is no file": func(t *testing.T, path string, l *Log) uint64 {
			_, last := fillOne(t, path, l)
			newest, _, _ := newestSegment(t, path)
			changeFile(t, newest, gone)
			return last
		},
		"the next segment is an empty file": func(t *testing.T, path string, l *Log) uint64 {
			_, last := fillOne(t, path, l)
			newest, _, _ := newestSegment(t, path)
			changeFile(t, newest, func([]byte) []byte { return []byte{} })
			return last
		},
		"a segment that was deleted is still there": func(t *testing.T, path string, l *Log) uint64 {
			_, last := fillOne(t, path, l)
			old := listed(t, path).Segments[0]
			file := filepath.Join(path, segment.FileName(old))
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			l, _ = smallSegments.openAt(t, path, nil)
			last++
			if err := errors.Join(l.StoreLog(entry(last, "another")), l.DeleteRange(1, old.MaxIndex), l.Close()); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
			return last
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "raft")
			l, _ := smallSegments.openAt(t, path, nil)
			last := crash(t, path, l)
			for range 40 {
				l, f := smallSegments.openAt(t, path, nil)
				if got, err := l.LastIndex(); got != last || err != nil {
					t.Fatalf("it ends at %d, want %d: %v", got, last, err)
				}
				last++
				if err := l.StoreLog(entry(last, strings.Repeat("data ", 40))); err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(l.Verify(), l.Close()); err != nil || len(f.all()) != 0 {
					t.Fatalf("%v; Fatal was told %v", err, f.all())
				}
			}
		})
	}
}

// fillOne fills the first segment and closes the log. It returns the meta store of just before the last append.
func fillOne(t *testing.T, path string, l *Log) (meta []byte, last uint64) {
	t.Helper()
	for len(listedWhileOpen(l).Segments) < 2 {
		var err error
		if meta, err = os.ReadFile(metaFile(path)); err != nil {
			t.Fatal(err)
		}
		last++
		if err := l.StoreLog(entry(last, strings.Repeat("data ", 40))); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return meta, last
}

// TestAnOldListOfSegmentsIsRefused gives a log the list of before its newest segment, which raft-wal would delete.
func TestAnOldListOfSegmentsIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "raft")
	l, _ := smallSegments.openAt(t, path, nil)
	meta, _ := fillOne(t, path, l)
	changeFile(t, metaFile(path), func([]byte) []byte { return meta })
	if _, err := Open(Config{Engine: smallSegments, Path: path, Fatal: func(error) {}}); !errors.Is(err, ErrDamaged) {
		t.Errorf("Open: %v, want ErrDamaged", err)
	}
}

// TestAProcessThatIsKilledLosesNothing copies the files of an open log after each of many random steps, as a kill leaves
// them, and opens the copies.
func TestAProcessThatIsKilledLosesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	path := filepath.Join(t.TempDir(), "raft")
	l, _ := smallSegments.openAt(t, path, nil)
	first, last, term := uint64(0), uint64(0), uint64(0)
	for step := range 300 {
		switch n := r.Uint64N(10); {
		case n == 0 && last > first+3 && first > 0: // a snapshot
			first += 1 + r.Uint64N(last-first)
			if err := l.DeleteRange(1, first-1); err != nil {
				t.Fatal(err)
			}
		case n == 1 && last > first && first > 0: // a conflict
			low := first + 1 + r.Uint64N(last-first)
			if err := l.DeleteRange(low, last); err != nil {
				t.Fatal(err)
			}
			last = low - 1
		case n == 2:
			term++
			if err := l.SetUint64(keyCurrentTerm, term); err != nil {
				t.Fatal(err)
			}
		default:
			more := 1 + r.Uint64N(5)
			if err := l.StoreLogs(entriesOf(last+1, last+more, strings.Repeat("data ", r.IntN(100)))); err != nil {
				t.Fatal(err)
			}
			first, last = max(first, 1), last+more
		}
		crashed := filepath.Join(t.TempDir(), "raft")
		if err := os.CopyFS(crashed, os.DirFS(path)); err != nil {
			t.Fatal(err)
		}
		again, err := Open(Config{Engine: smallSegments, Path: crashed, NoSync: true, Fatal: func(error) {}})
		if err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		gotFirst, _ := again.FirstIndex()
		gotLast, _ := again.LastIndex()
		if got, _ := again.Term(); gotFirst != first || gotLast != last || got != term {
			t.Fatalf("step %d: entries %d to %d in term %d, want %d to %d in %d", step, gotFirst, gotLast, got, first, last, term)
		}
		if err := errors.Join(again.Verify(), again.StoreLog(entry(last+1, "more")), again.Close()); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
	}
}

// TestWhatWasKeptIsMissed takes the end of the log away: of one that was closed the last append, of one that was killed all of
// its newest segment.
func TestWhatWasKeptIsMissed(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, path string, l *Log) (left string){
		"the last append before a stop": func(t *testing.T, path string, l *Log) string {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			newest, _, _ := newestSegment(t, path)
			changeFile(t, newest, loseLast)
			return path
		},
		"the newest segment of a killed node": func(t *testing.T, path string, l *Log) string {
			killed := filepath.Join(t.TempDir(), "raft")
			if err := os.CopyFS(killed, os.DirFS(path)); err != nil {
				t.Fatal(err)
			}
			newest, _, _ := newestSegment(t, killed)
			changeFile(t, newest, gone)
			return killed
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "raft")
			l, _ := smallSegments.openAt(t, path, nil)
			for i := uint64(1); i <= 3; i++ {
				if err := l.StoreLog(entry(i, "data")); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Open(Config{Engine: smallSegments, Path: lose(t, path, l), NoSync: true, Fatal: func(error) {}})
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "was kept") {
				t.Errorf("Open: %v, want ErrDamaged", err)
			}
		})
	}
}

// TestDamageInASegmentWithoutOffsetsIsSeen damages a segment whose end was cut off, which has only its appends to go by. What
// was cut off does not matter.
func TestDamageInASegmentWithoutOffsetsIsSeen(t *testing.T) {
	for data, want := range map[string]error{"kept 2": ErrDamaged, "cut off 5": nil} {
		path := filepath.Join(t.TempDir(), "raft")
		l, _ := smallSegments.openAt(t, path, nil)
		for i, d := range []string{"kept 1", "kept 2", "kept 3", "cut off 4", "cut off 5"} {
			if err := l.StoreLog(entry(uint64(i+1), d)); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(l.DeleteRange(4, 5), l.StoreLog(entry(4, "another")), l.Close()); err != nil {
			t.Fatal(err)
		}
		changeFile(t, filepath.Join(path, segment.FileName(listed(t, path).Segments[0])), func(b []byte) []byte {
			b[strings.Index(string(b), data)] ^= 1
			return b
		})
		l, err := Open(Config{Engine: smallSegments, Path: path, NoSync: true, Fatal: func(error) {}})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", data, err, want)
		}
		if err == nil {
			wantRange(t, l, 1, 4)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
