package raftlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
)

// editBolt changes the file of a closed log behind the log's back.
func editBolt(t *testing.T, path string, edit func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(edit); err != nil {
		t.Fatal(err)
	}
}

func indexKey(i uint64) []byte { return binary.BigEndian.AppendUint64(nil, i) }

// filled makes a closed log of n entries and returns its path.
func filled(t *testing.T, n uint64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "raft.db")
	l, _ := openAt(t, path, nil)
	var entries []*raft.Log
	for i := uint64(1); i <= n; i++ {
		entries = append(entries, entry(i, strings.Repeat("data ", 10)))
	}
	if err := l.StoreLogs(entries); err != nil {
		t.Fatal(err)
	}
	if err := l.SetUint64(keyCurrentTerm, 3); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestNoBitOfAStoredEntryFlipsUnseen flips every bit in turn. A flip may be
// harmless (a number written in another width), but never gives another entry.
func TestNoBitOfAStoredEntryFlipsUnseen(t *testing.T) {
	path := filled(t, 1)
	var good []byte
	editBolt(t, path, func(tx *bbolt.Tx) error {
		good = bytes.Clone(tx.Bucket(bucketLogs).Get(indexKey(1)))
		return nil
	})
	want := entry(1, strings.Repeat("data ", 10))
	detected := 0
	l, _ := openAt(t, path, nil)
	for bit := range len(good) * 8 {
		bad := bytes.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		f := &fatals{}
		damaged, err := Wrap(oneValue{l.inner, bad, path}, Config{Fatal: f.report})
		if err != nil {
			t.Fatal(err)
		}
		var got raft.Log
		switch err := damaged.GetLog(1, &got); {
		case err == nil:
			if !got.AppendedAt.Equal(want.AppendedAt) {
				t.Fatalf("bit %d: AppendedAt %v", bit, got.AppendedAt)
			}
			got.AppendedAt = want.AppendedAt
			if diff := cmp.Diff(want, &got); diff != "" {
				t.Fatalf("bit %d of byte %d flipped unseen:\n%s", bit%8, bit/8, diff)
			}
		case len(f.all()) != 1:
			t.Fatalf("bit %d: %v, but Fatal was told %v", bit, err, f.all())
		default:
			detected++
		}
	}
	if detected < len(good)*6 {
		t.Errorf("only %d flips of %d detected", detected, len(good)*8)
	}
}

// oneValue decodes its one value as raft-boltdb does, through a file of its
// own next to path.
type oneValue struct {
	Store
	value []byte
	path  string
}

func (o oneValue) GetLog(index uint64, e *raft.Log) error {
	scratch := o.path + ".flip"
	defer os.Remove(scratch)
	store, err := openBolt(scratch, true)
	if err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return err
	}
	db, err := bbolt.Open(scratch, 0o600, &bbolt.Options{NoSync: true, NoFreelistSync: true})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketLogs).Put(indexKey(index), o.value) })
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	if store, err = openBolt(scratch, true); err != nil {
		return err
	}
	defer store.Close()
	return store.GetLog(index, e)
}

// wrapDamaged is the log of a file that was damaged after it was opened, as a
// disk does it; opening such a file is refused, and leaves it as it is.
func wrapDamaged(t *testing.T, path string) (*Log, *fatals) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := Open(Config{Path: path, Fatal: func(error) {}}); !errors.Is(err, ErrDamaged) {
		t.Errorf("Open: %v, %v; want ErrDamaged", l, err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the refused file was changed (%v)", err)
	}
	store, err := openBolt(path, true)
	if err != nil {
		t.Fatal(err)
	}
	f := &fatals{}
	l, err := Wrap(store, Config{Path: path, Fatal: f.report})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, f
}

func TestDamagedEntryEndsTheUseOfTheLog(t *testing.T) {
	damage := map[string]func(b *bbolt.Bucket) error{
		"flipped bit": func(b *bbolt.Bucket) error {
			v := bytes.Clone(b.Get(indexKey(2)))
			v[bytes.Index(v, []byte("data"))] ^= 1
			return b.Put(indexKey(2), v)
		},
		"another entry's value": func(b *bbolt.Bucket) error {
			return b.Put(indexKey(2), bytes.Clone(b.Get(indexKey(1))))
		},
		"no value": func(b *bbolt.Bucket) error {
			return b.Put(indexKey(2), nil)
		},
	}
	for name, edit := range damage {
		t.Run(name, func(t *testing.T) {
			path := filled(t, 3)
			editBolt(t, path, func(tx *bbolt.Tx) error { return edit(tx.Bucket(bucketLogs)) })
			l, f := wrapDamaged(t, path)
			if err := l.Verify(); !errors.Is(err, ErrDamaged) {
				t.Errorf("Verify: %v, want ErrDamaged", err)
			}
			if len(f.all()) != 0 {
				t.Errorf("Verify told Fatal %v", f.all())
			}
			if err := l.GetLog(1, new(raft.Log)); err != nil {
				t.Errorf("sound entry: %v", err)
			}
			if err := l.GetLog(2, new(raft.Log)); !errors.Is(err, ErrFailed) {
				t.Errorf("damaged entry: %v, want ErrFailed", err)
			}
			wantFailed(t, l, f)
		})
	}
}

func TestAnEntryWithoutChecksumIsDamage(t *testing.T) {
	path := filled(t, 1)
	store, err := openBolt(path, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.StoreLog(entry(2, "past the wrapper")); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	l, f := wrapDamaged(t, path)
	if err := l.GetLog(2, new(raft.Log)); !errors.Is(err, ErrDamaged) {
		t.Errorf("read: %v, want ErrDamaged", err)
	}
	wantFailed(t, l, f)
}

func TestDamagedTermOrVoteEndsTheUseOfTheLog(t *testing.T) {
	path := filled(t, 1)
	editBolt(t, path, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketStable)
		v := bytes.Clone(b.Get(keyCurrentTerm))
		v[7] ^= 4
		return b.Put(keyCurrentTerm, v)
	})
	l, f := openAt(t, path, nil)
	if _, err := l.GetUint64(keyCurrentTerm); !errors.Is(err, ErrDamaged) {
		t.Errorf("read: %v, want ErrDamaged", err)
	}
	wantFailed(t, l, f)
}

// TestDamagedFileIsRefusedUnchanged damages files in the ways a disk does.
// Opening must answer, not panic, and must not write.
func TestDamagedFileIsRefusedUnchanged(t *testing.T) {
	damage := map[string]func(file []byte) []byte{
		"empty":               func([]byte) []byte { return nil },
		"one byte":            func(b []byte) []byte { return b[:1] },
		"not bolt":            func([]byte) []byte { return bytes.Repeat([]byte("text"), 8192) },
		"both meta pages":     func(b []byte) []byte { clear(b[:8192]); return b },
		"all but meta zeroed": func(b []byte) []byte { clear(b[8192:]); return b },
		"all but meta noise": func(b []byte) []byte {
			r := rand.NewChaCha8([32]byte{1})
			r.Read(b[8192:])
			return b
		},
		"cut short": func(b []byte) []byte { return b[:12288] },
	}
	for name, change := range damage {
		t.Run(name, func(t *testing.T) {
			path := filled(t, 2000)
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			file = change(file)
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = Open(Config{Path: path, Fatal: func(error) {}})
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("Open: %v, want ErrDamaged", err)
			}
			for _, part := range []string{path, "nothing was changed", "move this node's data directory away"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error does not say %q: %v", part, err)
				}
			}
			after, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(after, file) {
				t.Errorf("the file was changed (%v)", err)
			}
			// No lock is left behind: the same answer again, not ErrLocked.
			if _, err := Open(Config{Path: path, Fatal: func(error) {}}); !errors.Is(err, ErrDamaged) {
				t.Errorf("second Open: %v, want ErrDamaged", err)
			}
		})
	}
}

// TestRandomPageDamageNeverPanics damages random bytes of the tree's pages:
// each file is refused, or every entry it still gives is right or refused.
func TestRandomPageDamageNeverPanics(t *testing.T) {
	path := filled(t, 300)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rounds := 300
	if testing.Short() || raceDetector { // one goroutine
		rounds = 50
	}
	r := rand.New(rand.NewPCG(7, 7))
	refused := 0
	for round := range rounds {
		file := bytes.Clone(sound)
		for range 1 + r.IntN(4) {
			at := 8192 + r.IntN(len(file)-8192)
			if r.IntN(2) == 0 {
				at -= at % 4096 // page headers are where it hurts
				at += r.IntN(64)
			}
			file[at] ^= byte(1 + r.IntN(255))
		}
		victim := filepath.Join(t.TempDir(), "raft.db")
		if err := os.WriteFile(victim, file, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(Config{Path: victim, NoSync: true, Fatal: func(error) {}})
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("round %d: %v, want ErrDamaged", round, err)
			}
			refused++
			continue
		}
		for i := uint64(1); i <= 300; i++ {
			var got raft.Log
			if err := l.GetLog(i, &got); err != nil {
				continue
			}
			if got.Index != i || string(got.Data) != strings.Repeat("data ", 10) {
				t.Fatalf("round %d: entry %d reads as %+v", round, i, got)
			}
		}
		l.Close()
	}
	t.Logf("%d of %d damaged files refused at open", refused, rounds)
}

func TestAHalfMadeFileOfACrashIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "raft.db")
	if err := os.WriteFile(path+".new", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, _ := openAt(t, path, nil)
	if err := l.StoreLog(entry(1, "x")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half-made file is still there: %v", err)
	}
}

func TestMissingDirectoryIsNoDamage(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		_, err := Open(Config{Engine: k, Path: filepath.Join(t.TempDir(), "no", "raft.db"), Fatal: func(error) {}})
		if !errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrDamaged) {
			t.Errorf("Open: %v, want os.ErrNotExist alone", err)
		}
	})
}

func TestAFileInUseIsRefused(t *testing.T) {
	t.Parallel() // it waits more than it works
	onEachEngine(t, func(t *testing.T, k kind) {
		l, _ := k.openTemp(t, nil)
		_, err := Open(Config{Engine: k, Path: l.path, Fatal: func(error) {}})
		if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), l.path) {
			t.Errorf("Open: %v, want ErrLocked with the path", err)
		}
	})
}

// TestAFileInUseByAnotherProcessIsRefused runs this test binary again as the
// other process.
func TestAFileInUseByAnotherProcessIsRefused(t *testing.T) {
	t.Parallel() // it waits more than it works
	onEachEngine(t, func(t *testing.T, k kind) {
		if path := os.Getenv("RAFTLOG_TEST_OPEN"); path != "" {
			_, err := Open(Config{Engine: k, Path: path, Fatal: func(error) {}})
			if !errors.Is(err, ErrLocked) {
				t.Errorf("Open: %v, want ErrLocked", err)
			}
			return
		}
		l, _ := k.openTemp(t, nil)
		test, sub, _ := strings.Cut(t.Name(), "/")
		cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$/^"+sub+"$", "-test.v")
		cmd.Env = append(os.Environ(), "RAFTLOG_TEST_OPEN="+l.path)
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
			t.Errorf("other process: %v\n%s", err, out)
		}
	})
}
