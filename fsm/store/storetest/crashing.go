package storetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

var crashTests = map[string]func(*testing.T, Fixture){
	"what was synced survives a crash":                         testCrashAfterSync,
	"a crash loses a suffix of batches and tears none":         testCrash,
	"a crash at any write leaves a prefix of batches":          testCrashAtWrites,
	"what a checkpoint promised survives a crash":              testCrashAfterCheckpoint,
	"a crash in a first opening leaves an empty store":         testCrashInOpen,
	"a crash in a replacement leaves the old state or the new": testCrashInReplace,
	"a replacement that returned survives a crash":             testCrashAfterReplace,
}

// crashes is a file system that keeps what a crash would have left before some of its writes.
type crashes struct {
	f     Fixture
	every uint64

	mu    sync.Mutex
	rng   *rand.Rand
	on    bool
	count uint64
	kept  []store.FS
}

// MaybeError is called before each operation; it injects nothing.
func (c *crashes) MaybeError(op errorfs.Op) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.on || op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
		return nil
	}
	if c.count++; c.count%c.every == 0 {
		c.kept = append(c.kept, c.f.Crash(c.rng))
	}
	return nil
}

// String makes crashes an errorfs.Injector.
func (c *crashes) String() string { return "crashes" }

// record keeps crashed file systems as long as do runs: before every n-th write, and after the last.
func (c *crashes) record(n uint64, do func()) []store.FS {
	set := func(on bool) {
		c.mu.Lock()
		c.on, c.every = on, n
		c.mu.Unlock()
	}
	set(true)
	do()
	set(false)
	return append(c.kept, c.f.Crash(c.rng))
}

// crashable skips the test on a file system that cannot crash.
func crashable(t *testing.T, f Fixture) *crashes {
	t.Helper()
	if f.Crash == nil {
		t.Skip("this file system cannot crash")
	}
	return &crashes{f: f, rng: rand.New(rand.NewPCG(42, 43))}
}

// expectPrefix opens a crashed store and fails the test unless it is what some number of the script's entries makes of an
// empty one, at least the given number; it answers that number.
func expectPrefix(t *testing.T, fs store.FS, dir string, script Script, atLeast int) int {
	t.Helper()
	s := open(t, fs, dir)
	verified(t, s)
	n := script.Applied(s.Position())
	if n < atLeast {
		t.Fatalf("%d entries are left, want %d or more", n, atLeast)
	}
	reference := open(t, mem(), "reference")
	script.Feed(t, reference, 1, n, 50)
	same(t, s, reference)
	if codec, ok := s.Codec(); ok {
		for id := link.ID(1); id <= s.Counter(); id++ {
			if got, want := told(s, codec.Encode(id)), told(reference, codec.Encode(id)); got != want {
				t.Fatalf("id %d is %s, want %s", id, got, want)
			}
		}
	}
	script.Feed(t, s, n+1, n+20, 3) // and it goes on from there
	script.Feed(t, reference, n+1, n+20, 20)
	same(t, s, reference)
	must(t, s.Close(), reference.Close())
	return n
}

// told is what a look-up answers, in words.
func told(s *store.Store, c link.Code) string {
	l, proven, err := s.Route(c)
	return fmt.Sprint(l, proven, err)
}

func testCrash(t *testing.T, f Fixture) {
	c := crashable(t, f)
	script := Script{Seed: 41, Step: 20}
	s := open(t, f.FS, f.Dir)
	at := 0
	seen := map[int]bool{}
	for range 40 {
		to := at + c.rng.IntN(60)
		script.Feed(t, s, at+1, to, 1+c.rng.IntN(10))
		at = to
		seen[expectPrefix(t, f.Crash(c.rng), f.Dir, script, 0)] = true
	}
	if len(seen) < 3 {
		t.Errorf("the crashes left only %v entries: the test proves little", seen)
	}
}

func testCrashAtWrites(t *testing.T, f Fixture) {
	c := crashable(t, f)
	script := Script{Seed: 42}
	s := open(t, errorfs.Wrap(f.FS, c), f.Dir)
	// More than a memory table holds, so that flushes and their manifests are hit too.
	left := c.record(5, func() { script.Feed(t, s, 1, 4000, 7) })
	seen := map[int]bool{}
	for i := 0; i < len(left); i += 1 + len(left)/25 {
		n := expectPrefix(t, left[i], f.Dir, script, 0)
		if n%7 != 0 && n != 4000 {
			t.Errorf("a crash tore a batch apart at entry %d", n)
		}
		seen[n] = true
	}
	if len(seen) < 3 {
		t.Errorf("%d crashes left only %v entries: the test proves little", len(left), seen)
	}
}

func testCrashAfterCheckpoint(t *testing.T, f Fixture) {
	c := crashable(t, f)
	script := Script{Seed: 43}
	s := open(t, f.FS, f.Dir)
	script.Feed(t, s, 1, 100, 7)
	sum, err := s.Checkpoint(f.Dir + "-copy")
	must(t, err)
	script.Feed(t, s, 101, 130, 7)
	for range 5 {
		fs := f.Crash(c.rng)
		copied, err := store.OpenCheckpoint(f.Dir+"-copy", options(t, fs))
		must(t, err)
		if copied.Summary() != sum {
			t.Errorf("the checkpoint is %+v, want %+v", copied.Summary(), sum)
		}
		var buf bytes.Buffer
		must(t, copied.Stream(&buf, cluster), copied.Close())
		if _, err := store.CheckStream(&buf); err != nil {
			t.Error(err)
		}
		expectPrefix(t, fs, f.Dir, script, 100) // the store itself is durable up to there
	}
}

func testCrashAfterSync(t *testing.T, f Fixture) {
	c := crashable(t, f)
	script := Script{Seed: 48}
	s := open(t, f.FS, f.Dir)
	for n := 0; n < 100; n += 20 {
		script.Feed(t, s, n+1, n+10, 3)
		must(t, s.Sync())
		script.Feed(t, s, n+11, n+20, 3)
		expectPrefix(t, f.Crash(c.rng), f.Dir, script, n+10)
	}
}

func testCrashInOpen(t *testing.T, f Fixture) {
	c := crashable(t, f)
	left := c.record(1, func() { must(t, open(t, errorfs.Wrap(f.FS, c), f.Dir).Close()) })
	for _, fs := range left {
		expectPrefix(t, fs, f.Dir, Script{Seed: 44}, 0)
	}
	t.Logf("%d crashes", len(left))
}

func testCrashInReplace(t *testing.T, f Fixture) {
	c := crashable(t, f)
	older := Script{Seed: 46}
	_, stream := source(t, f, Script{Seed: 45}, 80)
	reference := open(t, mem(), "reference")
	must(t, reference.Replace(bytes.NewReader(stream), nil))
	s := open(t, errorfs.Wrap(f.FS, c), f.Dir)
	older.Feed(t, s, 1, 50, 10)
	_, err := s.Checkpoint(f.Dir + "-durable") // so that the old state is durable as well
	must(t, err)
	before, after := describe(s), describe(reference)
	left := c.record(1, func() { must(t, s.Replace(bytes.NewReader(stream), nil), s.Close()) })
	old, swapped := 0, 0
	for i, fs := range left {
		s := open(t, fs, f.Dir)
		verified(t, s)
		switch got := describe(s); {
		case got == before && swapped == 0:
			old++
		case got == after:
			swapped++
		case got == before: // what is not synced may be lost later too, but a new state is synced before it is named
			t.Fatalf("crash %d went back to the old state", i)
		default:
			t.Fatalf("crash %d left %s", i, got)
		}
		must(t, s.Replace(bytes.NewReader(stream), nil), s.Close()) // a second try finds nothing in its way
	}
	if old == 0 || swapped == 0 {
		t.Errorf("%d crashes left the old state and %d the new: the test proves little", old, swapped)
	}
}

func testCrashAfterReplace(t *testing.T, f Fixture) {
	c := crashable(t, f)
	from, stream := source(t, f, Script{Seed: 47}, 80)
	s := open(t, f.FS, f.Dir)
	for range 5 {
		must(t, s.Replace(bytes.NewReader(stream), nil))
		crashed := open(t, f.Crash(c.rng), f.Dir)
		same(t, crashed, from)
		verified(t, crashed)
		must(t, crashed.Close())
	}
}
