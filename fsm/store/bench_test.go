package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// benchStore opens a store on a real disk with a code key set. Its hot links take hotBytes, 0 for the default.
func benchStore(b *testing.B, hotBytes int64) *store.Store {
	b.Helper()
	s, err := store.Open(b.TempDir(), store.Options{FS: vfs.Default, HotBytes: hotBytes, Fatal: func(err error) { b.Error(err) }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	batch, err := s.NewBatch()
	if err != nil {
		b.Fatal(err)
	}
	defer batch.Close()
	if err := errors.Join(batch.Advance(store.Position{Index: 1, Term: 1}), batch.SetCodeKey([16]byte{1}), batch.Commit()); err != nil {
		b.Fatal(err)
	}
	return s
}

// applyCreates does what the state machine does for n creates of one node in one entry.
func applyCreates(b *testing.B, s *store.Store, n int) {
	batch, err := s.NewBatch()
	if err != nil {
		b.Fatal(err)
	}
	defer batch.Close()
	p := batch.Position()
	at := time.UnixMilli(1_700_000_000_000 + int64(p.Index)) // every entry has a later stamp
	if err := batch.Advance(store.Position{Index: p.Index + 1, Term: 1}); err != nil {
		b.Fatal(err)
	}
	codec, _ := batch.Codec()
	base := uint64(batch.Counter())
	if err := batch.PutOrigin("node", store.Origin{Boot: 1, Floor: base}); err != nil {
		b.Fatal(err)
	}
	for i := range n {
		seq := base + uint64(i)
		if _, found, err := batch.Result("node", seq); found || err != nil {
			b.Fatal(found, err)
		}
		code := codec.Encode(batch.Counter() + 1)
		if _, err := batch.Link(code); !errors.Is(err, link.ErrNotFound) {
			b.Fatal(err)
		}
		l := link.Link{Code: code, Fields: link.Fields{Target: link.Target(fmt.Sprintf("https://example.com/some/path/%d?with=query", seq))}, CreatedAt: at, UpdatedAt: at, Version: 1}
		if err := errors.Join(batch.AddGenerated(l), batch.PutResult("node", seq, store.Result{Code: code})); err != nil {
			b.Fatal(err)
		}
	}
	if err := batch.Commit(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkApply commits batches of 1,024 creates; ns/link is the figure to look at.
func BenchmarkApply(b *testing.B) {
	const creates = 1024
	s := benchStore(b, 0)
	b.ReportAllocs()
	for b.Loop() {
		applyCreates(b, s, creates)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/creates, "ns/link")
}

// BenchmarkLookup reads codes by chance on a store of 100,000 links: ones that are there, ones of ids that the counter passed over,
// whose absence is proven here, and ones of ids still to come, about which a leader would have to be asked. All of it is the
// engine's work: there is no room for hot links.
func BenchmarkLookup(b *testing.B) {
	const links = 100_000
	s := benchStore(b, 1)
	fillOdd(b, s, links)
	codec, _ := s.Codec()
	for _, c := range []struct {
		name   string
		from   uint64
		want   error
		proven bool
	}{{"hit", 1, nil, false}, {"proven-miss", 2, link.ErrNotFound, true}, {"miss", 1 << 40, link.ErrNotFound, false}} {
		codes := make([]link.Code, 1<<16)
		for i := range codes {
			codes[i] = codec.Encode(link.ID(c.from + uint64(i)*2654435761%(links-1)*2))
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, proven, err := s.Route(codes[i%len(codes)]); !errors.Is(err, c.want) || proven != c.proven {
					b.Fatal(proven, err)
				}
				i++
			}
		})
	}
}

// BenchmarkHotLookup reads links that are asked for all the time, with as many readers as there are processors: a few, and
// so many that they do not fit into the processors' caches.
func BenchmarkHotLookup(b *testing.B) {
	const links = 50_000
	s := benchStore(b, 0)
	fillOdd(b, s, links)
	codec, _ := s.Codec()
	for _, n := range []int{1 << 7, 1 << 15} {
		codes := make([]link.Code, n)
		for i := range codes {
			codes[i] = codec.Encode(link.ID(2*i + 1))
			if _, err := s.Lookup(codes[i]); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if _, _, err := s.Route(codes[i*2654435761%n]); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// fillOdd makes links of the odd ids, as if every other code had been a word that is not given out.
func fillOdd(b *testing.B, s *store.Store, links uint64) {
	codec, _ := s.Codec()
	for s.Links() < links {
		at := time.UnixMilli(1_700_000_000_000 + int64(s.Links()))
		batch, err := s.NewBatch()
		if err != nil {
			b.Fatal(err)
		}
		if err := batch.Advance(store.Position{Index: batch.Position().Index + 1, Term: 1}); err != nil {
			b.Fatal(err)
		}
		next := (batch.Counter() + 1) | 1
		for range min(1000, links-s.Links()) {
			l := link.Link{
				Code: codec.Encode(next), Fields: link.Fields{
					Target: link.Target(fmt.Sprintf("https://example.com/some/path/%d?with=query", next)),
					Tags:   link.Tags(fmt.Sprintf("narrow-%d\nwide-%d", next%20, next%10)),
				},
				CreatedAt: at, UpdatedAt: at, Version: 1,
			}
			if err := batch.AddGenerated(l); err != nil {
				b.Fatal(err)
			}
			next += 2
		}
		if err := errors.Join(batch.Commit(), batch.Close()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkList reads pages of the newest links, of few and of many: a page of twenty, one of those with one of two tags, and one for
// which a thousand are looked through.
func BenchmarkList(b *testing.B) {
	for _, links := range []uint64{1000, 1_000_000} {
		s := benchStore(b, 1)
		fillOdd(b, s, links)
		for _, c := range []struct {
			name    string
			listing store.Listing
		}{
			{"page", store.Listing{Limit: 20, Examine: 1000}},
			{"tags", store.Listing{Limit: 20, Examine: 1000, Tags: []string{"narrow-3", "wide-7"}}},
			{"search", store.Listing{Limit: 20, Examine: 1000, Match: func(l link.Link) bool { return l.Title != "" }}},
		} {
			b.Run(fmt.Sprintf("links=%d/%s", links, c.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := s.List(b.Context(), c.listing); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
