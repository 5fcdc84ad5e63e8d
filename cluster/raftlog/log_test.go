package raftlog

import (
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
)

// fatals collects what a Log reports to its owner.
type fatals struct {
	mu   sync.Mutex
	errs []error
}

func (f *fatals) report(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs = append(f.errs, err)
}

func (f *fatals) all() []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]error(nil), f.errs...)
}

func entry(index uint64, data string) *raft.Log {
	return &raft.Log{
		Index:      index,
		Term:       3,
		Type:       raft.LogCommand,
		Data:       []byte(data),
		AppendedAt: time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC),
	}
}

// wantFailed checks that the log has failed once and serves nothing any more.
func wantFailed(t *testing.T, l *Log, f *fatals) {
	t.Helper()
	if got := f.all(); len(got) != 1 || !errors.Is(got[0], ErrFailed) {
		t.Fatalf("Fatal was told %v, want one ErrFailed", got)
	}
	calls := map[string]func() error{
		"FirstIndex":  func() error { _, err := l.FirstIndex(); return err },
		"LastIndex":   func() error { _, err := l.LastIndex(); return err },
		"GetLog":      func() error { return l.GetLog(1, new(raft.Log)) },
		"StoreLog":    func() error { return l.StoreLog(entry(9, "x")) },
		"StoreLogs":   func() error { return l.StoreLogs(nil) },
		"DeleteRange": func() error { return l.DeleteRange(1, 1) },
		"Set":         func() error { return l.Set([]byte("k"), nil) },
		"Get":         func() error { _, err := l.Get([]byte("k")); return err },
		"SetUint64":   func() error { return l.SetUint64([]byte("k"), 1) },
		"GetUint64":   func() error { _, err := l.GetUint64([]byte("k")); return err },
		"Verify":      l.Verify,
		"Err":         l.Err,
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, ErrFailed) {
			t.Errorf("%s after the failure: %v, want ErrFailed", name, err)
		}
	}
	if _, ok := l.Term(); ok {
		t.Error("Term is known after the failure")
	}
	if len(f.all()) != 1 {
		t.Errorf("Fatal was told again: %v", f.all())
	}
}

func TestEntriesReadBackAsStored(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		l, f := k.openTemp(t, nil)
		var stored []*raft.Log
		for i, kind := range []raft.LogType{raft.LogCommand, raft.LogNoop, raft.LogBarrier, raft.LogConfiguration} {
			e := entry(uint64(i+1), "data of "+kind.String())
			e.Type = kind
			stored = append(stored, e)
		}
		stored[1].Data = nil
		stored[2].Extensions = []byte("someone else's")
		stored[3].AppendedAt = time.Time{}
		if err := l.StoreLogs(stored); err != nil {
			t.Fatal(err)
		}
		for _, want := range stored {
			var got raft.Log
			if err := l.GetLog(want.Index, &got); err != nil {
				t.Fatal(err)
			}
			if !got.AppendedAt.Equal(want.AppendedAt) {
				t.Errorf("entry %d: AppendedAt %v, want %v", want.Index, got.AppendedAt, want.AppendedAt)
			}
			got.AppendedAt = want.AppendedAt
			if diff := cmp.Diff(want, &got); diff != "" {
				t.Errorf("entry %d (-want +got):\n%s", want.Index, diff)
			}
		}
		if err := l.Verify(); err != nil {
			t.Errorf("Verify: %v", err)
		}
		if len(f.all()) != 0 {
			t.Errorf("Fatal was told %v", f.all())
		}
	})
}

func TestStoringLeavesTheCallersEntriesAlone(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		l, _ := k.openTemp(t, nil)
		roomy := append(make([]byte, 0, 64), "ext"...)
		given := []*raft.Log{entry(1, "a"), entry(2, "b")}
		given[1].Extensions = roomy
		if err := l.StoreLogs(given); err != nil {
			t.Fatal(err)
		}
		want := []*raft.Log{entry(1, "a"), entry(2, "b")}
		want[1].Extensions = []byte("ext")
		if diff := cmp.Diff(want, given); diff != "" {
			t.Errorf("caller's entries changed (-before +after):\n%s", diff)
		}
		if spare := roomy[:8]; string(spare[3:]) != "\x00\x00\x00\x00\x00" {
			t.Errorf("wrote into the spare room of the caller's slice: %q", spare)
		}
	})
}

func TestReadingDoesNotWriteIntoWhatTheEntryHeldBefore(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		l, _ := k.openTemp(t, nil)
		if err := l.StoreLogs([]*raft.Log{entry(1, "first"), entry(2, "other")}); err != nil {
			t.Fatal(err)
		}
		var e raft.Log
		if err := l.GetLog(1, &e); err != nil {
			t.Fatal(err)
		}
		kept := e.Data // as raft's LogCache would share it
		if err := l.GetLog(2, &e); err != nil {
			t.Fatal(err)
		}
		if string(kept) != "first" {
			t.Errorf("data of the first read became %q", kept)
		}
		if err := l.GetLog(7, &e); err == nil || string(e.Data) != "other" {
			t.Errorf("a failed read changed the entry: %v, %q", err, e.Data)
		}
	})
}

func TestIndexesFollowStoreAndDelete(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		l, f := k.openTemp(t, nil)
		check := func(first, last uint64) {
			t.Helper()
			gotFirst, err1 := l.FirstIndex()
			gotLast, err2 := l.LastIndex()
			if gotFirst != first || gotLast != last || err1 != nil || err2 != nil {
				t.Fatalf("indexes %d..%d (%v, %v), want %d..%d", gotFirst, gotLast, err1, err2, first, last)
			}
		}
		check(0, 0)
		for i := uint64(1); i <= 10; i++ {
			if err := l.StoreLog(entry(i, "x")); err != nil {
				t.Fatal(err)
			}
		}
		check(1, 10)
		if err := l.DeleteRange(1, 4); err != nil {
			t.Fatal(err)
		}
		check(5, 10)
		if err := l.DeleteRange(9, 10); err != nil {
			t.Fatal(err)
		}
		check(5, 8)
		if err := l.GetLog(9, new(raft.Log)); err != raft.ErrLogNotFound {
			t.Errorf("deleted entry: %v, want raft.ErrLogNotFound itself", err)
		}
		if len(f.all()) != 0 {
			t.Errorf("Fatal was told %v", f.all())
		}
	})
}

func TestAGapAfterAnInstalledSnapshotIsNoDamage(t *testing.T) {
	l, _ := openTemp(t, nil)
	if err := l.StoreLogs([]*raft.Log{entry(1, "a"), entry(100, "b")}); err != nil {
		t.Fatal(err)
	}
	if err := l.Verify(); err != nil {
		t.Errorf("Verify: %v", err)
	}
}

func TestWriteErrorsEndTheUseOfTheLog(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		writes := map[Write]func(*Log) error{
			WriteAppend:   func(l *Log) error { return l.StoreLogs([]*raft.Log{entry(2, "y")}) },
			WriteTruncate: func(l *Log) error { return l.DeleteRange(1, 1) },
			WriteState:    func(l *Log) error { return l.SetUint64(keyCurrentTerm, 8) },
		}
		for kind, write := range writes {
			t.Run(string(kind), func(t *testing.T) {
				full := false
				l, f := k.openTemp(t, func(c *Config) {
					c.BeforeWrite = func(w Write) error {
						if full && w == kind {
							return syscall.ENOSPC
						}
						return nil
					}
				})
				if err := l.StoreLog(entry(1, "x")); err != nil {
					t.Fatal(err)
				}
				full = true
				if err := write(l); !errors.Is(err, ErrFailed) || !errors.Is(err, syscall.ENOSPC) {
					t.Fatalf("write on a full disk: %v, want ErrFailed and ENOSPC", err)
				}
				full = false
				wantFailed(t, l, f)
				if err := l.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
		}
	})
}

func TestConcurrentFailuresAreReportedOnce(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		l, f := k.openTemp(t, func(c *Config) {
			c.BeforeWrite = func(Write) error { return syscall.EIO }
		})
		var wg sync.WaitGroup
		for i := range uint64(20) {
			wg.Go(func() {
				if err := l.StoreLog(entry(i+1, "x")); !errors.Is(err, ErrFailed) {
					t.Errorf("write: %v, want ErrFailed", err)
				}
			})
		}
		wg.Wait()
		wantFailed(t, l, f)
	})
}

func TestAPanicOfTheStoreIsAFailure(t *testing.T) {
	f := &fatals{}
	l, err := Wrap(panickingStore{}, Config{Fatal: f.report})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.StoreLog(entry(1, "x")); !errors.Is(err, ErrDamaged) {
		t.Errorf("write: %v, want ErrDamaged", err)
	}
	wantFailed(t, l, f)
	if err := l.Close(); err != nil { // must not wait for locks the store still holds
		t.Errorf("Close: %v", err)
	}
}

// panickingStore panics in its writes, as bolt does on pages that make no
// sense, and would block for ever in Close.
type panickingStore struct{ Store }

func (panickingStore) StoreLogs([]*raft.Log) error { panic("page 7 already freed") }
func (panickingStore) Close() error                { select {} }

func TestClosedLogIsNoFailure(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		l, f := k.openTemp(t, nil)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
		if err := l.StoreLog(entry(1, "x")); err != ErrClosed {
			t.Errorf("write: %v, want ErrClosed", err)
		}
		if _, err := l.LastIndex(); err != ErrClosed {
			t.Errorf("read: %v, want ErrClosed", err)
		}
		if len(f.all()) != 0 {
			t.Errorf("Fatal was told %v", f.all())
		}
	})
}

func TestAWriteThatLosesTheRaceWithCloseIsNoFailure(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		entered, proceed := make(chan struct{}), make(chan struct{})
		l, f := k.openTemp(t, func(c *Config) {
			c.BeforeWrite = func(Write) error {
				close(entered)
				<-proceed
				return nil
			}
		})
		result := make(chan error)
		go func() { result <- l.StoreLog(entry(1, "x")) }()
		<-entered
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		close(proceed)
		if err := <-result; err != ErrClosed {
			t.Errorf("write: %v, want ErrClosed", err)
		}
		if len(f.all()) != 0 {
			t.Errorf("Fatal was told %v", f.all())
		}
	})
}

func TestAStalledWriteIsSeen(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		var mu sync.Mutex
		clock := time.Unix(1000, 0)
		advance := func(d time.Duration) { mu.Lock(); clock = clock.Add(d); mu.Unlock() }
		entered, proceed := make(chan struct{}), make(chan struct{})
		l, _ := k.openTemp(t, func(c *Config) {
			c.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return clock }
			c.BeforeWrite = func(w Write) error {
				entered <- struct{}{}
				if w == WriteTruncate {
					<-proceed
				}
				return nil
			}
		})
		if since := l.WritingSince(); !since.IsZero() {
			t.Fatalf("idle log is writing since %v", since)
		}
		done := make(chan error, 2)
		go func() { done <- l.DeleteRange(1, 2) }()
		<-entered
		advance(7 * time.Second)
		// A later write that gets through does not hide the older, stalled one.
		go func() { done <- l.StoreLog(entry(1, "x")) }()
		<-entered
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if since := l.WritingSince(); !since.Equal(time.Unix(1000, 0)) {
			t.Errorf("writing since %v, want the start of the stalled write", since)
		}
		close(proceed)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if since := l.WritingSince(); !since.IsZero() {
			t.Errorf("idle again but writing since %v", since)
		}
	})
}
