package eventlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"tinyurl/api/visits/event"
)

// errDisk is what a bad disk says.
var errDisk = errors.New("disk says no")

// badFiles are the files of the machine, on a disk that fails when it is told to.
type badFiles struct {
	OS
	mu     sync.Mutex
	write  func(p []byte) (int, error) // owned by mu: how much of p is written, and what is said then; nil writes all
	rename func(from string) error     // owned by mu: nil renames
	open   func() error                // owned by mu: nil opens
	close  error                       // owned by mu: what is said to who closes
	read   error                       // owned by mu: what is said to who reads
}

// set changes what the disk does.
func (b *badFiles) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *badFiles) OpenAppend(path string) (File, error) {
	b.mu.Lock()
	open := b.open
	b.mu.Unlock()
	if open != nil {
		if err := open(); err != nil {
			return nil, err
		}
	}
	file, err := b.OS.OpenAppend(path)
	if err != nil {
		return nil, err
	}
	return &badFile{File: file, disk: b}, nil
}

func (b *badFiles) Rename(from, to string) error {
	b.mu.Lock()
	rename := b.rename
	b.mu.Unlock()
	if rename != nil {
		if err := rename(filepath.Base(from)); err != nil {
			return err
		}
	}
	return b.OS.Rename(from, to)
}

type badFile struct {
	File
	disk *badFiles
}

func (f *badFile) Write(p []byte) (int, error) {
	f.disk.mu.Lock()
	write := f.disk.write
	f.disk.mu.Unlock()
	if write == nil {
		return f.File.Write(p)
	}
	n, err := write(p)
	if n > 0 {
		if _, err := f.File.Write(p[:n]); err != nil {
			return 0, err
		}
	}
	return n, err
}

func (f *badFile) ReadAt(p []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	err := f.disk.read
	f.disk.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, at)
}

func (f *badFile) Close() error {
	f.disk.mu.Lock()
	err := f.disk.close
	f.disk.mu.Unlock()
	return errors.Join(err, f.File.Close())
}

// messages are what a log was told.
type messages struct {
	mu   sync.Mutex
	text strings.Builder
}

func (m *messages) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.Write(p)
}

func (m *messages) count(part string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Count(m.text.String(), part)
}

func (m *messages) logger() *slog.Logger { return slog.New(slog.NewTextHandler(m, nil)) }

// options are for a new file in a directory of the test's own.
func options(t testing.TB) Options {
	t.Helper()
	return Options{Path: filepath.Join(t.TempDir(), "visits.log"), MaxBytes: 1 << 20, MaxFiles: 3}
}

// open opens a log, or fails.
func open(t testing.TB, o Options) *Log {
	t.Helper()
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// closed closes a log, or fails.
func closed(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// writeTo writes to a file as the goroutine of a Log would, for tests that need to know when that is done.
func writeTo(r *rotating, names ...string) (lost int, err error) {
	var lines []byte
	for _, e := range named(names...) {
		lines = append(e.Append(lines), '\n')
	}
	return r.write(lines)
}

// named are events whose codes are these.
func named(names ...string) []event.Event {
	events := make([]event.Event, len(names))
	for i, name := range names {
		events[i].Code = name
	}
	return events
}

// numbers are events whose codes are the numbers from first to last, of lines that are all of the same length.
func numbers(first, last int) []event.Event {
	var names []string
	for i := first; i <= last; i++ {
		names = append(names, fmt.Sprintf("%08d", i))
	}
	return named(names...)
}

// numberLine is the length of the lines of numbers, in bytes.
var numberLine = len(numbers(1, 1)[0].Append(nil)) + 1

// codes are the codes of a file's lines; a line that is not a visit is there as it is, in brackets.
func codes(t testing.TB, path string) []string {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(whole)) {
		var visit struct{ Code string }
		if err := json.Unmarshal([]byte(line), &visit); err != nil || !strings.HasSuffix(line, "\n") {
			all = append(all, "["+strings.TrimSuffix(line, "\n")+"]")
			continue
		}
		all = append(all, visit.Code)
	}
	return all
}

// holds fails unless the lines of a file are these.
func holds(t testing.TB, path string, want ...string) {
	t.Helper()
	if got := codes(t, path); !slices.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", filepath.Base(path), got, want)
	}
}
