package storetest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// hotTests are about links that were looked up before, and may be answered without the engine.
var hotTests = map[string]func(*testing.T, Fixture){
	"a hot link is read as it was written":                testHotRoundTrip,
	"an edit of a hot link is seen at once":               testHotEdit,
	"a hot link that is deleted is gone at once":          testHotDelete,
	"a batch that is dropped leaves hot links alone":      testHotDropped,
	"a replaced state's hot links are forgotten":          testHotReplaced,
	"a closed store answers nothing hot":                  testHotClosed,
	"no reader sees less than was committed or read once": testHotRace,
}

// heat looks a link up until it is hot, and fails the test unless it is want every time.
func heat(t *testing.T, s *store.Store, want link.Link) {
	t.Helper()
	for range 3 {
		got, proven, err := s.Route(want.Code)
		must(t, err)
		if diff := cmp.Diff(want.Route(), got); diff != "" || proven {
			t.Fatalf("proven %v, %s", proven, diff)
		}
	}
}

// hotStore is a store with a generated link and one under a slug, both hot.
func hotStore(t *testing.T, f Fixture) (s *store.Store, generated, slug link.Link) {
	t.Helper()
	s = open(t, f.FS, f.Dir)
	slug = aLink("my-slug", "https://example.com/slug")
	change(t, s, func(b *store.Batch) {
		generated = aLink(nextCode(b), "https://example.com/generated")
		must(t, b.AddGenerated(generated), b.Put(slug))
	})
	heat(t, s, generated)
	heat(t, s, slug)
	return s, generated, slug
}

// edited is the link after one more change.
func edited(l link.Link) link.Link {
	l.Version++
	l.Target = link.Target(fmt.Sprintf("https://example.com/%d", l.Version))
	l.UpdatedAt = Epoch.Add(time.Duration(l.Version) * time.Second)
	return l
}

func testHotRoundTrip(t *testing.T, f Fixture) {
	s, _, _ := hotStore(t, f)
	expired := edited(aLink("expired", "https://example.com/"))
	expired.ValidUntil = Epoch.Add(time.Millisecond)
	change(t, s, func(b *store.Batch) { must(t, b.Put(expired)) })
	heat(t, s, expired)
}

func testHotEdit(t *testing.T, f Fixture) {
	s, generated, slug := hotStore(t, f)
	for range 3 {
		generated, slug = edited(generated), edited(edited(slug))
		slug.ValidUntil = slug.UpdatedAt
		change(t, s, func(b *store.Batch) {
			must(t, b.Put(edited(generated)), b.Put(generated), b.Put(slug))
		})
		heat(t, s, generated)
		heat(t, s, slug)
	}
	verified(t, s)
}

func testHotDelete(t *testing.T, f Fixture) {
	s, generated, slug := hotStore(t, f)
	change(t, s, func(b *store.Batch) {
		must(t, b.Put(edited(slug)), b.Delete(slug.Code, Epoch), b.Delete(generated.Code, Epoch))
	})
	for _, c := range []link.Code{generated.Code, slug.Code} {
		for range 2 {
			l, _, err := s.Route(c)
			wants(t, err, link.ErrGone)
			if l.Target != "" {
				t.Errorf("a tombstone with target %s", l.Target)
			}
		}
	}
	verified(t, s)
}

func testHotDropped(t *testing.T, f Fixture) {
	s, generated, slug := hotStore(t, f)
	b := begin(t, s)
	must(t, b.Put(edited(slug)), b.Delete(generated.Code, Epoch))
	heat(t, s, slug)
	heat(t, s, generated)
	must(t, b.Close())
	heat(t, s, slug)
	heat(t, s, generated)
}

func testHotReplaced(t *testing.T, f Fixture) {
	s, generated, slug := hotStore(t, f)
	stream, _ := streamOf(t, f.FS, s, f.Dir+"-copy")
	later := edited(slug)
	change(t, s, func(b *store.Batch) { must(t, b.Put(later), b.Put(aLink("later", "https://example.com/"))) })
	heat(t, s, later)
	heat(t, s, aLink("later", "https://example.com/"))
	must(t, s.Replace(bytes.NewReader(stream), nil))
	heat(t, s, slug)
	heat(t, s, generated)
	_, err := s.Lookup("later")
	wants(t, err, link.ErrNotFound)
	change(t, s, func(b *store.Batch) { must(t, b.Put(later)) })
	heat(t, s, later)
}

func testHotClosed(t *testing.T, f Fixture) {
	s, generated, slug := hotStore(t, f)
	must(t, s.Close())
	for _, c := range []link.Code{generated.Code, slug.Code} {
		_, _, err := s.Route(c)
		wants(t, err, store.ErrClosed)
	}
}

// watched is a link that readers look up while it changes.
type watched struct {
	code   link.Code
	oldest atomic.Uint64 // no look-up that begins now may find an older version: it was committed, or read, before
}

// saw says that a version was seen.
func (w *watched) saw(version uint64) {
	for {
		oldest := w.oldest.Load()
		if version <= oldest || w.oldest.CompareAndSwap(oldest, version) {
			return
		}
	}
}

// look looks the link up once.
func (w *watched) look(t *testing.T, s *store.Store) {
	oldest := w.oldest.Load()
	r, _, err := s.Route(w.code)
	version := versionOf(r.Target)
	gone := err == link.ErrGone
	if gone {
		version = 1 << 62 // what is deleted stays so
	}
	if err != nil && !gone || version < oldest || gone != (r.Target == "") {
		t.Errorf("version %d of %s, %v, but %d was seen before", version, w.code, err, oldest)
	}
	w.saw(version)
}

// versionOf is what edited has written into the target.
func versionOf(target link.Target) (version uint64) {
	version, _ = strconv.ParseUint(strings.TrimPrefix(string(target), "https://example.com/"), 10, 64)
	return version
}

// testHotRace has readers look up the few links that the writer changes all the time, and in the end deletes. They are
// a few more than there is room for: some are always on their way from the engine.
func testHotRace(t *testing.T, f Fixture) {
	const readers, rounds, edits = 8, 10, 250
	o := options(t, f.FS)
	o.HotBytes = 1 // which is the least there can be, six links
	s, err := store.Open(f.Dir, o)
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	var now atomic.Pointer[[8]watched] // the links of this round
	var stop atomic.Bool
	var group sync.WaitGroup
	for round := range rounds {
		links := &[8]watched{}
		for i := range links {
			links[i].code = link.Code(fmt.Sprintf("round-%d-%d", round, i))
			change(t, s, func(b *store.Batch) { must(t, b.Put(aLink(links[i].code, "https://example.com/"))) })
		}
		now.Store(links)
		if round == 0 {
			for range readers {
				group.Go(func() {
					for i := 0; !stop.Load() && !t.Failed(); i++ {
						now.Load()[i%len(links)].look(t, s)
					}
				})
			}
		}
		race(t, s, links, edits)
	}
	stop.Store(true)
	group.Wait()
}

// race changes the links, and deletes them.
func race(t *testing.T, s *store.Store, links *[8]watched, edits int) {
	for edit := range edits {
		i := edit % len(links)
		l, err := s.Lookup(links[i].code)
		must(t, err)
		l = edited(l)
		change(t, s, func(b *store.Batch) { must(t, b.Put(l)) })
		links[i].saw(l.Version)
		links[i].look(t, s)
	}
	for i := range links {
		change(t, s, func(b *store.Batch) { must(t, b.Delete(links[i].code, Epoch)) })
		if _, err := s.Lookup(links[i].code); err != link.ErrGone {
			t.Errorf("after a deletion: %v", err)
		}
	}
}
