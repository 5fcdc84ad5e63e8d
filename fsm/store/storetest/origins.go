package storetest

import (
	"errors"
	"testing"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

var originTests = map[string]func(*testing.T, Fixture){
	"results are kept from the floor up":                 testFloor,
	"a new boot forgets the results of the old one":      testNewBoot,
	"a floor between two rows and inside one cuts there": testFloorAcrossRows,
	"a lower floor changes nothing":                      testFloorOvertaken,
	"every refusal keeps its identity":                   testRefusals,
	"readers see the boots of what was applied":          testBoots,
}

// kept lists which of a node's results below 20 there are.
func kept(t *testing.T, b *store.Batch, node string) (seqs []uint64) {
	t.Helper()
	for seq := range uint64(20) {
		_, found, err := b.Result(node, seq)
		must(t, err)
		if found {
			seqs = append(seqs, seq)
		}
	}
	return seqs
}

func putResults(t *testing.T, b *store.Batch, node string, from, to uint64) {
	t.Helper()
	for seq := from; seq < to; seq++ {
		must(t, b.PutResult(node, seq, store.Result{Code: "c"}))
	}
}

func testFloor(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	_, empty := digestOf(t, s)
	change(t, s, func(b *store.Batch) {
		if _, found, err := b.Origin("n"); found || err != nil {
			t.Errorf("found %v, %v", found, err)
		}
		for _, node := range []string{"n", "nn", "m"} { // one name is the beginning of another
			must(t, b.PutOrigin(node, store.Origin{Boot: 1, Floor: 0}))
			putResults(t, b, node, 0, 10)
		}
	})
	change(t, s, func(b *store.Batch) {
		must(t, b.PutOrigin("n", store.Origin{Boot: 1, Floor: 4}))
		putResults(t, b, "n", 10, 12)
		must(t, b.PutOrigin("n", store.Origin{Boot: 1, Floor: 11})) // in part written by this very batch
		if got := kept(t, b, "n"); len(got) != 1 || got[0] != 11 {
			t.Errorf("kept %v, want 11", got)
		}
		for _, other := range []string{"nn", "m"} {
			if got := kept(t, b, other); len(got) != 10 {
				t.Errorf("%s kept %v", other, got)
			}
		}
	})
	verified(t, s)
	change(t, s, func(b *store.Batch) {
		o, found, err := b.Origin("n")
		if o != (store.Origin{Boot: 1, Floor: 11}) || !found || err != nil {
			t.Errorf("origin %v, %v, %v", o, found, err)
		}
		for _, node := range []string{"n", "nn", "m"} {
			must(t, b.PutOrigin(node, store.Origin{Boot: 1, Floor: 1 << 62}))
			if got := kept(t, b, node); got != nil {
				t.Errorf("%s kept %v", node, got)
			}
		}
	})
	verified(t, s)
	if _, got := s.CurrentDigest(); got == empty {
		t.Error("the origins are in no digest")
	}
}

// testFloorAcrossRows has results in several rows, and a batch that has written some anew when it is dropped.
func testFloorAcrossRows(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		must(t, b.PutOrigin("n", store.Origin{Boot: 1}))
		putResults(t, b, "n", 0, 200)
	})
	dropped := begin(t, s)
	for seq := range uint64(200) {
		must(t, dropped.PutResult("n", seq, store.Result{Code: "d"}))
	}
	must(t, dropped.Advance(store.Position{Index: 5000, Term: 1}), dropped.Close()) // past a boundary: rows were written
	for _, floor := range []uint64{64, 130, 192} {
		change(t, s, func(b *store.Batch) {
			must(t, b.PutOrigin("n", store.Origin{Boot: 1, Floor: floor}))
			for seq := range uint64(200) {
				r, found, err := b.Result("n", seq)
				if found != (seq >= floor) || found && r.Code != "c" || err != nil {
					t.Errorf("floor %d: result %d is %v, %v, %v", floor, seq, r, found, err)
				}
			}
		})
		verified(t, s)
	}
}

func testNewBoot(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		must(t, b.PutOrigin("n", store.Origin{Boot: 1, Floor: 5}))
		putResults(t, b, "n", 5, 15)
		must(t, b.PutResult("n", 1<<64-1, store.Result{}))
		must(t, b.PutOrigin("o", store.Origin{Boot: 1, Floor: 0}))
		putResults(t, b, "o", 0, 3)
		must(t, b.PutOrigin("n", store.Origin{Boot: 2, Floor: 1}))
		if got := kept(t, b, "n"); got != nil {
			t.Errorf("kept %v of the old boot", got)
		}
		if _, found, err := b.Result("n", 1<<64-1); found || err != nil {
			t.Errorf("the last result of the old boot is left: %v", err)
		}
		if got := kept(t, b, "o"); len(got) != 3 {
			t.Errorf("another node kept %v", got)
		}
		putResults(t, b, "n", 1, 3)
		must(t, b.PutOrigin("n", store.Origin{Boot: 2, Floor: 2}))
		if got := kept(t, b, "n"); len(got) != 1 || got[0] != 2 {
			t.Errorf("kept %v, want 2", got)
		}
	})
	verified(t, s)
}

func testFloorOvertaken(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		must(t, b.PutOrigin("n", store.Origin{Boot: 3, Floor: 9}))
		putResults(t, b, "n", 9, 12)
		must(t, b.PutOrigin("n", store.Origin{Boot: 3, Floor: 2}))
		o, _, err := b.Origin("n")
		if got := kept(t, b, "n"); o.Floor != 9 || len(got) != 3 || err != nil {
			t.Errorf("origin %v, kept %v, %v", o, got, err)
		}
	})
	verified(t, s)
}

func testRefusals(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	errs := []error{
		nil, link.ErrNotFound, link.ErrGone, link.ErrSlugTaken, link.ErrSlugReserved, link.ErrInvalidSlug, link.ErrInvalidTarget,
		link.ErrInvalidField, link.ErrKeyReused, link.ErrNoLeader, link.ErrOverloaded, link.ErrDiskFull,
		link.ErrPrecondition, link.ErrTargetDenied, link.ErrUnauthorized, link.ErrForbidden, link.ErrFull,
	}
	change(t, s, func(b *store.Batch) {
		for i, err := range errs {
			must(t, b.PutResult("n", uint64(i), store.Result{Err: err}))
		}
	})
	change(t, s, func(b *store.Batch) {
		for i, want := range errs {
			r, found, err := b.Result("n", uint64(i))
			if !found || err != nil || r.Err != want {
				t.Errorf("refusal %d is %v, want %v (%v, %v)", i, r.Err, want, found, err)
			}
		}
	})
	verified(t, s)
}

func testBoots(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	want := func(node string, boot uint64) {
		t.Helper()
		if got, err := s.Boot(node); err != nil || got != boot {
			t.Errorf("the boot of %q is %d, %v; want %d", node, got, err, boot)
		}
	}
	want("n", 0)
	change(t, s, func(b *store.Batch) {
		must(t, b.PutOrigin("n", store.Origin{Boot: 7, Floor: 3}))
		want("n", 0) // not before the batch is applied
	})
	change(t, s, func(b *store.Batch) { must(t, b.PutOrigin("nn", store.Origin{Boot: 1 << 63})) })
	want("n", 7)
	want("nn", 1<<63)
	want("", 0)
	must(t, s.Close())
	if _, err := s.Boot("n"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("the boot in a closed store: %v", err)
	}
}
