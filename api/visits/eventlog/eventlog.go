// Package eventlog writes visits to a file, one line each, as package event documents them.
//
// Who writes is never kept waiting for the disk: lines go to a queue of so many bytes, from which one goroutine writes them. What
// finds no room there, and what cannot be written because the disk is full or broken, is dropped and counted.
//
// The file is renamed when it is full: PATH to PATH.1, PATH.1 to PATH.2 and so on, and the last is replaced. An outside tool may do
// the same, and call for a Reopen; MaxBytes is then better large. Files of other numbers than 1 to MaxFiles are left alone.
//
// # Decisions
//
//   - Nothing is synced to the disk: lines survive a crash of the program, and those of the last seconds may not survive a crash of
//     the machine. A disk that must sync is slower than visits are.
//   - A line that was begun and not finished, by a crash or on a full disk, is ended before the next is written. It is not taken
//     back: who follows the file may have read it.
//   - Where the files cannot be renamed, lines are dropped rather than written to a file without end.
//   - One program writes to a file. Two that did would both rename it.
package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"

	"tinyurl/api/visits/event"
)

// Bounds of Options.
const (
	// LeastBytes is the least that may be said for MaxBytes and QueueBytes.
	LeastBytes = 64 << 10
	// MostFiles is the most that may be said for MaxFiles.
	MostFiles = 1000
	// MostQueueBytes is the most that may be said for QueueBytes.
	MostQueueBytes = 1 << 30
	// DefaultQueueBytes is the queue if nothing is said: some 15,000 lines.
	DefaultQueueBytes = 4 << 20
)

var (
	// ErrOptions is returned for options that are not within their bounds.
	ErrOptions = errors.New("bad options of the visit log")
	// ErrNotRegular is returned for a path that leads to a device, a pipe or the like, which cannot be rotated.
	ErrNotRegular = errors.New("not a regular file")
)

// Options say where visits are written and how much of it is kept.
type Options struct {
	// Path is the file. Its directory must be there; the file is made if it is not.
	Path string
	// MaxBytes is how large a file may become, LeastBytes or more. A longer line is dropped.
	MaxBytes int64
	// MaxFiles is how many files are kept besides the current one, 1 to MostFiles; PATH.1 is the newest.
	MaxFiles int
	// QueueBytes is how many bytes of lines may wait, LeastBytes to MostQueueBytes; 0 is DefaultQueueBytes. As many again may be on
	// their way to the disk.
	QueueBytes int
	// Files is where the files are; nil is OS.
	Files FileSystem
	// Logger is told when writing begins to fail and when it works again; nil tells nobody.
	Logger *slog.Logger
}

// withDefaults fills in what is left out. ErrOptions.
func (o Options) withDefaults() (Options, error) {
	if o.QueueBytes == 0 {
		o.QueueBytes = DefaultQueueBytes
	}
	if o.Files == nil {
		o.Files = OS{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case o.Path == "":
		return o, fmt.Errorf("%w: no path", ErrOptions)
	case o.MaxBytes < LeastBytes:
		return o, fmt.Errorf("%w: files of %d bytes, want %d or more", ErrOptions, o.MaxBytes, LeastBytes)
	case o.MaxFiles < 1 || o.MaxFiles > MostFiles:
		return o, fmt.Errorf("%w: %d files, want 1 to %d", ErrOptions, o.MaxFiles, MostFiles)
	case o.QueueBytes < LeastBytes || o.QueueBytes > MostQueueBytes:
		return o, fmt.Errorf("%w: a queue of %d bytes, want %d to %d", ErrOptions, o.QueueBytes, LeastBytes, MostQueueBytes)
	}
	return o, nil
}

// Log writes visits to a file. It is safe for use by several goroutines.
type Log struct {
	queue   *queue        // what waits to be written
	dropped atomic.Uint64 // how many lines were not written
	done    chan struct{} // closed when the last line is written

	// Owned by the goroutine that writes; err may be read once done is closed.
	file    *rotating
	logger  *slog.Logger
	failing bool   // the last attempt to write failed
	lost    uint64 // how many lines were lost since it failed first
	err     error  // what the last attempt to write came to
}

// Open opens the file, and begins to write to it what comes. The caller must Close the log. ErrOptions, ErrNotRegular, or what the
// file system says.
func Open(o Options) (*Log, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	file := &rotating{files: o.Files, path: o.Path, maxBytes: o.MaxBytes, maxFiles: o.MaxFiles}
	if err := file.open(); err != nil {
		return nil, fmt.Errorf("visit log: %w", err)
	}
	l := &Log{
		queue: newQueue(o.QueueBytes, int(min(o.MaxBytes, math.MaxInt32))),
		done:  make(chan struct{}),
		file:  file, logger: o.Logger.With("path", o.Path),
	}
	go l.run()
	return l, nil
}

// lineRoom is what most lines find room in, in bytes.
const lineRoom = 1 << 10

// Write takes events to be written. It never waits for the disk: what finds no room is dropped and counted, and so is all that
// comes after Close. It keeps nothing of the slice.
func (l *Log) Write(events []event.Event) {
	var room [lineRoom]byte
	line := room[:0]
	for i := range events {
		line = append(events[i].Append(line[:0]), '\n')
		if !l.queue.put(line) {
			l.dropped.Add(1)
		}
	}
	l.queue.call()
}

// Dropped is how many events were not written since Open: for lack of room, for errors, or because they came after Close.
func (l *Log) Dropped() uint64 { return l.dropped.Load() }

// Reopen closes the file and opens what has its name now, for when an outside tool has renamed it. It does not wait for that: what
// was written to the Log before may still go to the old file, what is written after goes to the new one.
func (l *Log) Reopen() { l.queue.askReopen() }

// Close writes what waits, and closes the file. It gives up waiting once ctx is done, with the error of ctx; a disk that hangs
// cannot be interrupted. Otherwise it fails if the last lines could not be written. Closing again waits again.
func (l *Log) Close(ctx context.Context) error {
	l.queue.close()
	select {
	case <-l.done:
	default:
		select {
		case <-l.done:
		case <-ctx.Done():
			return fmt.Errorf("visit log: not all is written: %w", ctx.Err())
		}
	}
	return l.err
}

// run writes what is queued until the queue is closed.
func (l *Log) run() {
	defer close(l.done)
	var spare []byte
	for range l.queue.wake {
		now := l.queue.take(spare)
		if now.reopen {
			if err := l.file.reopen(); err != nil {
				l.tell(0, err)
			}
		}
		if len(now.lines) > 0 {
			l.tell(l.file.write(now.lines))
		}
		spare = now.lines
		if now.closed {
			break
		}
	}
	if err := l.file.close(); err != nil {
		l.tell(0, err)
	}
	if l.err != nil {
		l.err = fmt.Errorf("visit log: %w", l.err)
	}
}

// tell counts lines that were lost, and tells where a run of failures begins and where it ends.
func (l *Log) tell(lost int, err error) {
	l.err = err
	l.dropped.Add(uint64(lost))
	l.lost += uint64(lost)
	switch failing := err != nil; {
	case failing && !l.failing:
		l.logger.Error("visits cannot be written to the log", "error", err)
	case !failing && l.failing:
		l.logger.Info("visits are written to the log again", "lost", l.lost)
		l.lost = 0
	}
	l.failing = err != nil
}
