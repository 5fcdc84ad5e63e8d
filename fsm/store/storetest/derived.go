package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// derivedTests are about the rows that follow from links, and about what links hold that they follow from.
var derivedTests = map[string]func(*testing.T, Fixture){
	"what follows from a link does not depend on its history":   testDerivedHistory,
	"tags and limits that cannot be are refused":                testOddFields,
	"a tombstone keeps its owner and nothing more":              testTombstoneFields,
	"the oldest link that is the same is found":                 testFind,
	"links come due in order and again when they are put again": testDue,
	"a store knows whether links have ended":                    testEnded,
	"lists survive a replacement and a reopening":               testListsInstalled,
}

// testDerivedHistory makes the same links in one step and by detours, within one batch and over several.
func testDerivedHistory(t *testing.T, f Fixture) {
	straight := open(t, f.FS, f.Dir+"-straight")
	last := tagged("s", "bob", 3, "b", "c")
	last.ValidUntil, last.Target = Epoch.Add(time.Hour), "https://example.com/last"
	change(t, straight, func(b *store.Batch) { must(t, b.Put(last), b.Put(aLink("gone", "x")), b.Delete("gone", Epoch)) })
	_, want := straight.CurrentDigest()

	var detours []link.Link
	for i := range 12 {
		l := tagged("s", []string{"", "ann", "bob"}[i%3], i%2, []string{"a", "b", "c", "d"}[i%4], "c")
		if i%5 > 1 {
			l.ValidUntil = Epoch.Add(time.Duration(i%3) * time.Minute)
		}
		l.Target = link.Target(fmt.Sprintf("https://example.com/%d", i%4))
		detours = append(detours, l)
	}
	for _, each := range []int{1, 3, 12} {
		s := open(t, f.FS, fmt.Sprintf("%s-%d", f.Dir, each))
		for batch := range slices.Chunk(detours, each) {
			change(t, s, func(b *store.Batch) {
				for _, l := range batch {
					must(t, b.Put(l))
				}
			})
			verified(t, s)
		}
		change(t, s, func(b *store.Batch) {
			gone := tagged("gone", "", 0, "a", "z")
			gone.ValidUntil = Epoch.Add(time.Second)
			must(t, b.Put(gone), b.Put(last), b.Put(last), b.Delete("gone", Epoch))
		})
		verified(t, s)
		if _, got := s.CurrentDigest(); got != want {
			t.Errorf("%d changes a batch: equal links, unlike digests", each)
		}
	}
}

func testOddFields(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	long := strings.Repeat("x", link.MaxTag+1)
	many := strings.TrimSuffix(strings.Repeat("a\n", link.MaxTags+1), "\n")
	for name, l := range map[string]link.Link{
		"tags out of order":    {Fields: link.Fields{Tags: "b\na"}},
		"a tag twice":          {Fields: link.Fields{Tags: "a\na"}},
		"an empty tag":         {Fields: link.Fields{Tags: "\na"}},
		"an empty tag at last": {Fields: link.Fields{Tags: "a\n"}},
		"a tag with a zero":    {Fields: link.Fields{Tags: "a\x00b"}},
		"a long tag":           {Fields: link.Fields{Tags: link.Tags(long)}},
		"too many tags":        {Fields: link.Fields{Tags: link.Tags(many)}},
		"too high a limit":     {Fields: link.Fields{MaxVisits: link.MaxVisitLimit + 1}},
		"a long owner":         {Owner: strings.Repeat("x", link.MaxOwner+1)},
		"a long title":         {Fields: link.Fields{Title: strings.Repeat("x", link.MaxTitle+1)}},
		"a long hash":          {Fields: link.Fields{Password: link.PasswordHash(strings.Repeat("x", link.MaxPasswordHash+1))}},
		"a start before 1970":  {Fields: link.Fields{ValidSince: time.Unix(-1, 0)}},
	} {
		b := begin(t, s)
		l.Code, l.Target = "slug", "https://example.com/"
		if err := b.Put(l); err == nil {
			t.Errorf("%s was taken", name)
		}
		if b.Commit() == nil {
			t.Errorf("%s: the batch was committed", name)
		}
		must(t, b.Close())
	}
	if s.Links() != 0 {
		t.Errorf("%d links", s.Links())
	}
}

func testTombstoneFields(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	l := tagged("s", "ann", 1, "x")
	l.Title, l.ValidUntil, l.ValidSince, l.MaxVisits, l.Visits = "t", Epoch.Add(time.Hour), Epoch, 9, 3
	l.Redirect, l.Password, l.DropQuery, l.Disabled = 308, "$hash", true, true
	change(t, s, func(b *store.Batch) { must(t, b.Put(l)) })
	got, err := s.Lookup("s")
	must(t, err)
	if got != l {
		t.Errorf("got %+v, want %+v", got, l)
	}
	change(t, s, func(b *store.Batch) { must(t, b.Delete("s", Epoch.Add(time.Minute))) })
	got, err = s.Lookup("s")
	wants(t, err, link.ErrGone)
	if want := tombstone(l, Epoch.Add(time.Minute)); got != want || got.Owner != "ann" {
		t.Errorf("got %+v, want %+v", got, want)
	}
	verified(t, s)
}

func testFind(t *testing.T, f Fixture) {
	const bound = 256
	s := open(t, f.FS, f.Dir)
	looked := 0
	never := func(link.Link) bool { looked++; return false }
	change(t, s, func(b *store.Batch) {
		for i := range bound + 10 {
			must(t, b.Put(tagged(link.Code(fmt.Sprintf("s-%d", i)), "ann", bound-i)))
		}
		l, found, err := b.Find("ann", "https://example.com/", func(l link.Link) bool { return l.Code != "s-265" })
		if must(t, err); !found || l.Code != "s-264" {
			t.Errorf("found %v, %s", found, l.Code)
		}
		if _, found, err = b.Find("ann", "https://example.com/", never); found || err != nil || looked != bound {
			t.Errorf("found %v, %v, after %d links", found, err, looked)
		}
		for _, c := range []struct{ owner, target string }{{"bob", "https://example.com/"}, {"", "https://example.com/"}, {"ann", "https://example.com"}, {strings.Repeat("x", 300), ""}} {
			if _, found, err := b.Find(c.owner, link.Target(c.target), func(link.Link) bool { return true }); found || err != nil {
				t.Errorf("found %v, %v", c, err)
			}
		}
	})
	verified(t, s)
}

func testDue(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	put := func(b *store.Batch, code link.Code, seconds int) {
		l := aLink(code, "https://example.com/")
		l.ValidUntil = Epoch.Add(time.Duration(seconds) * time.Second)
		must(t, b.Put(l))
	}
	wantDue := func(b *store.Batch, seconds, limit int, want ...link.Code) {
		t.Helper()
		got, err := b.Due(Epoch.Add(time.Duration(seconds)*time.Second), limit)
		if must(t, err); !slices.Equal(got, want) {
			t.Errorf("due at %d: %q, want %q", seconds, got, want)
		}
	}
	change(t, s, func(b *store.Batch) {
		wantDue(b, 100, 9)
		put(b, "c", 3)
		put(b, "a", 1)
		put(b, "b", 1)
		put(b, "z", 90)
		wantDue(b, 0, 9)
		wantDue(b, 3, 0)
		wantDue(b, 3, 2, "a", "b")
		wantDue(b, 3, 9, "a", "b", "c")
		got, err := b.Due(time.Unix(-5, 0), 9)
		if must(t, err); got != nil {
			t.Errorf("due before 1970: %q", got)
		}
		must(t, b.Delete("a", Epoch), b.Delete("b", Epoch))
		wantDue(b, 3, 9, "c")
		put(b, "d", 2)
		wantDue(b, 3, 9, "d", "c")
	})
	dropped := begin(t, s)
	wantDue(dropped, 3, 9, "d", "c")
	must(t, dropped.Delete("c", Epoch), dropped.Delete("d", Epoch))
	wantDue(dropped, 3, 9)
	must(t, dropped.Close())
	for range 2 {
		change(t, s, func(b *store.Batch) {
			wantDue(b, 3, 9, "d", "c")
			put(b, "d", 95) // it was put off
			wantDue(b, 3, 9, "c")
			wantDue(b, 100, 9, "c", "z", "d")
			put(b, "d", 2)
		})
		must(t, s.Close())
		s = open(t, f.FS, f.Dir)
	}
	change(t, s, func(b *store.Batch) {
		must(t, b.Delete("c", Epoch), b.Delete("d", Epoch))
		wantDue(b, 3, 9)
		wantDue(b, 100, 9, "z")
		wantDue(b, 3, 9)
	})
	verified(t, s)
}

func testListsInstalled(t *testing.T, f Fixture) {
	from, stream := source(t, f, Script{Seed: 41}, 300)
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) { must(t, b.Put(tagged("mine", "bob", 1, "mine"))) })
	must(t, s.Replace(bytes.NewReader(stream), nil))
	for range 2 {
		verified(t, s)
		for _, tags := range [][]string{nil, {"even"}, {"mine"}} {
			l := store.Listing{Limit: 10, Examine: 100, Tags: tags}
			got, _ := listed(t, s, l)
			want, _ := listed(t, from, l)
			if !slices.Equal(got, want) || (len(got) == 0) != slices.Contains(tags, "mine") {
				t.Errorf("with %q: %d links, want %d", tags, len(got), len(want))
			}
		}
		must(t, s.Close())
		s = open(t, f.FS, f.Dir)
	}
}

func testEnded(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	want := func(when string, at time.Time, want bool) {
		t.Helper()
		if got, err := s.Ended(at); err != nil || got != want {
			t.Errorf("%s: ended %v, %v, want %v", when, got, err, want)
		}
	}
	end := Epoch.Add(time.Hour)
	want("an empty store", end, false)
	ends := aLink("ends", "https://example.com/")
	ends.ValidUntil = end
	change(t, s, func(b *store.Batch) { must(t, b.Put(ends), b.Put(aLink("stays", "https://example.com/"))) })
	want("before the end", end.Add(-time.Millisecond), false)
	want("at the end", end, true)
	want("before there are stamps", time.Unix(-5, 0), false)
	change(t, s, func(b *store.Batch) { must(t, b.Delete("ends", Epoch)) })
	want("a deleted link", end, false)
	must(t, s.Close())
	_, err := s.Ended(end)
	wants(t, err, store.ErrClosed)
}
