package raftlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
	"github.com/hashicorp/raft-wal/metadb"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
	"go.etcd.io/bbolt"
)

// smallSegments are full after a few entries.
var smallSegments = kind{walEngine{segmentBytes: 4 << 10}, "wal"}

// contents is every file below a directory.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// segmented makes a closed log of n entries in several segments, the newest not empty, and returns its path.
func segmented(t *testing.T, n uint64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "raft")
	l, _ := smallSegments.openAt(t, path, nil)
	for i := uint64(1); i <= n; i++ {
		if err := l.StoreLog(entry(i, strings.Repeat("data ", 40))); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.SetUint64(keyCurrentTerm, 3); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if state := listed(t, path); len(state.Segments) < 3 || state.Segments[len(state.Segments)-1].BaseIndex > n {
		t.Fatalf("segments %+v", state.Segments)
	}
	return path
}

// changeMeta changes the meta store of a closed log behind the log's back.
func changeMeta(t *testing.T, dir string, change func(*bbolt.Tx) error) {
	t.Helper()
	editBolt(t, metaFile(dir), change)
}

// changeFile changes a file, or removes it if nothing is left.
func changeFile(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if content = change(content); content == nil {
		err = os.Remove(path)
	} else {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func flipped(at int) func([]byte) []byte {
	return func(b []byte) []byte { b[at] ^= 4; return b }
}

func gone([]byte) []byte { return nil }

// damagedWAL damages the directory of a closed log, of which the segments are given, in ways that disks and people do.
var damagedWAL = map[string]func(t *testing.T, dir string, files []string){
	"a bit of a full segment":      func(t *testing.T, _ string, f []string) { changeFile(t, f[0], flipped(500)) },
	"the header of a full segment": func(t *testing.T, _ string, f []string) { changeFile(t, f[1], flipped(9)) },
	"the offsets of a full segment": func(t *testing.T, _ string, f []string) {
		changeFile(t, f[0], func(b []byte) []byte { return flipped(len(bytes.TrimRight(b, "\x00")) - 14)(b) })
	},
	"a full segment is missing": func(t *testing.T, _ string, f []string) { changeFile(t, f[1], gone) },
	"a full segment is cut short": func(t *testing.T, _ string, f []string) {
		changeFile(t, f[1], func(b []byte) []byte { return b[:2048] })
	},
	"a full segment is another": func(t *testing.T, _ string, f []string) {
		other, _ := os.ReadFile(f[0])
		changeFile(t, f[1], func([]byte) []byte { return other })
	},
	"the newest segment is missing": func(t *testing.T, _ string, f []string) { changeFile(t, f[len(f)-1], gone) },
	"the newest segment is zeros": func(t *testing.T, _ string, f []string) {
		changeFile(t, f[len(f)-1], func(b []byte) []byte { clear(b); return b })
	},
	"the newest segment is empty": func(t *testing.T, _ string, f []string) {
		changeFile(t, f[len(f)-1], func([]byte) []byte { return []byte{} })
	},
	"a bit of the last append": func(t *testing.T, _ string, f []string) {
		changeFile(t, f[len(f)-1], func(b []byte) []byte { return flipped(len(bytes.TrimRight(b, "\x00")) - 20)(b) })
	},
	"the last append is lost":   func(t *testing.T, _ string, f []string) { changeFile(t, f[len(f)-1], loseLast) },
	"the meta store is missing": func(t *testing.T, dir string, _ []string) { changeFile(t, metaFile(dir), gone) },
	"the meta store is empty": func(t *testing.T, dir string, _ []string) {
		changeFile(t, metaFile(dir), func([]byte) []byte { return []byte{} })
	},
	"the meta store is zeros": func(t *testing.T, dir string, _ []string) {
		changeFile(t, metaFile(dir), func(b []byte) []byte { clear(b); return b })
	},
	"a file that is no segment": func(t *testing.T, dir string, _ []string) { writeFile(t, filepath.Join(dir, "copy.wal")) },
	"a segment that is not listed yet": func(t *testing.T, dir string, _ []string) {
		writeFile(t, filepath.Join(dir, segment.FileName(types.SegmentInfo{ID: 99, BaseIndex: 99})))
	},
	"a bit of the list of segments": func(t *testing.T, dir string, _ []string) {
		changeMeta(t, dir, func(tx *bbolt.Tx) error {
			raw := bytes.Clone(tx.Bucket(walMetaBucket).Get(walStateKey))
			raw[bytes.Index(raw, []byte("CreateTime"))+14] ^= 1 // in the year
			return tx.Bucket(walMetaBucket).Put(walStateKey, raw)
		})
	},
	"the mark is gone": func(t *testing.T, dir string, _ []string) {
		changeMeta(t, dir, func(tx *bbolt.Tx) error { return tx.Bucket(walMetaBucket).Delete(walMarkKey) })
	},
	"a bucket is gone": func(t *testing.T, dir string, _ []string) {
		changeMeta(t, dir, func(tx *bbolt.Tx) error { return tx.DeleteBucket(walStableBucket) })
	},
}

// loseLast is a segment without its last append, as if it had never been written.
func loseLast(b []byte) []byte {
	commits := []int{}
	for at := walFileHeader; at < len(b); {
		f, ok := frameAt(b, at)
		if !ok {
			break
		}
		if f.kind == segment.FrameCommit {
			commits = append(commits, f.end)
		}
		at = f.end
	}
	clear(b[commits[len(commits)-2]:])
	return b
}

func writeFile(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("something"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedWALIsRefusedUnchanged(t *testing.T) {
	for name, damage := range damagedWAL {
		t.Run(name, func(t *testing.T) {
			path := segmented(t, 40)
			var files []string
			for _, info := range listed(t, path).Segments {
				files = append(files, filepath.Join(path, segment.FileName(info)))
			}
			damage(t, path, files)
			before := contents(t, path)
			for range 2 { // no lock is left behind
				_, err := Open(Config{Engine: smallSegments, Path: path, Fatal: func(error) {}})
				if !errors.Is(err, ErrDamaged) {
					t.Fatalf("Open: %v, want ErrDamaged", err)
				}
				for _, part := range []string{path, "nothing was changed", "move this node's data directory away"} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("error does not say %q: %v", part, err)
					}
				}
			}
			if diff := cmp.Diff(before, contents(t, path)); diff != "" {
				t.Errorf("the refused log was changed")
			}
		})
	}
}

// TestLookingAtAWALChangesNothing views a log with a broken end, which Open would mend.
func TestLookingAtAWALChangesNothing(t *testing.T) {
	path := segmented(t, 40)
	file, _, content := newestSegment(t, path)
	end := len(bytes.TrimRight(content, "\x00"))
	copy(content[sectorEnd(end)+walSector:], "half an append")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	before := contents(t, path)
	store, err := smallSegments.View(path)
	if err != nil {
		t.Fatal(err)
	}
	first, err1 := store.FirstIndex()
	last, err2 := store.LastIndex()
	if first != 1 || last != 40 || err1 != nil || err2 != nil {
		t.Errorf("entries %d to %d (%v, %v)", first, last, err1, err2)
	}
	for _, write := range []error{
		store.StoreLog(entry(41, "x")), store.StoreLogs(entriesOf(41, 41, "x")), store.DeleteRange(1, 2), store.Set([]byte("k"), nil),
	} {
		if !errors.Is(write, errReadOnly) {
			t.Errorf("a write: %v", write)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, contents(t, path)); diff != "" {
		t.Error("the log was changed")
	}
}

// TestAnEntryPastTheWrapperIsDamageOnAWAL checks that the entries' own checksums are looked at, above those of the appends.
func TestAnEntryPastTheWrapperIsDamageOnAWAL(t *testing.T) {
	path := segmented(t, 40)
	store, err := smallSegments.Open(path, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.StoreLog(entry(41, "without a checksum")); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Engine: smallSegments, Path: path, Fatal: func(error) {}}); !errors.Is(err, ErrDamaged) {
		t.Errorf("Open: %v, want ErrDamaged", err)
	}
}

// TestADamagedReadOfAnOpenWALEndsItsUse damages an entry under an open log.
func TestADamagedReadOfAnOpenWALEndsItsUse(t *testing.T) {
	path := segmented(t, 40)
	l, f := smallSegments.openAt(t, path, nil)
	changeFile(t, filepath.Join(path, segment.FileName(listedWhileOpen(l).Segments[0])), func(b []byte) []byte {
		b[bytes.Index(b, []byte("data "))] ^= 1
		return b
	})
	if err := l.GetLog(1, new(raft.Log)); !errors.Is(err, ErrDamaged) {
		t.Errorf("read: %v, want ErrDamaged", err)
	}
	wantFailed(t, l, f)
}

// TestRandomDamageOfAWALIsSeen damages random bytes of the segments: each log is refused, or gives every entry as it was.
func TestRandomDamageOfAWALIsSeen(t *testing.T) {
	path := segmented(t, 60)
	r := rand.New(rand.NewPCG(7, 7))
	for round := range 200 {
		victim := filepath.Join(t.TempDir(), "raft")
		if err := os.CopyFS(victim, os.DirFS(path)); err != nil {
			t.Fatal(err)
		}
		segments := listed(t, victim).Segments
		file := filepath.Join(victim, segment.FileName(segments[r.IntN(len(segments))]))
		changeFile(t, file, func(b []byte) []byte {
			for range 1 + r.IntN(4) {
				b[r.IntN(len(b))] ^= byte(1 + r.IntN(255))
			}
			return b
		})
		l, err := Open(Config{Engine: smallSegments, Path: victim, NoSync: true, Fatal: func(error) {}})
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("round %d: %v, want ErrDamaged", round, err)
			}
			continue
		}
		wantRange(t, l, 1, 60)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheMetaStoreIsRaftWALsOwn keeps the names and the format of the library's, so that its tools read it.
func TestTheMetaStoreIsRaftWALsOwn(t *testing.T) {
	path := segmented(t, 40)
	theirs := &metadb.BoltMetaDB{}
	defer theirs.Close()
	state, err := theirs.Load(path)
	if err != nil || len(state.Segments) < 2 {
		t.Fatalf("%+v, %v", state, err)
	}
	value, err := theirs.GetStable(keyCurrentTerm)
	if err != nil || len(value) < 8 || binary.BigEndian.Uint64(value) != 3 {
		t.Errorf("term %v, %v", value, err)
	}
}

// TestAFailedTurnoverIsTheAppendsFailure takes the directory away when a segment is full: the next cannot be made.
func TestAFailedTurnoverIsTheAppendsFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "raft")
	l, f := smallSegments.openAt(t, path, nil)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	var err error
	for i := uint64(1); err == nil && i < 100; i++ {
		err = l.StoreLog(entry(i, strings.Repeat("data ", 40)))
	}
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "next segment") {
		t.Errorf("the append that fills the segment: %v", err)
	}
	wantFailed(t, l, f)
}
