package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

var onceTests = map[string]func(*testing.T, Fixture){
	"a request is remembered with its rows":            testOnce,
	"requests of two scopes are strangers":             testOnceScopes,
	"expired requests are forgotten whole, in order":   testSweep,
	"a sweep forgets no more than it may":              testSweepLimit,
	"a request takes the place of one with its name":   testOnceReplaced,
	"a dropped sweep forgets nothing":                  testSweepDropped,
	"sweeping does not depend on how batches were cut": testSweepCuts,
}

func head(body byte, expires time.Time) store.OnceHead {
	return store.OnceHead{Body: [32]byte{body}, Expires: expires}
}

func testOnce(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	long := strings.Repeat("k", link.MaxKey)
	want := head(1, Epoch.Add(link.OnceKept))
	change(t, s, func(b *store.Batch) {
		if _, found, err := b.Once("scope", long); found || err != nil {
			t.Errorf("found %v, %v", found, err)
		}
		must(t, b.PutOnce("scope", long, want))
		must(t, b.PutOnceRow("scope", long, 0, store.Result{Code: "abc"}))
		must(t, b.PutOnceRow("scope", long, 1<<31, store.Result{Err: fmt.Errorf("row 9: %w", link.ErrSlugTaken)}))
	})
	must(t, s.Close())
	s = open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		got, found, err := b.Once("scope", long)
		if diff := cmp.Diff(want, got); !found || err != nil || diff != "" {
			t.Errorf("found %v, %v, %s", found, err, diff)
		}
		must(t, b.PutOnce("scope", long, want)) // the same again changes nothing
		r, found, err := b.OnceRow("scope", long, 0)
		if !found || err != nil || r != (store.Result{Code: "abc"}) {
			t.Errorf("row 0: %v, %v, %v", r, found, err)
		}
		r, found, err = b.OnceRow("scope", long, 1<<31)
		if !found || err != nil || r.Err != link.ErrSlugTaken || r.Code != "" {
			t.Errorf("the last row: %v, %v, %v", r, found, err)
		}
		if _, found, err = b.OnceRow("scope", long, 7); found || err != nil {
			t.Errorf("row 7: %v, %v", found, err)
		}
	})
	verified(t, s)
}

func testOnceScopes(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	names := [][2]string{{"a", "bc"}, {"ab", "c"}, {"", "abc"}, {"a", "b"}, {"a", "b\x00"}}
	change(t, s, func(b *store.Batch) {
		for i, n := range names {
			must(t, b.PutOnce(n[0], n[1], head(byte(i+1), Epoch.Add(time.Duration(i)*time.Second))))
			must(t, b.PutOnceRow(n[0], n[1], 0, store.Result{Code: link.Code(fmt.Sprint(i))}))
		}
	})
	change(t, s, func(b *store.Batch) {
		removed, err := b.SweepOnce(Epoch, 100)
		if removed != 3 || err != nil {
			t.Errorf("removed %d rows, %v", removed, err)
		}
		for i, n := range names {
			h, found, err := b.Once(n[0], n[1])
			r, rowFound, rowErr := b.OnceRow(n[0], n[1], 0)
			if found != (i > 0) || rowFound != (i > 0) || err != nil || rowErr != nil {
				t.Errorf("%q: found %v and %v, %v, %v", n, found, rowFound, err, rowErr)
			}
			if i > 0 && (h.Body[0] != byte(i+1) || string(r.Code) != fmt.Sprint(i)) {
				t.Errorf("%q has %d and %v of another", n, h.Body[0], r)
			}
		}
	})
	verified(t, s)
}

func testSweep(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	_, empty := digestOf(t, s)
	for i := range 20 {
		change(t, s, func(b *store.Batch) {
			key := fmt.Sprintf("key-%d", i)
			must(t, b.PutOnce("s", key, head(1, Epoch.Add(time.Duration(i)*time.Second))))
			for row := range uint32(i % 3) {
				must(t, b.PutOnceRow("s", key, row, store.Result{}))
			}
		})
	}
	left := func(b *store.Batch) (n int) {
		for i := range 20 {
			_, found, err := b.Once("s", fmt.Sprintf("key-%d", i))
			must(t, err)
			if found {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		at   time.Time
		left int
	}{{Epoch.Add(-time.Millisecond), 20}, {Epoch, 19}, {Epoch.Add(999 * time.Millisecond), 19}, {Epoch.Add(9 * time.Second), 10}, {Epoch.Add(time.Hour), 0}} {
		change(t, s, func(b *store.Batch) {
			_, err := b.SweepOnce(c.at, 1000)
			must(t, err)
			if got := left(b); got != c.left {
				t.Errorf("at %v %d requests are left, want %d", c.at, got, c.left)
			}
		})
		verified(t, s)
		must(t, s.Close())
		s = open(t, f.FS, f.Dir) // what a store knows about expiries from before is gone
	}
	if _, got := digestOf(t, s); got != empty {
		t.Error("something is left of requests that were forgotten")
	}
}

// digestOf gives the digest of a store that has a code key and nothing else, or what came of it.
func digestOf(t *testing.T, s *store.Store) (store.Position, store.Digest) {
	t.Helper()
	if s.Position().Index == 0 {
		change(t, s, func(*store.Batch) {})
	}
	return s.CurrentDigest()
}

func testSweepLimit(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		for i := range 10 {
			key := fmt.Sprint(i)
			must(t, b.PutOnce("s", key, head(1, Epoch)), b.PutOnceRow("s", key, 0, store.Result{}))
		}
	})
	total := 0
	for rounds := 0; total < 30; rounds++ {
		if rounds > 10 {
			t.Fatalf("%d rows removed after %d sweeps", total, rounds)
		}
		change(t, s, func(b *store.Batch) {
			n, err := b.SweepOnce(Epoch, 4)
			must(t, err)
			if n < 4 && total+n < 30 || n > 6 {
				t.Errorf("removed %d rows at once", n)
			}
			total += n
		})
	}
	verified(t, s)
}

func testOnceReplaced(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		must(t, b.PutOnce("s", "k", head(1, Epoch)), b.PutOnceRow("s", "k", 3, store.Result{Code: "old"}))
		must(t, b.PutOnce("s", "k", head(2, Epoch.Add(time.Hour))))
		if _, found, err := b.OnceRow("s", "k", 3); found || err != nil {
			t.Errorf("a row of the old request is left: %v", err)
		}
		n, err := b.SweepOnce(Epoch.Add(time.Minute), 10)
		if n != 0 || err != nil {
			t.Errorf("removed %d rows of the new request, %v", n, err)
		}
		n, err = b.SweepOnce(Epoch.Add(time.Hour), 10)
		if n != 2 || err != nil {
			t.Errorf("removed %d rows, %v", n, err)
		}
	})
	verified(t, s)
}

func testSweepDropped(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) { must(t, b.PutOnce("s", "k", head(1, Epoch))) })
	b := begin(t, s)
	n, err := b.SweepOnce(Epoch, 10)
	must(t, err, b.Close())
	if n != 2 {
		t.Errorf("removed %d rows", n)
	}
	change(t, s, func(b *store.Batch) {
		if n, err := b.SweepOnce(Epoch, 10); n != 2 || err != nil {
			t.Errorf("after a dropped sweep: removed %d rows, %v", n, err)
		}
	})
	verified(t, s)
}

func testSweepCuts(t *testing.T, f Fixture) {
	one, many := open(t, f.FS, f.Dir+"-one"), open(t, f.FS, f.Dir+"-many")
	do := func(b *store.Batch, i int) {
		next(t, b)
		at := Epoch.Add(time.Duration(i) * time.Second)
		must(t, b.SetStamp(at), b.PutOnce("s", fmt.Sprint(i%7), head(byte(i), at.Add(3*time.Second))))
		_, err := b.SweepOnce(at, 2)
		must(t, err)
	}
	whole, err := one.NewBatch()
	must(t, err)
	for i := range 30 {
		do(whole, i)
		b, err := many.NewBatch()
		must(t, err)
		do(b, i)
		commit(t, b)
	}
	commit(t, whole)
	same(t, many, one)
	verified(t, one)
}
