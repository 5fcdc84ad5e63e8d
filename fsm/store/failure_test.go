package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tinyurl/fsm/link"
)

// failingStore opens a store whose file system can be made to fail, and gives what Fatal is told.
func failingStore(t *testing.T, fail func(op errorfs.Op) error) (s *Store, told chan error, armed *atomic.Bool) {
	t.Helper()
	armed = new(atomic.Bool)
	told = make(chan error, 100)
	fsys := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if armed.Load() {
			return fail(op)
		}
		return nil
	}))
	s, err := Open("data", Options{FS: fsys, MemTableBytes: minMemTableBytes, Fatal: func(err error) { told <- err }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		armed.Store(false)
		_ = s.Close()
	})
	return s, told, armed
}

// addLinks commits one entry with n links.
func addLinks(s *Store, n int) error {
	b, err := s.NewBatch()
	if err != nil {
		return err
	}
	defer b.Close()
	err = errors.Join(b.Advance(Position{Index: b.Position().Index + 1, Term: 1}), b.SetCodeKey([16]byte{1}))
	for range n {
		codec, _ := b.Codec()
		target := link.Target("https://example.com/" + strings.Repeat("x", 100))
		err = errors.Join(err, b.AddGenerated(link.Link{Code: codec.Encode(b.Counter() + 1), Fields: link.Fields{Target: target}, CreatedAt: noon, Version: 1}))
	}
	return errors.Join(err, b.Commit())
}

// TestAFullDiskStopsWritesAndSaysSo fills the disk under flushes and compactions, the engine's background work.
func TestAFullDiskStopsWritesAndSaysSo(t *testing.T) {
	s, told, armed := failingStore(t, func(op errorfs.Op) error {
		if op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, ".sst") {
			return &fs.PathError{Op: "create", Path: op.Path, Err: syscall.ENOSPC}
		}
		return nil
	})
	if err := addLinks(s, 10); err != nil {
		t.Fatal(err)
	}
	armed.Store(true)
	var err error
	for range 10000 { // a memory table's worth, and then the report is on its way
		if err = addLinks(s, 20); err != nil {
			break
		}
	}
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "disk of the data directory is full") {
		t.Errorf("a write on a full disk: %v", err)
	}
	if fatal := <-told; !errors.Is(fatal, syscall.ENOSPC) || !strings.Contains(fatal.Error(), "full") {
		t.Errorf("Fatal was told %v", fatal)
	}
	codec, _ := s.Codec()
	if _, err := s.Lookup(codec.Encode(1)); err != nil {
		t.Errorf("a full disk stopped the reads: %v", err)
	}
	if _, err := s.Checkpoint("copy"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a checkpoint after a failure: %v", err)
	}
	if err := s.Replace(bytes.NewReader(nil), nil); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a replacement after a failure: %v", err)
	}
	armed.Store(false)
	if len(told) != 0 {
		t.Errorf("Fatal was called %d times more", len(told))
	}
}

// TestAFailedLogStopsTheStore lets the write-ahead log fail. The state machine syncs it every tenth of a second, and meets the
// failure there at the latest; a commit that has to begin a new log before that ends the process by the engine's own hand.
func TestAFailedLogStopsTheStore(t *testing.T) {
	s, told, armed := failingStore(t, func(op errorfs.Op) error {
		if (op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) && strings.HasSuffix(op.Path, ".log") {
			return errorfs.ErrInjected
		}
		return nil
	})
	if err := addLinks(s, 10); err != nil {
		t.Fatal(err)
	}
	armed.Store(true)
	if err := addLinks(s, 10); err != nil && !errors.Is(err, errorfs.ErrInjected) {
		t.Fatal(err)
	}
	if err := s.Sync(); !errors.Is(err, errorfs.ErrInjected) {
		t.Fatalf("a failed log: %v", err)
	}
	if fatal := <-told; !errors.Is(fatal, errorfs.ErrInjected) {
		t.Errorf("Fatal was told %v", fatal)
	}
	at := s.Position()
	if err := addLinks(s, 1); !errors.Is(err, errorfs.ErrInjected) || s.Position() != at {
		t.Errorf("a commit after a failure: %v, at %v", err, s.Position())
	}
}

func TestAnUnwritableDirectoryIsRefused(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpMkdirAll, errorfs.OpLock, errorfs.OpCreate, errorfs.OpFileSync, errorfs.OpRename} {
		fsys := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind == kind {
				return &fs.PathError{Op: "write", Path: op.Path, Err: syscall.EROFS}
			}
			return nil
		}))
		s, err := Open("data", Options{FS: fsys, Fatal: func(err error) { t.Errorf("Fatal was told %v of a refusal", err) }})
		if !errors.Is(err, syscall.EROFS) || errors.Is(err, ErrDamaged) {
			t.Errorf("operation %d fails: %v, %v", kind, s, err)
		}
	}
}

func TestAnAlarmIsKeptBackUntilItIsArmed(t *testing.T) {
	var told []error
	f := &failure{logger: slog.New(slog.DiscardHandler), fatal: func(err error) { told = append(told, err) }}
	one, two := errors.New("one"), errors.New("two")
	a := &alarm{failed: f}
	a.report(one)
	a.report(two)
	if told != nil || f.err() != nil {
		t.Errorf("told %v before it was armed", told)
	}
	a.arm()
	a.report(two)
	if len(told) != 1 || !errors.Is(told[0], one) || !errors.Is(f.err(), one) {
		t.Errorf("told %v, want %v once", told, one)
	}
	if f.damage() != nil {
		t.Errorf("%v counts as damage", one)
	}
}

func TestFaultsBecomeErrors(t *testing.T) {
	cause := errors.New("cause")
	for name, c := range map[string]struct {
		fault any
		want  error
	}{
		"the engine's word":     {engineFault{cause}, cause},
		"a panic with an error": {fmt.Errorf("sync: %w", cause), cause},
		"no fault":              {nil, nil},
	} {
		err := func() (err error) {
			a := &alarm{}
			defer a.recoverFault(&err)
			if c.fault != nil {
				panic(c.fault)
			}
			return nil
		}()
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for _, bug := range []any{"a string", indexError()} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v was swallowed", bug)
				}
			}()
			var err error
			defer (&alarm{}).recoverFault(&err)
			panic(bug)
		}()
	}
}

// indexError is what the runtime panics with.
func indexError() (bug any) {
	defer func() { bug = recover() }()
	none := make([]int, 0, 1)
	_ = none[len(os.Args)] // past the end, and not to be seen beforehand
	return nil
}

func TestTheEngineSpeaksToTheLogger(t *testing.T) {
	var out strings.Builder
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var told error
	a := &alarm{failed: &failure{logger: logger, fatal: func(err error) { told = err }}}
	a.arm()
	l := engineLog{logger: logger, alarm: a}
	l.Infof("flushed %d", 3)
	l.Errorf("slow %s", "disk")
	err := func() (err error) {
		defer a.recoverFault(&err)
		l.Fatalf("cannot go on: %v", syscall.EIO)
		return nil
	}()
	for _, want := range []string{"level=DEBUG", "flushed 3", "level=WARN", "slow disk", "level=ERROR"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, &out)
		}
	}
	if !errors.Is(err, syscall.EIO) || !errors.Is(told, syscall.EIO) {
		t.Errorf("the fault is %v, Fatal was told %v", err, told)
	}
}

func TestErrorsAreExplained(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		damaged bool
	}{
		"corruption":    {fmt.Errorf("read: %w", pebble.ErrCorruption), true},
		"a full disk":   {syscall.ENOSPC, false},
		"damage itself": {fmt.Errorf("x: %w", ErrDamaged), true},
		"another":       {errors.New("other"), false},
	} {
		got := explain(c.err)
		if errors.Is(got, ErrDamaged) != c.damaged || !errors.Is(got, c.err) {
			t.Errorf("%s became %v", name, got)
		}
	}
	if explain(nil) != nil {
		t.Error("no error became one")
	}
}
