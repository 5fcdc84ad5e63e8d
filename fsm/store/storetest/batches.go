package storetest

import (
	"errors"
	"testing"
	"time"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

var batchTests = map[string]func(*testing.T, Fixture){
	"nothing of a batch is seen before it is committed": testIsolation,
	"a dropped batch leaves nothing":                    testDropped,
	"a batch reads what it wrote":                       testReadThrough,
	"rules of a batch are enforced":                     testMisuse,
	"a misused batch cannot be committed":               testPoisoned,
	"a batch that was overtaken is refused":             testOvertaken,
	"scalars only grow":                                 testScalars,
	"an entry that changes nothing moves the position":  testEmptyEntry,
	"reads go on while batches commit":                  testReadersAndWriter,
}

func testIsolation(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(*store.Batch) {})
	before := describe(s)
	b := begin(t, s)
	code := nextCode(b)
	must(t, b.AddGenerated(aLink(code, "https://example.com/")), b.SetStamp(Epoch), b.SetClusterVersion(3))
	if got := describe(s); got != before {
		t.Errorf("published before the commit: %s", got)
	}
	_, err := s.Lookup(code)
	wants(t, err, link.ErrNotFound)
	commit(t, b)
	if _, err := s.Lookup(code); err != nil || s.Counter() != 1 || !s.Stamp().Equal(Epoch) || s.ClusterVersion() != 3 {
		t.Errorf("after the commit: %v, %s", err, describe(s))
	}
}

func testDropped(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	script := Script{Seed: 5}
	script.Feed(t, s, 1, 40, 3)
	before := describe(s)
	b, err := s.NewBatch()
	must(t, err)
	for n := 41; n < 60; n++ {
		must(t, script.Apply(b, n))
	}
	must(t, b.Close(), b.Close())
	if got := describe(s); got != before {
		t.Errorf("a dropped batch left %s, want %s", got, before)
	}
	script.Feed(t, s, 41, 60, 3)
	verified(t, s)
}

func testReadThrough(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		_, err := b.Link("slug")
		wants(t, err, link.ErrNotFound)
		must(t, b.Put(aLink("slug", "https://example.com/1")))
		_, err = b.Link("slug")
		must(t, err)
		// The same look-up, miss and write again, for every kind of row: a remembered miss must not outlive the write.
		for i := range 3 {
			must(t, b.PutResult("n", 1, store.Result{Code: link.Code("c" + string(rune('0'+i)))}))
			r, found, err := b.Result("n", 1)
			if err != nil || !found || r.Code != link.Code("c"+string(rune('0'+i))) {
				t.Errorf("result %v, %v, %v", r, found, err)
			}
		}
	})
	verified(t, s)
}

func testMisuse(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		must(t, b.Advance(store.Position{Index: 5, Term: 3}), b.SetCounter(7), b.SetStamp(Epoch), b.SetClusterVersion(2))
	})
	long := string(make([]byte, 256))
	cases := map[string]func(b *store.Batch) error{
		"an index that stands still":  func(b *store.Batch) error { return b.Advance(store.Position{Index: 6, Term: 3}) },
		"a term that falls":           func(b *store.Batch) error { return b.Advance(store.Position{Index: 9, Term: 2}) },
		"a counter that falls":        func(b *store.Batch) error { return b.SetCounter(6) },
		"a counter past every code":   func(b *store.Batch) error { return b.SetCounter(link.MaxID + 1) },
		"a stamp that runs back":      func(b *store.Batch) error { return b.SetStamp(Epoch.Add(-time.Millisecond)) },
		"another code key":            func(b *store.Batch) error { return b.SetCodeKey([16]byte{8}) },
		"a version that falls":        func(b *store.Batch) error { return b.SetClusterVersion(1) },
		"a code that is no next code": func(b *store.Batch) error { return b.AddGenerated(aLink("slug", "https://example.com/")) },
		"an empty target":             func(b *store.Batch) error { return b.Put(aLink("slug", "")) },
		"an empty slug":               func(b *store.Batch) error { return b.Put(aLink("", "https://example.com/")) },
		"a row of no request":         func(b *store.Batch) error { return b.PutOnceRow("s", "k", 0, store.Result{}) },
		"a request for ever":          func(b *store.Batch) error { return b.PutOnce("s", "k", store.OnceHead{}) },
		"a long key":                  func(b *store.Batch) error { return b.PutOnce("s", long, store.OnceHead{Expires: Epoch}) },
		"a nameless node":             func(b *store.Batch) error { return b.PutOrigin("", store.Origin{}) },
		"a long name":                 func(b *store.Batch) error { return b.PutResult(long, 1, store.Result{}) },
		"an error with no number":     func(b *store.Batch) error { return b.PutResult("n", 1, store.Result{Err: errors.New("odd")}) },
		"an older boot": func(b *store.Batch) error {
			return errors.Join(b.PutOrigin("n", store.Origin{Boot: 2}), b.PutOrigin("n", store.Origin{Boot: 1}))
		},
	}
	for name, do := range cases {
		b, err := s.NewBatch()
		must(t, err)
		must(t, b.Advance(store.Position{Index: 6, Term: 3}))
		if err := do(b); !errors.Is(err, store.ErrMisuse) {
			t.Errorf("%s: %v", name, err)
		}
		if err := b.Commit(); !errors.Is(err, store.ErrMisuse) {
			t.Errorf("%s was committed: %v", name, err)
		}
		must(t, b.Close())
	}
	if s.Position().Index != 5 {
		t.Errorf("a misused batch moved the store to %v", s.Position())
	}
}

func testPoisoned(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	b, err := s.NewBatch()
	must(t, err)
	wants(t, b.SetStamp(Epoch), store.ErrMisuse) // before any Advance
	wants(t, b.Advance(store.Position{Index: 1, Term: 1}), store.ErrMisuse)
	must(t, b.Close())

	b = begin(t, s)
	commit(t, b)
	wants(t, b.Commit(), store.ErrMisuse)
	_, err = b.Link("slug")
	wants(t, err, store.ErrMisuse)
}

func testOvertaken(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	first, second := begin(t, s), begin(t, s)
	commit(t, first)
	wants(t, second.Commit(), store.ErrMisuse)
	must(t, second.Close())
	if s.Position().Index != 1 {
		t.Errorf("position %v", s.Position())
	}
	b := begin(t, s)
	must(t, b.Close())
	closing := begin(t, s)
	done := make(chan error)
	go func() { done <- s.Close() }()
	for { // the batch holds a reader's reference: Close waits for it
		if err := closing.Commit(); err != nil {
			wants(t, err, store.ErrClosed)
			break
		}
		must(t, closing.Close())
		next, err := s.NewBatch()
		if err != nil {
			wants(t, err, store.ErrClosed)
			break
		}
		closing = next
	}
	must(t, closing.Close(), <-done)
	wants(t, s.Close(), store.ErrClosed)
}

func testScalars(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	if s.Position() != (store.Position{}) || s.Counter() != 0 || !s.Stamp().IsZero() || s.ClusterVersion() != 0 || s.Links() != 0 {
		t.Errorf("an empty store says %s", describe(s))
	}
	change(t, s, func(b *store.Batch) {
		must(t, b.SetStamp(Epoch.Add(999*time.Microsecond)), b.SetStamp(Epoch), b.SetCodeKey([16]byte{7}), b.SetCounter(link.MaxID))
		if key, ok := b.CodeKey(); !ok || key != [16]byte{7} || !b.Stamp().Equal(Epoch) || b.Counter() != link.MaxID {
			t.Error("the batch does not read what it set")
		}
	})
	must(t, s.Close())
	s = open(t, f.FS, f.Dir)
	if s.Counter() != link.MaxID || !s.Stamp().Equal(Epoch) || s.Stamp().Location() != time.UTC {
		t.Errorf("reopened: %s", describe(s))
	}
	codec, ok := s.Codec()
	if want := link.NewCodec([16]byte{7}); !ok || codec.Encode(1) != want.Encode(1) {
		t.Error("the code key changed")
	}
}

func testEmptyEntry(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	_, empty := s.CurrentDigest()
	b, err := s.NewBatch()
	must(t, err)
	must(t, b.Commit(), b.Close()) // not even an entry
	if s.Position() != (store.Position{}) {
		t.Errorf("position %v", s.Position())
	}
	b, err = s.NewBatch()
	must(t, err)
	must(t, b.Advance(store.Position{Index: 12, Term: 2}), b.Commit(), b.Close())
	at, digest := s.CurrentDigest()
	if at != (store.Position{Index: 12, Term: 2}) || digest != empty {
		t.Errorf("at %v, digest %v", at, digest)
	}
	must(t, s.Close())
	if s = open(t, f.FS, f.Dir); s.Position().Index != 12 {
		t.Errorf("reopened at %v", s.Position())
	}
	entry := func(index uint64, do func(b *store.Batch) error) {
		b, err := s.NewBatch()
		must(t, err)
		must(t, b.Advance(store.Position{Index: index, Term: 2}), do(b), b.Commit(), b.Close())
	}
	// Rows before anything else is known: no code key, no stamp.
	entry(13, func(b *store.Batch) error { return b.PutOrigin("n", store.Origin{Boot: 1}) })
	must(t, s.Close())
	s = open(t, f.FS, f.Dir)
	verified(t, s)
	entry(14, func(b *store.Batch) error { return b.SetClusterVersion(1) })
	verified(t, s)
}

// testReadersAndWriter holds the promise behind proven absence: whoever sees the counter at n finds every id up to n.
func testReadersAndWriter(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(*store.Batch) {})
	codec, _ := s.Codec()
	const links = 2000
	failed := make(chan error, 2)
	for range 2 {
		go func() {
			for {
				n := s.Counter()
				if n > 0 {
					if _, err := s.Lookup(codec.Encode(n)); err != nil {
						failed <- err
						return
					}
				}
				if _, proven, err := s.Route(codec.Encode(n + 1)); proven || err != nil && !errors.Is(err, link.ErrNotFound) {
					failed <- errors.Join(errors.New("absence of the next code was proven"), err)
					return
				}
				if n == links {
					failed <- nil
					return
				}
			}
		}()
	}
	for s.Counter() < links {
		change(t, s, func(b *store.Batch) {
			for range 5 {
				must(t, b.AddGenerated(aLink(nextCode(b), "https://example.com/")))
			}
		})
	}
	must(t, <-failed, <-failed)
}
