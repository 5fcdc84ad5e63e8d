package storetest

import (
	"bytes"
	"fmt"
	"testing"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// A store that has seen no slug ahead of its counter is given a state that has one, also of an id beyond its own counter.
func testSlugInstalled(t *testing.T, f Fixture) {
	codec := link.NewCodec([16]byte{7})
	from := open(t, f.FS, f.Dir+"-source")
	change(t, from, func(b *store.Batch) {
		must(t, b.AddGenerated(aLink(codec.Encode(1), "https://example.com/")))
		must(t, b.Put(aLink(codec.Encode(3), "https://example.com/3")), b.Put(aLink(codec.Encode(6), "https://example.com/6")))
		must(t, b.Delete(codec.Encode(6), Epoch))
	})
	stream, _ := streamOf(t, f.FS, from, f.Dir+"-copy")
	s := open(t, f.FS, f.Dir)
	generate := func(s *store.Store, ids ...link.ID) {
		t.Helper()
		change(t, s, func(b *store.Batch) {
			for _, id := range ids {
				must(t, b.AddGenerated(aLink(codec.Encode(id), "https://example.com/")))
			}
		})
	}
	generate(s, 1)
	must(t, s.Replace(bytes.NewReader(stream), nil))
	for _, s := range []*store.Store{s, from} {
		generate(s, 2)
		change(t, s, func(b *store.Batch) {
			wants(t, b.AddGenerated(aLink(codec.Encode(3), "https://example.com/")), link.ErrSlugTaken)
		})
		generate(s, 4, 5)
		change(t, s, func(b *store.Batch) {
			wants(t, b.AddGenerated(aLink(codec.Encode(6), "https://example.com/")), link.ErrSlugTaken)
		})
		generate(s, 7)
		verified(t, s)
	}
	same(t, s, from)
}

// So many nodes propose that not all of them can be known at once; each keeps its own results.
func testCrowded(t *testing.T, f Fixture) {
	const nodes = 40
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		for i := range uint64(nodes) {
			node := fmt.Sprintf("node-%d", i)
			must(t, b.PutOrigin(node, store.Origin{Boot: 1 + i}))
			putResults(t, b, node, i%5, i%5+2)
		}
	})
	for range 2 {
		change(t, s, func(b *store.Batch) {
			for i := range uint64(nodes) {
				node := fmt.Sprintf("node-%d", i)
				if o, found, err := b.Origin(node); o != (store.Origin{Boot: 1 + i}) || !found || err != nil {
					t.Errorf("%s: %v, %v, %v", node, o, found, err)
				}
				// The last one first: what is known of the node before begins there.
				if _, found, err := b.Result(node, i%5+1); !found || err != nil {
					t.Errorf("the last result of %s: %v, %v", node, found, err)
				}
				if got := kept(t, b, node); len(got) != 2 || got[0] != i%5 || got[1] != i%5+1 {
					t.Errorf("%s kept %v", node, got)
				}
			}
		})
	}
	verified(t, s)
}

func testOtherRequest(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	made := store.Result{Code: "made"}
	change(t, s, func(b *store.Batch) {
		must(t, b.PutOnce("s", "one", head(1, Epoch)), b.PutOnceRow("s", "one", 7, made))
	})
	change(t, s, func(b *store.Batch) {
		must(t, b.PutOnce("s", "two", head(2, Epoch)))
		for key, want := range map[string]bool{"one": true, "two": false} {
			if r, found, err := b.OnceRow("s", key, 7); found != want || err != nil || found && r != made {
				t.Errorf("row 7 of %s: %v, %v, %v", key, r, found, err)
			}
		}
		must(t, b.PutOnce("s", "two", head(2, Epoch)), b.PutOnceRow("s", "one", 7, store.Result{Code: "again"}))
	})
	verified(t, s)
}
