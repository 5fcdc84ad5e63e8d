package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"tinyurl/fsm/store"
)

var digestTests = map[string]func(*testing.T, Fixture){
	"boundary digests do not depend on how batches were cut":       testBoundaries,
	"a boundary that never reaches the state machine has a digest": testBoundaryGap,
	"the boundary digest is that of the state before the crossing": testBoundaryExact,
	"a digest is that of the rows, whatever their history":         testHistory,
	"a verification can be given up":                               testVerifyCancelled,
}

func testBoundaries(t *testing.T, f Fixture) {
	script := Script{Seed: 11, Step: 97} // crosses a multiple of 4,096 every 42 entries, hitting hardly any of them
	var first *store.Store
	for i, cuts := range [][]int{{1}, {64}, {5, 1, 200}, {1000}} {
		s := open(t, f.FS, fmt.Sprintf("%s-%d", f.Dir, i))
		script.Feed(t, s, 1, 400, cuts...)
		verified(t, s)
		if first == nil {
			first = s
		}
		same(t, s, first)
		if upTo, _ := s.Digest(); upTo != (script.Index(400)-1)/4096*4096 {
			t.Errorf("the boundary is %d after entry %d", upTo, script.Index(400))
		}
	}
}

func testBoundaryGap(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	put := func(b *store.Batch, index uint64) {
		must(t, b.Advance(store.Position{Index: index, Term: 1}), b.SetCodeKey([16]byte{7}))
		must(t, b.AddGenerated(aLink(nextCode(b), "https://example.com/")))
	}
	for _, c := range []struct{ index, upTo uint64 }{
		{1, 0}, {4095, 0}, {4096, 0}, {4097, 4096}, {8190, 4096}, {20000, 16384}, {20480, 16384}, {20481, 20480}, {24577, 24576}, {24578, 24576},
	} {
		_, before := s.CurrentDigest()
		oldUpTo, _ := s.Digest()
		b, err := s.NewBatch()
		must(t, err)
		put(b, c.index)
		commit(t, b)
		upTo, d := s.Digest()
		if upTo != c.upTo {
			t.Errorf("after entry %d the boundary is %d, want %d", c.index, upTo, c.upTo)
		}
		if upTo != oldUpTo && d != before {
			t.Errorf("entry %d: the digest kept is not that of the state before it", c.index)
		}
	}
	_, want := s.Digest()
	must(t, s.Close())
	if _, got := open(t, f.FS, f.Dir).Digest(); got != want {
		t.Error("the boundary digest was not kept")
	}
}

// testBoundaryExact crosses a boundary inside one batch, with scalars changed on both sides.
func testBoundaryExact(t *testing.T, f Fixture) {
	whole, cut := open(t, f.FS, f.Dir+"-whole"), open(t, f.FS, f.Dir+"-cut")
	before := func(b *store.Batch) {
		must(t, b.Advance(store.Position{Index: 4000, Term: 1}), b.SetCodeKey([16]byte{7}), b.SetCounter(5), b.SetStamp(Epoch))
		must(t, b.Put(aLink("slug", "https://example.com/")))
	}
	after := func(b *store.Batch) {
		must(t, b.Advance(store.Position{Index: 4100, Term: 1}), b.SetCounter(9), b.Delete("slug", Epoch))
	}
	b, err := whole.NewBatch()
	must(t, err)
	before(b)
	after(b)
	commit(t, b)

	b, err = cut.NewBatch()
	must(t, err)
	before(b)
	commit(t, b)
	_, want := cut.CurrentDigest()
	b, err = cut.NewBatch()
	must(t, err)
	after(b)
	commit(t, b)
	same(t, whole, cut)
	if upTo, got := whole.Digest(); upTo != 4096 || got != want {
		t.Errorf("boundary %d, digest %v, want 4096 and %v", upTo, got, want)
	}
}

func testHistory(t *testing.T, f Fixture) {
	long, short := open(t, f.FS, f.Dir+"-long"), open(t, f.FS, f.Dir+"-short")
	for i := range 5 {
		change(t, long, func(b *store.Batch) {
			must(t, b.Put(aLink("slug", fmt.Sprintf("https://example.com/%d", i))))
			must(t, b.PutOnce("s", "k", head(byte(i), Epoch)), b.PutResult("n", uint64(i), store.Result{}))
			_, err := b.SweepOnce(Epoch, 10)
			must(t, err, b.PutOrigin("n", store.Origin{Boot: 1, Floor: uint64(i + 1)}))
		})
	}
	change(t, short, func(b *store.Batch) {
		must(t, b.Put(aLink("slug", "https://example.com/4")), b.PutOrigin("n", store.Origin{Boot: 1, Floor: 5}))
	})
	_, a := long.CurrentDigest()
	_, b := short.CurrentDigest()
	if a != b {
		t.Error("equal rows, unlike digests")
	}
	verified(t, long)
	verified(t, short)
	change(t, short, func(b *store.Batch) { must(t, b.Put(aLink("slug", "https://example.com/5"))) })
	if _, c := short.CurrentDigest(); c == b {
		t.Error("unlike rows, equal digests")
	}
}

func testVerifyCancelled(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(*store.Batch) {})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Verify(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
