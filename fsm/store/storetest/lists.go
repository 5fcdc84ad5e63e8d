package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

var listTests = map[string]func(*testing.T, Fixture){
	"a list goes on where its last page ended":  testListGoesOn,
	"pages of every size are the whole list":    testListsOfManyLinks,
	"a page looks at a bounded number of links": testListExamines,
	"the shortest index is gone through":        testListShortest,
	"an owner's pages tell of no other's links": testListOwned,
	"a list that is stopped is no failure":      testListStopped,
	"lists out of bounds are refused":           testListBounds,
	"lists go on while links change":            testListRace,
}

// listed gives the codes of a whole listing, and how many pages it has.
func listed(t *testing.T, s *store.Store, l store.Listing) (codes []link.Code, pages int) {
	t.Helper()
	for {
		page, err := s.List(context.Background(), l)
		must(t, err)
		pages++
		for _, found := range page.Links {
			codes = append(codes, found.Code)
		}
		if !page.More {
			return codes, pages
		}
		l.After = page.Next
	}
}

// tagged is a link with tags, made so many seconds after the epoch.
func tagged(code link.Code, owner string, seconds int, tags ...string) link.Link {
	l := aLink(code, "https://example.com/")
	l.Owner, l.CreatedAt = owner, Epoch.Add(time.Duration(seconds)*time.Second)
	l.Tags, _ = link.ParseTags(tags)
	return l
}

func testListGoesOn(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		for _, l := range []link.Link{
			tagged("b", "ann", 1, "x"), tagged("a", "bob", 1, "x", "y"), tagged("old", "", -9, "y"), tagged("c", "ann", 5, "x", "y"),
		} {
			must(t, b.Put(l))
		}
	})
	for limit := 1; limit <= 5; limit++ {
		if got, _ := listed(t, s, store.Listing{Limit: limit, Examine: 100}); !slices.Equal(got, []link.Code{"c", "b", "a", "old"}) {
			t.Errorf("the newest first, %d a page: %q", limit, got)
		}
		if got, _ := listed(t, s, store.Listing{Limit: limit, Examine: 100, OldestFirst: true, Tags: []string{"y", "x", "y"}}); !slices.Equal(got, []link.Code{"old", "a", "b", "c"}) {
			t.Errorf("with a tag, the oldest first, %d a page: %q", limit, got)
		}
	}
	first, err := s.List(context.Background(), store.Listing{Limit: 2, Examine: 9})
	must(t, err)
	change(t, s, func(b *store.Batch) { // a new link, one between the pages, and one that the first page ended with
		must(t, b.Put(tagged("new", "", 9)), b.Put(tagged("aa", "", 1)), b.Delete("b", Epoch))
	})
	if got, _ := listed(t, s, store.Listing{Limit: 2, Examine: 9, After: first.Next}); !slices.Equal(got, []link.Code{"aa", "a", "old"}) {
		t.Errorf("after a change the list goes on with %q", got)
	}
}

func testListExamines(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		for i := range 50 {
			must(t, b.Put(tagged(link.Code(fmt.Sprintf("s-%02d", i)), "ann", i, "x")))
		}
	})
	ann := "ann"
	for _, l := range []store.Listing{{}, {Owner: &ann}, {Tags: []string{"x", "y"}}, {OldestFirst: true}} {
		looked := 0
		l.Limit, l.Examine = 3, 7
		l.Match = func(l link.Link) bool { looked++; return l.Code == "s-25" }
		before := 0
		for pages := 1; ; pages++ {
			page, err := s.List(context.Background(), l)
			must(t, err)
			if looked-before > 7 {
				t.Errorf("a page looked at %d links", looked-before)
			}
			before = looked
			if l.After = page.Next; !page.More {
				if pages != 8 || looked != 50 {
					t.Errorf("%d pages looked at %d links", pages, looked)
				}
				break
			}
		}
	}
}

// testListShortest asks for two things of which one is rare: that must not cost more than the rare one.
func testListShortest(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		for i := range 40 {
			must(t, b.Put(tagged(link.Code(fmt.Sprintf("s-%02d", i)), "ann", i, "common")))
		}
		must(t, b.Put(tagged("rare", "ann", 20, "common", "rare")), b.Put(tagged("bobs", "bob", 20, "common")))
	})
	ann, bob, nobody := "ann", "bob", "nobody"
	for _, c := range []struct {
		l    store.Listing
		want []link.Code
	}{
		{store.Listing{Tags: []string{"common", "rare"}, AllTags: true}, []link.Code{"rare"}},
		{store.Listing{Tags: []string{"common"}, Owner: &bob}, []link.Code{"bobs"}},
		{store.Listing{Tags: []string{"rare", "none"}}, []link.Code{"rare"}},
		{store.Listing{Tags: []string{"rare", "none"}, Owner: &bob}, nil},
		{store.Listing{Tags: []string{"common"}, Owner: &nobody}, nil},
		{store.Listing{Tags: []string{"common", "none"}, Owner: &ann, AllTags: true}, nil},
		{store.Listing{Tags: []string{"none"}}, nil},
	} {
		c.l.Limit, c.l.Examine = 5, 1
		if got, pages := listed(t, s, c.l); !slices.Equal(got, c.want) || pages > 1 {
			t.Errorf("%+v: %q on %d pages", c.l, got, pages)
		}
	}
}

// testListOwned asks for a tag that is another's: whether it is rare or not must not show.
func testListOwned(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		for i := range 30 {
			must(t, b.Put(tagged(link.Code(fmt.Sprintf("ann-%02d", i)), "ann", i, "mine")))
			must(t, b.Put(tagged(link.Code(fmt.Sprintf("bob-%02d", i%20)), "bob", i%20, "secret")))
		}
		must(t, b.Put(tagged("ann-last", "ann", 50, "secret", "rare")))
	})
	ann := "ann"
	for _, l := range []store.Listing{
		{}, {Tags: []string{"secret"}}, {Tags: []string{"secret", "mine"}}, {Tags: []string{"secret", "mine"}, AllTags: true}, {Tags: []string{"rare"}},
	} {
		l.Owner, l.Limit, l.Examine = &ann, 5, 10
		for page := range 10 {
			got, err := s.List(context.Background(), l)
			must(t, err)
			if code := got.Next.Code; code != "" && !strings.HasPrefix(string(code), "ann-") {
				t.Errorf("%q: page %d ends with %q", l.Tags, page, code)
			}
			if l.After = got.Next; !got.More {
				break
			}
		}
	}
	if page, err := s.List(context.Background(), store.Listing{Owner: &ann, Tags: []string{"secret", "none"}, AllTags: true, Limit: 1, Examine: 1}); err != nil || page.More || page.Next != (store.Place{}) {
		t.Errorf("what none of theirs has: %+v, %v", page, err)
	}
}

func testListStopped(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) { must(t, b.Put(tagged("a", "ann", 1, "x"))) })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.List(ctx, store.Listing{Limit: 1, Examine: 1})
	wants(t, err, context.Canceled)
	_, _, err = s.Tags(ctx, nil, "", 1)
	wants(t, err, context.Canceled)
	_, err = s.Total(ctx, nil, "x")
	wants(t, err, context.Canceled)
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	_, err = s.List(ctx, store.Listing{Limit: 1, Examine: 1, Match: func(link.Link) bool { cancel(); return true }})
	if err != nil && !errors.Is(err, context.Canceled) { // the page was whole, or it was not
		t.Error(err)
	}
	verified(t, s)
	must(t, s.Close())
	_, err = s.List(context.Background(), store.Listing{Limit: 1, Examine: 1})
	wants(t, err, store.ErrClosed)
	_, _, err = s.Tags(context.Background(), nil, "", 1)
	wants(t, err, store.ErrClosed)
	_, err = s.Total(context.Background(), nil, "x")
	wants(t, err, store.ErrClosed)
}

func testListBounds(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	if page, err := s.List(context.Background(), store.Listing{Limit: 1, Examine: 1}); err != nil || page.More || len(page.Links) > 0 {
		t.Errorf("an empty store lists %v, %v", page, err)
	}
	change(t, s, func(b *store.Batch) { must(t, b.Put(tagged("a", "ann", 1, "x"))) })
	for _, l := range []store.Listing{{Limit: 0, Examine: 1}, {Limit: 1, Examine: -1}, {Limit: 1, Examine: 1, Tags: make([]string, link.MaxTags+1)}} {
		_, err := s.List(context.Background(), l)
		wants(t, err, store.ErrMisuse)
	}
	_, _, err := s.Tags(context.Background(), nil, "", 0)
	wants(t, err, store.ErrMisuse)
	nobody := ""
	_, _, err = s.Tags(context.Background(), &nobody, "", 1)
	wants(t, err, store.ErrMisuse)
	// What an owner or a tag cannot be is what no link has.
	for _, odd := range []string{strings.Repeat("o", 259), "x\x00", strings.Repeat("t", 1000)} {
		if got, _ := listed(t, s, store.Listing{Limit: 1, Examine: 1, Owner: &odd}); got != nil {
			t.Errorf("links of %.10q: %q", odd, got)
		}
		if got, _ := listed(t, s, store.Listing{Limit: 1, Examine: 1, Tags: []string{odd}}); got != nil {
			t.Errorf("links with %.10q: %q", odd, got)
		}
	}
	far := store.Place{Created: 1<<64 - 1, Code: link.Code(strings.Repeat("\xff", 1000))}
	if got, _ := listed(t, s, store.Listing{Limit: 1, Examine: 1, After: far}); !slices.Equal(got, []link.Code{"a"}) {
		t.Errorf("before the end of time: %q", got)
	}
	if got, _ := listed(t, s, store.Listing{Limit: 1, Examine: 1, After: far, OldestFirst: true}); got != nil {
		t.Errorf("behind the end of time: %q", got)
	}
	verified(t, s)
}

// testListRace has a reader list all links while the writer makes, changes and deletes them: no page may lead nowhere.
func testListRace(t *testing.T, f Fixture) {
	const rounds = 150
	s := open(t, f.FS, f.Dir)
	done := make(chan error)
	stop := make(chan struct{})
	go func() {
		l := store.Listing{Limit: 5, Examine: 20, Tags: []string{"x", "y"}}
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			page, err := s.List(context.Background(), l)
			if err != nil {
				done <- err
				return
			}
			if l.After = page.Next; !page.More {
				l.After, l.OldestFirst = store.Place{}, !l.OldestFirst
			}
		}
	}()
	for i := range rounds {
		change(t, s, func(b *store.Batch) {
			code := func(n int) link.Code { return link.Code(fmt.Sprintf("s-%d", n)) }
			must(t, b.Put(tagged(code(i), "", i%7, "x")), refused(b.Put(tagged(code(i/2), "ann", i%5, "y"))))
			if i%3 == 2 {
				must(t, b.Delete(code(i), Epoch))
			}
		})
	}
	close(stop)
	must(t, <-done)
	verified(t, s)
}

// testListsOfManyLinks holds pages of every size against the whole list, with links to be passed over between them.
func testListsOfManyLinks(t *testing.T, f Fixture) {
	const links = 300
	s := open(t, f.FS, f.Dir)
	var all, even []link.Code
	change(t, s, func(b *store.Batch) {
		for i := range links {
			l := tagged(link.Code(fmt.Sprintf("s-%03d", i*37%links)), "", i/50) // many of one moment
			must(t, b.Put(l))
			all = append(all, l.Code)
		}
	})
	slices.SortFunc(all, func(a, b link.Code) int {
		la, errA := s.Lookup(a)
		lb, errB := s.Lookup(b)
		must(t, errA, errB)
		return cmp.Or(la.CreatedAt.Compare(lb.CreatedAt), cmp.Compare(a, b))
	})
	isEven := func(c link.Code) bool { return c[len(c)-1]%2 == 0 }
	for _, c := range all {
		if isEven(c) {
			even = append(even, c)
		}
	}
	for _, c := range []struct{ limit, examine int }{
		{1, 1}, {1, 1 << 40}, {127, 128}, {128, 127}, {128, 128}, {128, 129}, {129, 1 << 40}, {links, links - 1}, {links, links},
	} {
		l := store.Listing{Limit: c.limit, Examine: c.examine, OldestFirst: true}
		if got, _ := listed(t, s, l); !slices.Equal(got, all) {
			t.Errorf("%d a page of %d: %d links, or another order", c.limit, c.examine, len(got))
		}
		l.Match = func(l link.Link) bool { return isEven(l.Code) }
		if got, _ := listed(t, s, l); !slices.Equal(got, even) {
			t.Errorf("%d a page of %d, every other one: %d links, or another order", c.limit, c.examine, len(got))
		}
		l.Match = func(link.Link) bool { return false }
		if got, pages := listed(t, s, l); len(got) != 0 || c.examine >= links && pages != 1 {
			t.Errorf("%d a page of %d, none: %d links on %d pages", c.limit, c.examine, len(got), pages)
		}
	}
}
