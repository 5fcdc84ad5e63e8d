package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

var replaceTests = map[string]func(*testing.T, Fixture){
	"a replaced state is the stream's, position included":       testReplace,
	"a replaced state goes on like the one it came from":        testReplaceGoesOn,
	"an empty state can be installed":                           testReplaceEmpty,
	"a stream that is refused leaves the old state":             testReplaceRefused,
	"a file system that fails leaves one whole state":           testReplaceFails,
	"reads go on across a replacement":                          testReadAcross,
	"an open batch keeps the old state and cannot be committed": testBatchAcross,
}

// generations lists what a store's directory holds besides CURRENT and the lock.
func generations(t *testing.T, f Fixture, dir string) []string {
	t.Helper()
	names, err := f.FS.List(dir)
	must(t, err)
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool { return name == "CURRENT" || name == "LOCK" })
}

// source makes a store with a state of so many entries, and that state as a stream.
func source(t *testing.T, f Fixture, script Script, entries int) (*store.Store, []byte) {
	t.Helper()
	dir := fmt.Sprintf("%s-source-%d-%d", f.Dir, script.Seed, entries)
	s := open(t, f.FS, dir)
	script.Feed(t, s, 1, entries, 10)
	stream, _ := streamOf(t, f.FS, s, dir+"-copy")
	return s, stream
}

func testReplace(t *testing.T, f Fixture) {
	from, stream := source(t, f, Script{Seed: 31, Step: 40}, 400)
	s := open(t, f.FS, f.Dir)
	Script{Seed: 99}.Feed(t, s, 1, 100, 10)
	seen := 0
	must(t, s.Replace(bytes.NewReader(stream), func(h store.Header) error {
		seen++
		if h.ClusterID != cluster || h.Position != from.Position() {
			t.Errorf("the header shown is %+v", h)
		}
		return nil
	}))
	if seen != 1 {
		t.Errorf("the header was shown %d times", seen)
	}
	same(t, s, from)
	verified(t, s)
	must(t, s.Close())
	if got := generations(t, f, f.Dir); !slices.Equal(got, []string{"000002"}) {
		t.Errorf("left are %v", got)
	}
	s = open(t, f.FS, f.Dir)
	same(t, s, from)
	again, _ := streamOf(t, f.FS, s, f.Dir+"-again")
	if !bytes.Equal(again, stream) {
		t.Error("the stream of a replaced state is another")
	}
}

func testReplaceGoesOn(t *testing.T, f Fixture) {
	script := Script{Seed: 32, Step: 30}
	from, stream := source(t, f, script, 300)
	s := open(t, f.FS, f.Dir)
	for range 3 { // over and over, each time from further back than it stands
		must(t, s.Replace(bytes.NewReader(stream), nil))
		script.Feed(t, s, 301, 600, 25)
		verified(t, s)
	}
	script.Feed(t, from, 301, 600, 1)
	same(t, s, from)
}

func testReplaceEmpty(t *testing.T, f Fixture) {
	from, stream := source(t, f, Script{Seed: 1}, 0)
	s := open(t, f.FS, f.Dir)
	Script{Seed: 99}.Feed(t, s, 1, 100, 10)
	must(t, s.Replace(bytes.NewReader(stream), nil))
	same(t, s, from)
	Script{Seed: 99}.Feed(t, s, 1, 100, 10)
	verified(t, s)
}

func testReplaceRefused(t *testing.T, f Fixture) {
	_, stream := source(t, f, Script{Seed: 33}, 100)
	s := open(t, f.FS, f.Dir)
	script := Script{Seed: 34}
	script.Feed(t, s, 1, 100, 10)
	before := describe(s)
	mine := errors.New("not that one")
	flipped := bytes.Clone(stream)
	flipped[len(flipped)*2/3] ^= 4
	for name, c := range map[string]struct {
		stream []byte
		accept func(store.Header) error
		want   error
	}{
		"nothing":          {nil, nil, store.ErrDamaged},
		"a header":         {stream[:140], nil, store.ErrDamaged},
		"half":             {stream[:len(stream)/2], nil, store.ErrDamaged},
		"all but a byte":   {stream[:len(stream)-1], nil, store.ErrDamaged},
		"a byte too many":  {append(bytes.Clone(stream), 0), nil, store.ErrDamaged},
		"a flipped bit":    {flipped, nil, store.ErrDamaged},
		"something else":   {[]byte(strings.Repeat("no stream ", 100)), nil, store.ErrDamaged},
		"a refused header": {stream, func(store.Header) error { return mine }, mine},
		"a newer format":   {append(append(bytes.Clone(stream[:8]), 0, 0, 0, 4), stream[12:]...), nil, store.ErrFormat},
		"an older format":  {append(append(bytes.Clone(stream[:8]), 0, 0, 0, 2), stream[12:]...), nil, store.ErrFormat},
		"another group":    {otherGroup(t, f), nil, store.ErrDamaged},
	} {
		if err := s.Replace(bytes.NewReader(c.stream), c.accept); !errors.Is(err, c.want) || errors.Is(err, store.ErrSwapped) {
			t.Errorf("%s: %v", name, err)
		}
		if got := describe(s); got != before {
			t.Errorf("%s left %s", name, got)
		}
		if got := generations(t, f, f.Dir); !slices.Equal(got, []string{"000001"}) {
			t.Errorf("%s left %v", name, got)
		}
	}
	script.Feed(t, s, 101, 120, 10)
	verified(t, s)
}

// otherGroup is a good stream of another group.
func otherGroup(t *testing.T, f Fixture) []byte {
	t.Helper()
	o := options(t, f.FS)
	o.Group = 9
	s, err := store.Open(f.Dir+"-group", o)
	must(t, err)
	_, err = s.Checkpoint(f.Dir + "-group-copy")
	must(t, err, s.Close())
	c, err := store.OpenCheckpoint(f.Dir+"-group-copy", o)
	must(t, err)
	var buf bytes.Buffer
	must(t, c.Stream(&buf, cluster), c.Close())
	return buf.Bytes()
}

// testReplaceFails lets every write of a replacement fail in turn.
func testReplaceFails(t *testing.T, f Fixture) {
	from, stream := source(t, f, Script{Seed: 35}, 60)
	want := describe(from)
	for failing := int64(1); ; failing++ {
		dir := fmt.Sprintf("%s-%d", f.Dir, failing)
		var armed atomic.Bool
		var left atomic.Int64
		left.Store(failing)
		fs := errorfs.Wrap(f.FS, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if armed.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && left.Add(-1) == 0 {
				return errorfs.ErrInjected
			}
			return nil
		}))
		o := options(t, fs)
		o.Fatal = func(error) {}
		s, err := store.Open(dir, o)
		must(t, err)
		Script{Seed: 36}.Feed(t, s, 1, 30, 10)
		before := describe(s)
		armed.Store(true)
		err = s.Replace(bytes.NewReader(stream), nil)
		armed.Store(false)
		swapped := errors.Is(err, store.ErrSwapped)
		if got := describe(s); err != nil && got != before || err == nil && got != want {
			t.Fatalf("write %d: %v, and the store says %s", failing, err, got)
		}
		batch, batchErr := s.NewBatch()
		if (batchErr != nil) != swapped {
			t.Fatalf("write %d: %v, and a new batch: %v", failing, err, batchErr)
		}
		if batchErr == nil {
			must(t, batch.Close())
		}
		_ = s.Close()
		s = open(t, f.FS, dir)
		if got := describe(s); !swapped && err != nil && got != before || err == nil && got != want || got != before && got != want {
			t.Fatalf("write %d: %v, and reopened the store says %s", failing, err, got)
		}
		verified(t, s)
		must(t, s.Close())
		if got := generations(t, f, dir); len(got) != 1 {
			t.Errorf("write %d: left are %v", failing, got)
		}
		if left.Load() > 0 {
			t.Logf("a replacement makes %d writes", failing-1)
			return
		}
	}
}

// testReadAcross looks links up while the state is replaced again and again by one that has them all.
func testReadAcross(t *testing.T, f Fixture) {
	from := open(t, f.FS, f.Dir+"-source")
	change(t, from, func(b *store.Batch) {
		for range 500 {
			must(t, b.AddGenerated(aLink(nextCode(b), "https://example.com/")))
		}
	})
	stream, _ := streamOf(t, f.FS, from, f.Dir+"-copy")
	codec, _ := from.Codec()
	s := open(t, f.FS, f.Dir)
	must(t, s.Replace(bytes.NewReader(stream), nil))
	var stop atomic.Bool
	failed := make(chan error, 2)
	for seed := range uint64(2) {
		go func() {
			rng := rand.New(rand.NewPCG(seed, 0))
			for !stop.Load() {
				if _, err := s.Lookup(codec.Encode(link.ID(1 + rng.Uint64N(500)))); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range 20 {
		must(t, s.Replace(bytes.NewReader(stream), nil))
	}
	stop.Store(true)
	must(t, <-failed, <-failed, s.Close())
	if got := generations(t, f, f.Dir); len(got) != 1 {
		t.Errorf("left are %v", got)
	}
}

func testBatchAcross(t *testing.T, f Fixture) {
	_, stream := source(t, f, Script{Seed: 37}, 50)
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) { must(t, b.Put(aLink("mine", "https://example.com/"))) })
	b := begin(t, s)
	must(t, s.Replace(bytes.NewReader(stream), nil))
	if _, err := b.Link("mine"); err != nil {
		t.Errorf("the old state is gone under an open batch: %v", err)
	}
	if got := generations(t, f, f.Dir); !slices.Contains(got, "000001") {
		t.Errorf("left are %v", got)
	}
	wants(t, b.Commit(), store.ErrMisuse)
	must(t, b.Close())
	eventually(t, func() bool { return slices.Equal(generations(t, f, f.Dir), []string{"000002"}) })
	verified(t, s)
	if diff := slices.Sorted(maps.Keys(tree(t, f.FS, f.Dir))); !slices.Contains(diff, "CURRENT") {
		t.Errorf("files %v", diff)
	}
}

// eventually waits until a condition holds that another goroutine brings about.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen in time")
		}
		time.Sleep(time.Millisecond)
	}
}
