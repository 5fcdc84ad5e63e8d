package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"

	"tinyurl/api/visits/event"
)

func TestWhatIsWrittenIsThereOnceClosed(t *testing.T) {
	o := options(t)
	l := open(t, o)
	l.Write(named("a", "b"))
	l.Write(nil)
	l.Write(named("c"))
	closed(t, l)
	holds(t, o.Path, "a", "b", "c")
	l.Write(named("late"))
	if l.Dropped() != 1 {
		t.Errorf("%d dropped, want what came after Close", l.Dropped())
	}
	closed(t, l) // again
	info, err := os.Stat(o.Path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, want it for its owner alone", info.Mode())
	}
	l = open(t, o)
	l.Write(named("d"))
	closed(t, l)
	holds(t, o.Path, "a", "b", "c", "d")
}

func TestOptionsAreChecked(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no path":           func(o *Options) { o.Path = "" },
		"small files":       func(o *Options) { o.MaxBytes = LeastBytes - 1 },
		"no files":          func(o *Options) { o.MaxFiles = 0 },
		"too many files":    func(o *Options) { o.MaxFiles = MostFiles + 1 },
		"a small queue":     func(o *Options) { o.QueueBytes = LeastBytes - 1 },
		"a queue too large": func(o *Options) { o.QueueBytes = MostQueueBytes + 1 },
	} {
		o := options(t)
		change(&o)
		if _, err := Open(o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v, want %v", name, err, ErrOptions)
		}
	}
}

func TestOpenFailsWhereNothingCanBeWritten(t *testing.T) {
	o := options(t)
	o.Path += "/within"
	if _, err := Open(o); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a directory: %v, want %v", err, fs.ErrNotExist)
	}
	o.Path = os.DevNull
	if _, err := Open(o); !errors.Is(err, ErrNotRegular) {
		t.Errorf("a device: %v, want %v", err, ErrNotRegular)
	}
	o = options(t)
	if err := os.WriteFile(o.Path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Files = &badFiles{read: errDisk}
	if _, err := Open(o); !errors.Is(err, errDisk) {
		t.Errorf("a file that cannot be read: %v, want %v", err, errDisk)
	}
}

func TestReopenFollowsTheName(t *testing.T) {
	o := options(t)
	l := open(t, o)
	l.Write(named("a"))
	if err := os.Rename(o.Path, o.Path+".moved"); err != nil {
		t.Fatal(err)
	}
	l.Reopen()
	l.Write(named("b"))
	closed(t, l)
	got := append(codes(t, o.Path+".moved"), codes(t, o.Path)...)
	if fmt.Sprint(got) != "[a b]" {
		t.Errorf("both files hold %v, want what was written", got)
	}
	if of := codes(t, o.Path); len(of) == 0 || of[len(of)-1] != "b" {
		t.Errorf("the new file holds %v, want what was written after Reopen", of)
	}
}

func TestReopenMakesTheFileThoughNothingIsWritten(t *testing.T) {
	o := options(t)
	l := open(t, o)
	if err := os.Remove(o.Path); err != nil {
		t.Fatal(err)
	}
	l.Reopen()
	closed(t, l)
	holds(t, o.Path)
}

// hanging is a disk on which nothing is written until it is released.
type hanging struct {
	badFiles
	entered chan struct{} // one for each write that began
	release chan struct{} // closed to let all writes through
}

func newHanging() *hanging {
	h := &hanging{entered: make(chan struct{}, 1000), release: make(chan struct{})}
	h.write = func(p []byte) (int, error) {
		h.entered <- struct{}{}
		<-h.release
		return len(p), nil
	}
	return h
}

func TestADiskThatHangsKeepsNobodyWaitingAndFillsNoMemory(t *testing.T) {
	o := options(t)
	disk := newHanging()
	o.Files, o.QueueBytes = disk, LeastBytes
	l := open(t, o)
	l.Write(numbers(0, 0))
	<-disk.entered

	const many = 5000
	l.Write(numbers(1, many))
	fit := LeastBytes / numberLine
	if want := uint64(many - fit); l.Dropped() != want {
		t.Errorf("%d dropped, want %d", l.Dropped(), want)
	}
	l.queue.mu.Lock()
	if room := cap(l.queue.lines); room > LeastBytes {
		t.Errorf("the queue has room for %d bytes, want %d at most", room, LeastBytes)
	}
	l.queue.mu.Unlock()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("closing while the disk hangs: %v, want %v", err, context.Canceled)
	}
	close(disk.release)
	closed(t, l)
	if got := codes(t, o.Path); len(got) != fit+1 || got[fit] != fmt.Sprintf("%08d", fit) {
		t.Errorf("%d lines are written, want the first %d", len(got), fit+1)
	}
	if err := l.Close(ctx); err != nil {
		t.Errorf("closing what is closed: %v", err)
	}
}

func TestLinesLongerThanAFileAreDropped(t *testing.T) {
	o := options(t)
	o.MaxBytes = LeastBytes
	l := open(t, o)
	l.Write([]event.Event{{Code: "a"}, {Code: "b", Target: strings.Repeat("\x00", LeastBytes/6)}, {Code: "c"}})
	closed(t, l)
	holds(t, o.Path, "a", "c")
	if l.Dropped() != 1 {
		t.Errorf("%d dropped, want 1", l.Dropped())
	}
}

func TestFailuresAreToldOnceAndTheirLinesCounted(t *testing.T) {
	var told messages
	o := options(t)
	disk := &badFiles{}
	attempts := make(chan struct{})
	full := func([]byte) (int, error) {
		attempts <- struct{}{}
		return 0, errDisk
	}
	works := func(p []byte) (int, error) {
		attempts <- struct{}{}
		return len(p), nil
	}
	o.Files, o.Logger = disk, told.logger()
	l := open(t, o)
	for round := range 2 {
		disk.set(func() { disk.write = full })
		for range 3 {
			l.Write(named("lost", "lost"))
			<-attempts
		}
		disk.set(func() { disk.write = works })
		l.Write(named(fmt.Sprint(round)))
		<-attempts
	}
	closed(t, l)
	holds(t, o.Path, "0", "1")
	if l.Dropped() != 12 {
		t.Errorf("%d dropped, want 12", l.Dropped())
	}
	if told.count("cannot be written") != 2 || told.count("again") != 2 || told.count("lost=6") != 2 {
		t.Errorf("told:\n%s\nwant twice that it fails and that it works again", told.text.String())
	}
}

func TestCloseTellsThatTheLastLinesAreLost(t *testing.T) {
	o := options(t)
	disk := &badFiles{write: func([]byte) (int, error) { return 0, errDisk }}
	o.Files = disk
	l := open(t, o)
	l.Write(named("a"))
	if err := l.Close(t.Context()); !errors.Is(err, errDisk) {
		t.Errorf("close: %v, want %v", err, errDisk)
	}
	o.Files = &badFiles{close: errDisk}
	l = open(t, o)
	if err := l.Close(t.Context()); !errors.Is(err, errDisk) {
		t.Errorf("close of a file that cannot be closed: %v, want %v", err, errDisk)
	}
}

func TestAReopenThatFailsIsTriedAgainWithWhatComes(t *testing.T) {
	var told messages
	o := options(t)
	disk := &badFiles{}
	o.Files, o.Logger = disk, told.logger()
	l := open(t, o)
	attempts := make(chan struct{})
	disk.set(func() {
		disk.open = func() error {
			attempts <- struct{}{}
			return errDisk
		}
	})
	l.Reopen()
	<-attempts
	l.Write(named("a"))
	<-attempts
	disk.set(func() { disk.open = nil })
	l.Write(named("b"))
	closed(t, l)
	holds(t, o.Path, "b")
	if l.Dropped() != 1 || told.count("cannot be written") != 1 || told.count("again") != 1 {
		t.Errorf("dropped %d, told:\n%s\nwant 1, told once of each", l.Dropped(), told.text.String())
	}
}

func TestManyMayWriteAtOnce(t *testing.T) {
	const writers, batches, size = 4, 100, 20
	o := options(t)
	o.MaxBytes, o.MaxFiles = LeastBytes, MostFiles
	l := open(t, o)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for b := range batches {
				first := (w*batches + b) * size
				l.Write(numbers(first, first+size-1))
				if b%10 == 0 {
					l.Reopen()
				}
			}
		})
	}
	all.Wait()
	closed(t, l)
	seen := make(map[string]int)
	lines := codes(t, o.Path)
	for i := 1; ; i++ {
		if _, err := os.Stat(fmt.Sprint(o.Path, ".", i)); err != nil {
			break
		}
		lines = append(lines, codes(t, fmt.Sprint(o.Path, ".", i))...)
	}
	for _, code := range lines {
		seen[code]++
	}
	if len(lines) != writers*batches*size || len(seen) != len(lines) || l.Dropped() != 0 {
		t.Errorf("%d lines of %d visits, %d dropped; want %d", len(lines), len(seen), l.Dropped(), writers*batches*size)
	}
}

func TestWriteAllocatesNothing(t *testing.T) {
	o := options(t)
	disk := newHanging()
	o.Files = disk
	l := open(t, o)
	l.Write(numbers(0, 0))
	<-disk.entered
	events := numbers(1, 10)
	l.queue.mu.Lock()
	l.queue.lines = make([]byte, 0, DefaultQueueBytes)
	l.queue.mu.Unlock()
	if n := testing.AllocsPerRun(100, func() { l.Write(events) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
	close(disk.release)
	closed(t, l)
}

func BenchmarkWrite(b *testing.B) {
	o := options(b)
	o.MaxBytes = 64 << 20
	l := open(b, o)
	events := numbers(1, 100)
	for i := range events {
		events[i].Target, events[i].Browser, events[i].Country = "https://example.com/a/path/of/usual/length", "Firefox", "CH"
	}
	b.ReportAllocs()
	for b.Loop() {
		l.Write(events)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
	b.ReportMetric(float64(l.Dropped())/float64(b.N*len(events)), "dropped")
	closed(b, l)
}
