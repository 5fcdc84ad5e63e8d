package store

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tinyurl/fsm/link"
)

// found is a link of nobody's; all of them have one target.
func found(i, seconds int) link.Link {
	at := noon.Add(time.Duration(seconds) * time.Second)
	return link.Link{
		Code: link.Code(fmt.Sprintf("slug-%d", i)), Fields: link.Fields{Target: "https://example.com/"}, CreatedAt: at, UpdatedAt: at, Version: 1,
	}
}

// finder is a batch in which links can be made, at an entry.
func finder(t testing.TB, s *Store, index uint64) *Batch {
	t.Helper()
	b, err := s.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Advance(Position{Index: index, Term: 1}), b.SetCodeKey([16]byte{7})); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestWhatABatchHasSeenStaysTrue makes and deletes links with one target while others look for some of them.
func TestWhatABatchHasSeenStaysTrue(t *testing.T) {
	s := testStore(t, nil)
	rng := rand.New(rand.NewPCG(5, 8))
	living := map[link.Code]link.Link{}
	made := 0
	for index := range uint64(6) {
		b := finder(t, s, index+1)
		for range 400 {
			switch n := rng.IntN(10); {
			case n < 5 || len(living) < 200 && index%2 == 0:
				l := found(made, rng.IntN(100))
				made++
				living[l.Code] = l
				if err := b.Put(l); err != nil {
					t.Fatal(err)
				}
			case n < 8:
				gone := fmt.Sprintf("slug-%d", rng.IntN(made+1))
				if _, there := living[link.Code(gone)]; there {
					delete(living, link.Code(gone))
					if err := b.Delete(link.Code(gone), noon); err != nil {
						t.Fatal(err)
					}
				}
			default:
				checkFind(t, b, living, rng.IntN(2*maxFound))
			}
		}
		if index == 3 { // as if it had never been
			living = map[link.Code]link.Link{}
			for i := range made {
				if l, err := s.Lookup(link.Code(fmt.Sprintf("slug-%d", i))); err == nil {
					living[l.Code] = l
				}
			}
		} else if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Verify(t.Context()); err != nil || len(living) <= maxFound {
		t.Errorf("%d links, %v", len(living), err)
	}
}

// checkFind looks for the n-th link of all, from 0.
func checkFind(t *testing.T, b *Batch, living map[link.Code]link.Link, n int) {
	t.Helper()
	all := make([]link.Link, 0, len(living))
	for _, l := range living {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b link.Link) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Code, b.Code)) // slugs, all of them
	})
	i := -1
	got, ok, err := b.Find("", "https://example.com/", func(l link.Link) bool {
		if i++; i >= len(all) || l != all[i] {
			t.Fatalf("link %d of %d is %v", i, len(all), l)
		}
		return i == n
	})
	if err != nil || ok != (n < min(maxFound, len(all))) || ok && got != all[n] || !ok && i+1 != min(maxFound, len(all)) {
		t.Fatalf("link %d of %d: %v, %v, %v after %d", n, len(all), got, ok, err, i+1)
	}
}

// The engine goes over what was deleted: a batch has it do so once.
func TestABatchPassesWhatWasDeletedOnce(t *testing.T) {
	s := testStore(t, nil)
	b := finder(t, s, 1)
	defer b.Close()
	for i := range 1000 {
		if err := errors.Join(b.Put(found(i, i)), b.Delete(found(i, i).Code, noon)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(b.Put(found(1000, 0)), b.Put(found(1001, 2000))); err != nil {
		t.Fatal(err)
	}
	never := func(link.Link) bool { return false }
	if _, ok, err := b.Find("", "https://example.com/", never); ok || err != nil {
		t.Fatal(ok, err)
	}
	w := b.walkOf(b.store.schema.targets(nil, "", "https://example.com/"))
	if !w.whole || len(w.spots) != 2 {
		t.Errorf("seen of 2 links: %+v", w)
	}
	// As if the engine had others: nobody asks it again.
	w.spots = w.spots[:1]
	looked := 0
	if _, ok, err := b.Find("", "https://example.com/", func(link.Link) bool { looked++; return false }); ok || err != nil || looked != 1 {
		t.Errorf("%v, %v, after %d links", ok, err, looked)
	}
	for i := range maxWalks + 1 {
		if _, ok, err := b.Find("", link.Target(fmt.Sprintf("https://example.com/%d", i)), never); ok || err != nil || len(b.walks) > maxWalks {
			t.Fatal(ok, err, len(b.walks))
		}
	}
}
