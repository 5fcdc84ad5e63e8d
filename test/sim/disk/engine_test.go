package disk

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"

	"tinyurl/cluster/raftlog"
)

// engines are what must behave alike: the product's engine, and the simulated one that stands for it. Each gives an engine and
// a path in a directory that exists.
var engines = map[string]func(t *testing.T) (raftlog.Engine, string){
	"bolt": func(t *testing.T) (raftlog.Engine, string) {
		return raftlog.Bolt(), filepath.Join(t.TempDir(), "raft.db")
	},
	"disk": func(t *testing.T) (raftlog.Engine, string) {
		d := New()
		if err := d.FS().MkdirAll("/data", 0o700); err != nil {
			t.Fatal(err)
		}
		return d.logs, "/data/raft.db"
	},
}

// onBoth runs a test on a new, open store of each engine.
func onBoth(t *testing.T, test func(t *testing.T, s raftlog.Store)) {
	t.Helper()
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			e, path := engine(t)
			if err := e.Create(path); err != nil {
				t.Fatal(err)
			}
			s, err := e.Open(path, true)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			test(t, s)
		})
	}
}

func entries(from, to uint64) (all []*raft.Log) {
	for i := from; i <= to; i++ {
		all = append(all, &raft.Log{
			Index: i, Term: 1 + i/10, Type: raft.LogType(i % 3), Data: fmt.Append(nil, "data ", i),
			Extensions: []byte{byte(i)}, AppendedAt: time.Date(2026, 1, 2, 3, 4, 5, int(i), time.UTC),
		})
	}
	return all
}

// wantRange checks that a store holds the entries from first to last, and no others up to 100.
func wantRange(t *testing.T, s raftlog.Store, first, last uint64) {
	t.Helper()
	gotFirst, err1 := s.FirstIndex()
	gotLast, err2 := s.LastIndex()
	if gotFirst != first || gotLast != last || err1 != nil || err2 != nil {
		t.Errorf("entries %d to %d (%v, %v), want %d to %d", gotFirst, gotLast, err1, err2, first, last)
	}
	for i := uint64(1); i <= 100; i++ {
		var got raft.Log
		err := s.GetLog(i, &got)
		if i < first || i > last || last == 0 {
			if !errors.Is(err, raft.ErrLogNotFound) {
				t.Errorf("entry %d: %v, want raft.ErrLogNotFound", i, err)
			}
			continue
		}
		want := *entries(i, i)[0]
		if err != nil || !got.AppendedAt.Equal(want.AppendedAt) {
			t.Errorf("entry %d: %v, appended at %v", i, err, got.AppendedAt)
		}
		got.AppendedAt = want.AppendedAt
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("entry %d (-want +got):\n%s", i, diff)
		}
	}
}

func keep(t *testing.T, s raftlog.Store, all []*raft.Log) {
	t.Helper()
	if err := s.StoreLogs(all); err != nil {
		t.Fatal(err)
	}
}

func TestEntriesAreAddedReplacedAndTakenOff(t *testing.T) {
	steps := map[string]struct {
		do          func(t *testing.T, s raftlog.Store)
		first, last uint64
	}{
		"nothing":            {func(*testing.T, raftlog.Store) {}, 0, 0},
		"no entries":         {func(t *testing.T, s raftlog.Store) { keep(t, s, nil) }, 0, 0},
		"some":               {func(t *testing.T, s raftlog.Store) { keep(t, s, entries(1, 20)) }, 1, 20},
		"from the middle":    {func(t *testing.T, s raftlog.Store) { keep(t, s, entries(50, 60)) }, 50, 60},
		"in two goes":        {func(t *testing.T, s raftlog.Store) { keep(t, s, entries(1, 5)); keep(t, s, entries(6, 9)) }, 1, 9},
		"the same once more": {func(t *testing.T, s raftlog.Store) { keep(t, s, entries(1, 9)); keep(t, s, entries(3, 4)) }, 1, 9},
		"the head cut off":   {cut(1, 7), 8, 30},
		"the tail cut off":   {cut(25, 30), 1, 24},
		"all cut off":        {cut(1, 30), 0, 0},
		"more than all":      {cut(0, 1<<40), 0, 0},
		"none":               {cut(31, 40), 1, 30},
		"added after a cut": {func(t *testing.T, s raftlog.Store) {
			cut(20, 30)(t, s)
			keep(t, s, entries(20, 22))
		}, 1, 22},
		"added after all were cut off": {func(t *testing.T, s raftlog.Store) {
			cut(1, 30)(t, s)
			keep(t, s, entries(40, 41))
		}, 40, 41},
	}
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, s raftlog.Store) {
				step.do(t, s)
				wantRange(t, s, step.first, step.last)
			})
		})
	}
}

// cut stores thirty entries and removes some.
func cut(low, high uint64) func(*testing.T, raftlog.Store) {
	return func(t *testing.T, s raftlog.Store) {
		keep(t, s, entries(1, 30))
		if err := s.DeleteRange(low, high); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAHoleInTheLogHasNoEntries(t *testing.T) {
	onBoth(t, func(t *testing.T, s raftlog.Store) {
		keep(t, s, entries(1, 2))
		keep(t, s, entries(9, 9))
		if err := s.GetLog(5, new(raft.Log)); !errors.Is(err, raft.ErrLogNotFound) {
			t.Errorf("in the hole: %v", err)
		}
		if err := s.DeleteRange(9, 9); err != nil {
			t.Fatal(err)
		}
		wantRange(t, s, 1, 2)
	})
}

func TestValuesAreKeptAndReplaced(t *testing.T) {
	onBoth(t, func(t *testing.T, s raftlog.Store) {
		if _, err := s.Get([]byte("term")); !errors.Is(err, raftlog.ErrNotFound) || err.Error() != "not found" {
			t.Errorf("a missing value: %v", err)
		}
		for _, value := range []string{"one", "", "three"} {
			if err := s.Set([]byte("term"), []byte(value)); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Get([]byte("term")); err != nil || string(got) != value {
				t.Errorf("%q, %v; want %q", got, err, value)
			}
		}
	})
}

func TestAStoreSharesNoMemoryWithItsCallers(t *testing.T) {
	onBoth(t, func(t *testing.T, s raftlog.Store) {
		given := entries(1, 1)
		value := []byte("value")
		keep(t, s, given)
		if err := s.Set([]byte("key"), value); err != nil {
			t.Fatal(err)
		}
		spoil := func(all ...[]byte) {
			for _, b := range all {
				copy(b, bytes.Repeat([]byte{'x'}, len(b)))
			}
		}
		spoil(given[0].Data, given[0].Extensions, value)
		wantRange(t, s, 1, 1)
		var read raft.Log
		if err := s.GetLog(1, &read); err != nil {
			t.Fatal(err)
		}
		got, err := s.Get([]byte("key"))
		if err != nil || string(got) != "value" {
			t.Fatalf("%q, %v", got, err)
		}
		spoil(read.Data, read.Extensions, got)
		wantRange(t, s, 1, 1)
		if got, err := s.Get([]byte("key")); err != nil || string(got) != "value" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestAnEngineFindsMakesAndLocksItsStores(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			e, path := engine(t)
			if exists, err := e.Exists(path); exists || err != nil {
				t.Fatalf("before it is made: %v, %v", exists, err)
			}
			if err := e.Create(filepath.Join(path, "no", "raft.db")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("made where there is no directory: %v", err)
			}
			if err := e.Create(path); err != nil {
				t.Fatal(err)
			}
			if exists, err := e.Exists(path); !exists || err != nil {
				t.Fatalf("after it is made: %v, %v", exists, err)
			}
			s, err := e.Open(path, true)
			if err != nil {
				t.Fatal(err)
			}
			keep(t, s, entries(1, 3))
			if _, err := e.Open(path, true); !errors.Is(err, raftlog.ErrLocked) {
				t.Errorf("opened twice: %v", err)
			}
			for range 2 {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			for _, open := range []func() (raftlog.Store, error){
				func() (raftlog.Store, error) { return e.View(path) },
				func() (raftlog.Store, error) { return e.Open(path, false) },
			} {
				s, err := open()
				if err != nil {
					t.Fatal(err)
				}
				wantRange(t, s, 1, 3)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestTheProductsLogRefusesAMissingFileOnEveryEngine(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			e, path := engine(t)
			_, err := raftlog.Open(raftlog.Config{Engine: e, Path: path, Existing: true, Fatal: func(error) {}})
			if !errors.Is(err, raftlog.ErrMissing) {
				t.Fatalf("%v, want ErrMissing", err)
			}
			if exists, err := e.Exists(path); exists || err != nil {
				t.Errorf("one was made in its place (%v)", err)
			}
		})
	}
}
