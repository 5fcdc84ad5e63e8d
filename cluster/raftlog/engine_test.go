package raftlog

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hashicorp/raft"
)

// kind is an engine as the tests use it: one that fills its segments soon.
type kind struct {
	Engine
	name string
}

func kinds() []kind {
	return []kind{{Bolt(), "bolt"}, {walEngine{segmentBytes: 4 << 10}, "wal"}}
}

// onEachEngine runs a test on every engine.
func onEachEngine(t *testing.T, test func(t *testing.T, k kind)) {
	t.Helper()
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) { test(t, k) })
	}
}

func (k kind) openAt(t testing.TB, path string, change func(*Config)) (*Log, *fatals) {
	t.Helper()
	f := &fatals{}
	c := Config{Engine: k, Path: path, NoSync: true, Fatal: f.report}
	if change != nil {
		change(&c)
	}
	l, err := Open(c)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	return l, f
}

func (k kind) openTemp(t testing.TB, change func(*Config)) (*Log, *fatals) {
	t.Helper()
	return k.openAt(t, filepath.Join(t.TempDir(), "raft"), change)
}

// openAt and openTemp open a log of bolt, for what has nothing to do with the engine.
func openAt(t testing.TB, path string, change func(*Config)) (*Log, *fatals) {
	t.Helper()
	return kinds()[0].openAt(t, path, change)
}

func openTemp(t testing.TB, change func(*Config)) (*Log, *fatals) {
	t.Helper()
	return kinds()[0].openTemp(t, change)
}

func entriesOf(from, to uint64, data string) (all []*raft.Log) {
	for i := from; i <= to; i++ {
		all = append(all, entry(i, data))
	}
	return all
}

// wantRange checks that a log holds the entries from first to last, and no others up to 100.
func wantRange(t *testing.T, l *Log, first, last uint64) {
	t.Helper()
	gotFirst, err1 := l.FirstIndex()
	gotLast, err2 := l.LastIndex()
	if gotFirst != first || gotLast != last || err1 != nil || err2 != nil {
		t.Errorf("entries %d to %d (%v, %v), want %d to %d", gotFirst, gotLast, err1, err2, first, last)
	}
	for i := uint64(1); i <= 100; i++ {
		var got raft.Log
		err := l.GetLog(i, &got)
		switch {
		case last == 0 || i < first || i > last:
			if !errors.Is(err, raft.ErrLogNotFound) {
				t.Errorf("entry %d: %v, want raft.ErrLogNotFound", i, err)
			}
		case err != nil || got.Index != i:
			t.Errorf("entry %d is %d: %v", i, got.Index, err)
		}
	}
}

// TestEntriesAreAddedAndTakenOff does to a log what raft does; it must be the same when it is opened again, and take more.
func TestEntriesAreAddedAndTakenOff(t *testing.T) {
	type span struct{ low, high uint64 }
	for name, c := range map[string]struct {
		stored []span // one append each
		cut    []span
		again  []span
		first  uint64
		last   uint64
	}{
		"nothing":                      {},
		"one append":                   {stored: []span{{1, 20}}, first: 1, last: 20},
		"from the middle":              {stored: []span{{50, 60}}, first: 50, last: 60},
		"several appends":              {stored: []span{{1, 5}, {6, 9}, {10, 40}, {41, 41}}, first: 1, last: 41},
		"the head cut off":             {stored: []span{{1, 30}}, cut: []span{{1, 7}}, first: 8, last: 30},
		"the head cut off twice":       {stored: []span{{1, 9}, {10, 60}}, cut: []span{{1, 7}, {8, 40}}, first: 41, last: 60},
		"the tail cut off":             {stored: []span{{1, 30}}, cut: []span{{25, 30}}, first: 1, last: 24},
		"the tail cut off twice":       {stored: []span{{1, 9}, {10, 60}}, cut: []span{{25, 60}, {5, 24}}, first: 1, last: 4},
		"both ends cut off":            {stored: []span{{1, 9}, {10, 60}}, cut: []span{{1, 3}, {8, 60}}, first: 4, last: 7},
		"all cut off":                  {stored: []span{{1, 30}}, cut: []span{{1, 30}}},
		"more than all":                {stored: []span{{1, 30}}, cut: []span{{0, 1 << 40}}},
		"none":                         {stored: []span{{1, 30}}, cut: []span{{31, 40}}, first: 1, last: 30},
		"nothing of nothing":           {cut: []span{{0, 40}, {1, 40}}},
		"added after a cut":            {stored: []span{{1, 30}}, cut: []span{{20, 30}}, again: []span{{20, 22}}, first: 1, last: 22},
		"added after all were cut off": {stored: []span{{1, 30}}, cut: []span{{1, 30}}, again: []span{{40, 41}}, first: 40, last: 41},
		"one added and cut off":        {stored: []span{{1, 1}}, cut: []span{{1, 1}}, again: []span{{1, 2}}, first: 1, last: 2},
	} {
		t.Run(name, func(t *testing.T) {
			onEachEngine(t, func(t *testing.T, k kind) {
				path := filepath.Join(t.TempDir(), "raft")
				l, f := k.openAt(t, path, nil)
				reopen := func() {
					t.Helper()
					if err := l.Close(); err != nil {
						t.Fatal(err)
					}
					l, f = k.openAt(t, path, nil)
				}
				store := func(spans []span) {
					t.Helper()
					for _, s := range spans {
						if err := l.StoreLogs(entriesOf(s.low, s.high, "some data of an entry")); err != nil {
							t.Fatal(err)
						}
					}
				}
				store(c.stored)
				for _, s := range c.cut {
					if err := l.DeleteRange(s.low, s.high); err != nil {
						t.Fatal(err)
					}
				}
				store(c.again)
				for range 2 {
					wantRange(t, l, c.first, c.last)
					reopen()
				}
				next := c.last + 1
				store([]span{{next, next + 4}})
				reopen()
				wantRange(t, l, max(1, c.first), next+4)
				if len(f.all()) != 0 {
					t.Errorf("Fatal was told %v", f.all())
				}
			})
		})
	}
}

// TestReadersTruncationsAndAppendsDoNotMeet cuts off a log's head while it grows and is read.
func TestReadersTruncationsAndAppendsDoNotMeet(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		path := filepath.Join(t.TempDir(), "raft")
		l, f := k.openAt(t, path, nil)
		const last = 1500
		var work sync.WaitGroup
		grown := make(chan struct{})
		work.Go(func() {
			defer close(grown)
			for i := uint64(1); i <= last; i += 3 {
				if err := l.StoreLogs(entriesOf(i, i+2, "some data of an entry that fills a segment now and then")); err != nil {
					t.Error(err)
					return
				}
			}
		})
		each := func(do func(first, last uint64)) {
			for {
				select {
				case <-grown:
					return
				default:
				}
				first, err1 := l.FirstIndex()
				last, err2 := l.LastIndex()
				if err := errors.Join(err1, err2); err != nil {
					t.Error(err)
					return
				}
				do(first, last)
			}
		}
		work.Go(func() {
			each(func(first, last uint64) {
				if first > 0 && last > first+20 {
					if err := l.DeleteRange(first, last-10); err != nil {
						t.Error(err)
					}
				}
			})
		})
		for range 2 {
			work.Go(func() {
				each(func(first, last uint64) {
					for i := first; i > 0 && i <= last; i++ {
						var got raft.Log
						if err := l.GetLog(i, &got); err != nil && !errors.Is(err, raft.ErrLogNotFound) || err == nil && got.Index != i {
							t.Errorf("entry %d is %d: %v", i, got.Index, err)
						}
					}
				})
			})
		}
		work.Wait()
		if err := l.Close(); err != nil || len(f.all()) != 0 {
			t.Fatalf("%v; Fatal was told %v", err, f.all())
		}
		l, _ = k.openAt(t, path, nil)
		if got, err := l.LastIndex(); got != last || err != nil {
			t.Errorf("it ends at %d: %v", got, err)
		}
	})
}

// TestATruncationRightAfterAFullSegmentWaitsForTheNext cuts off the end of the log behind each append.
func TestATruncationRightAfterAFullSegmentWaitsForTheNext(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		path := filepath.Join(t.TempDir(), "raft")
		l, _ := k.openAt(t, path, nil)
		last := uint64(0)
		for range 100 {
			if err := l.StoreLogs(entriesOf(last+1, last+30, "some data that fills a segment with thirty entries, more or less")); err != nil {
				t.Fatal(err)
			}
			if err := l.DeleteRange(last+2, last+30); err != nil {
				t.Fatal(err)
			}
			last++
		}
		for range 2 {
			wantRange(t, l, 1, last)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l, _ = k.openAt(t, path, nil)
		}
	})
}
