package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// failure remembers the first reason why a store can no longer be trusted, and tells its owner. Safe for concurrent use.
type failure struct {
	logger *slog.Logger
	fatal  func(error)
	first  atomic.Pointer[error]
}

// report keeps err if it is the first, and then tells the owner. It may be called with the engine's locks held.
func (f *failure) report(err error) {
	err = explain(err)
	if !f.first.CompareAndSwap(nil, &err) {
		f.logger.Error("store: one more failure", "error", err)
		return
	}
	f.logger.Error("store: failed", "error", err)
	f.fatal(err)
}

// err gives the first failure, nil if there was none.
func (f *failure) err() error {
	if first := f.first.Load(); first != nil {
		return fmt.Errorf("the store has failed before: %w", *first)
	}
	return nil
}

// damage gives the first failure if it makes what is read doubtful: a full disk does not.
func (f *failure) damage() error {
	if first := f.first.Load(); first != nil && errors.Is(*first, ErrDamaged) {
		return f.err()
	}
	return nil
}

// explain puts what an engine error means to an operator in front of it, and ErrDamaged behind damage.
func explain(err error) error {
	switch {
	case err == nil || errors.Is(err, ErrDamaged) || errors.Is(err, ErrFormat):
		return err
	case vfs.IsNoSpaceError(err):
		return fmt.Errorf("the disk of the data directory is full: %w", err)
	case pebble.IsCorruptionError(err): // a mark that the standard errors.Is does not see
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// errStuck: the engine gave up with its locks held, and stays open.
var errStuck = errors.New("the engine gave up and cannot be closed")

// alarm is what one engine reports to. While the engine is being opened or filled, its failure is the caller's error, and
// the store it was meant for has not failed: the report is kept back until arm.
type alarm struct {
	failed *failure
	stuck  atomic.Bool // the engine gave up, maybe with its locks held: it cannot even be closed

	mu    sync.Mutex
	armed bool
	kept  error // the first report before arm
}

func (a *alarm) report(err error) {
	a.mu.Lock()
	armed := a.armed
	if !armed && a.kept == nil {
		a.kept = explain(err)
	}
	a.mu.Unlock()
	if armed {
		a.failed.report(err)
	}
}

// arm makes this engine's failures the store's, also one that was kept back.
func (a *alarm) arm() {
	a.mu.Lock()
	a.armed = true
	kept := a.kept
	a.mu.Unlock()
	if kept != nil {
		a.failed.report(kept)
	}
}

// engineFault is what the engine's logger panics with when the engine says that it cannot go on.
type engineFault struct{ err error }

// Error makes the crash readable where nobody recovers it.
func (e engineFault) Error() string { return "store: the engine cannot go on: " + e.err.Error() }

// recoverFault turns a panic of the engine that reaches a method of this package into the method's error: where the logger
// said that it cannot go on, where the log could not be written, or where a name could not be synced. Nobody knows which
// locks it held, so the engine is not used again.
func (a *alarm) recoverFault(err *error) {
	fault := recover()
	if fault == nil {
		return
	}
	_, bug := fault.(runtime.Error)
	cause, ok := fault.(error)
	if bug || !ok {
		panic(fault)
	}
	a.stuck.Store(true)
	var said engineFault
	if errors.As(cause, &said) {
		cause = said.err
	}
	*err = explain(cause)
}

// shut closes the engine this alarm belongs to, unless it is stuck: then only the end of the process frees it.
func (a *alarm) shut(db *pebble.DB) (err error) {
	if a.stuck.Load() {
		return errStuck
	}
	defer a.recoverFault(&err)
	return db.Close()
}

// engineLog hands the engine's words to slog. It implements pebble.Logger.
type engineLog struct {
	logger *slog.Logger
	alarm  *alarm
}

// Infof is chatter: a line for every flush and compaction.
func (l engineLog) Infof(format string, args ...any) {
	if l.logger.Enabled(context.Background(), slog.LevelDebug) {
		l.logger.Debug(fmt.Sprintf(format, args...))
	}
}

// Errorf is something the engine got over.
func (l engineLog) Errorf(format string, args ...any) {
	l.logger.Warn(fmt.Sprintf(format, args...))
}

// Fatalf is called where the engine cannot go on, so it does not return.
func (l engineLog) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	for _, arg := range args {
		if cause, ok := arg.(error); ok { // the engine's formats have no %w
			err = fmt.Errorf("%w (%w)", err, cause)
		}
	}
	l.alarm.report(err)
	panic(engineFault{err})
}
