package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

var linkTests = map[string]func(*testing.T, Fixture){
	"a link is read as it was written":                         testLinkRoundTrip,
	"a deleted link leaves a tombstone for ever":               testTombstone,
	"a slug that reads as a code lives where the code does":    testSlugAtID,
	"a slug that reads as a passed code is refused":            testPassedSlug,
	"absence is proven up to the counter and no further":       testProof,
	"without a code key nothing is found and nothing is taken": testNoCodeKey,
	"links survive a reopening":                                testLinksReopened,
}

func testLinkRoundTrip(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	full := link.Link{
		Code: "my-slug", Fields: link.Fields{Target: link.Target("https://example.com/" + strings.Repeat("x", 8000)), ValidUntil: Epoch.Add(time.Hour)}, CreatedAt: Epoch,
		UpdatedAt: Epoch.Add(time.Millisecond), Version: 77,
	}
	var generated link.Link
	change(t, s, func(b *store.Batch) {
		generated = aLink(nextCode(b), "https://example.com/generated")
		must(t, b.Put(full), b.AddGenerated(generated))
		got, err := b.Link("my-slug")
		must(t, err)
		if diff := cmp.Diff(full, got); diff != "" {
			t.Errorf("through the batch: %s", diff)
		}
	})
	for _, want := range []link.Link{full, generated} {
		got, err := s.Lookup(want.Code)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if s.Counter() != 1 || s.Links() != 2 {
		t.Errorf("counter %d and %d links, want 1 and 2", s.Counter(), s.Links())
	}
	edited := full
	edited.Version, edited.ValidUntil = 78, time.Time{}
	change(t, s, func(b *store.Batch) { must(t, b.Put(edited)) })
	got, err := s.Lookup("my-slug")
	must(t, err)
	if diff := cmp.Diff(edited, got); diff != "" || s.Links() != 2 {
		t.Errorf("%d links, %s", s.Links(), diff)
	}
	verified(t, s)
}

func testTombstone(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	at := Epoch.Add(time.Minute)
	change(t, s, func(b *store.Batch) {
		must(t, b.Put(aLink("slug", "https://example.com/")), b.Delete("slug", at))
		wants(t, b.Delete("slug", at), link.ErrGone)
		wants(t, b.Delete("other", at), link.ErrNotFound)
		wants(t, b.Put(aLink("slug", "https://example.com/again")), link.ErrGone)
		_, err := b.Link("slug")
		wants(t, err, link.ErrGone)
		code := nextCode(b)
		must(t, b.AddGenerated(aLink(code, "https://example.com/g")), b.Delete(code, at))
		wants(t, b.AddGenerated(aLink(code, "https://example.com/g")), link.ErrSlugTaken)
	})
	l, err := s.Lookup("slug")
	wants(t, err, link.ErrGone)
	want := link.Link{Code: "slug", CreatedAt: Epoch, UpdatedAt: at, Version: 2}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Errorf("the tombstone: %s", diff)
	}
	if s.Links() != 0 {
		t.Errorf("%d links, want none", s.Links())
	}
	verified(t, s)
}

func testSlugAtID(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		codec, _ := b.Codec()
		ahead := codec.Encode(2)
		must(t, b.Put(aLink(ahead, "https://example.com/slug")))
		must(t, b.AddGenerated(aLink(codec.Encode(1), "https://example.com/1")))
		wants(t, b.AddGenerated(aLink(ahead, "https://example.com/2")), link.ErrSlugTaken)
		if b.Counter() != 1 {
			t.Errorf("a refused code moved the counter to %d", b.Counter())
		}
		must(t, b.AddGenerated(aLink(codec.Encode(3), "https://example.com/3")))
	})
	codec, _ := s.Codec()
	l, err := s.Lookup(codec.Encode(2))
	must(t, err)
	if l.Target != "https://example.com/slug" || s.Counter() != 3 || s.Links() != 3 {
		t.Errorf("%v, counter %d, %d links", l, s.Counter(), s.Links())
	}
	verified(t, s)
}

func testPassedSlug(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		codec, _ := b.Codec()
		must(t, b.SetCounter(10))
		wants(t, b.Put(aLink(codec.Encode(10), "https://example.com/")), link.ErrSlugTaken)
		wants(t, b.Put(aLink(codec.Encode(4), "https://example.com/")), link.ErrSlugTaken)
		must(t, b.Put(aLink(codec.Encode(11), "https://example.com/")))
		must(t, b.SetCounter(11), b.Put(aLink(codec.Encode(11), "https://example.com/edited")))
	})
	if s.Links() != 1 {
		t.Errorf("%d links, want 1", s.Links())
	}
	verified(t, s)
}

func testProof(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) { must(t, b.SetCounter(5)) })
	codec, _ := s.Codec()
	for _, c := range []struct {
		code   link.Code
		proven bool
	}{{codec.Encode(0), true}, {codec.Encode(5), true}, {codec.Encode(6), false}, {codec.Encode(link.MaxID), false}, {"slug", false}, {"", false}} {
		_, proven, err := s.Route(c.code)
		wants(t, err, link.ErrNotFound)
		if proven != c.proven {
			t.Errorf("absence of %q proven: %v", c.code, proven)
		}
	}
	code := codec.Encode(6)
	change(t, s, func(b *store.Batch) { must(t, b.AddGenerated(aLink(code, "https://example.com/"))) })
	if _, proven, err := s.Route(code); err != nil || proven {
		t.Errorf("a link that is there: proven %v, error %v", proven, err)
	}
}

func testNoCodeKey(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	if _, ok := s.Codec(); ok {
		t.Error("an empty store has a codec")
	}
	for _, c := range []link.Code{"aaaaaaa", "slug"} {
		if _, proven, err := s.Route(c); !errors.Is(err, link.ErrNotFound) || proven {
			t.Errorf("%q: proven %v, error %v", c, proven, err)
		}
	}
	b, err := s.NewBatch()
	must(t, err)
	defer b.Close()
	must(t, b.Advance(store.Position{Index: 1, Term: 1}))
	wants(t, b.Put(aLink("slug", "https://example.com/")), store.ErrMisuse)
}

func testLinksReopened(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	script := Script{Seed: 3}
	script.Feed(t, s, 1, 300, 7)
	before := describe(s)
	must(t, s.Close())
	_, err := s.Lookup("slug-1")
	wants(t, err, store.ErrClosed)
	if got := describe(s); got != before {
		t.Errorf("closed, it says %s", got)
	}
	s = open(t, f.FS, f.Dir)
	if got := describe(s); got != before {
		t.Errorf("reopened:\n got %s\nwant %s", got, before)
	}
	verified(t, s)
	script.Feed(t, s, 301, 310, 1)
	verified(t, s)
}
