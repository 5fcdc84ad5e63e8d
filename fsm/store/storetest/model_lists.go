package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// What a model is asked for out of the ordinary, too: owners and tags that no link has.
var (
	modelOwners = []string{"", "ann", "bob"}
	modelTags   = []string{"a", "b", "b c"}
	askedOwners = append(slices.Clone(modelOwners), "an", "nobody")
	askedTags   = append(slices.Clone(modelTags), "", "a\x00", "none")
)

// link draws all that people and the state machine may put into a link.
func (x *machine) link(c link.Code) link.Link {
	l := aLink(c, fmt.Sprintf("https://example.com/%d", rapid.IntRange(0, 2).Draw(x.t, "target")))
	l.CreatedAt = Epoch.Add(time.Duration(rapid.IntRange(-2, 2).Draw(x.t, "created")) * time.Second)
	x.draw(&l)
	return l
}

// draw changes a few of a link's fields, or none.
func (x *machine) draw(l *link.Link) {
	for range rapid.IntRange(0, 3).Draw(x.t, "fields") {
		switch rapid.IntRange(0, 9).Draw(x.t, "field") {
		case 0:
			l.Owner = rapid.SampledFrom(modelOwners).Draw(x.t, "owner")
		case 1, 2, 3:
			var err error
			l.Tags, err = link.ParseTags(rapid.SliceOf(rapid.SampledFrom(modelTags)).Draw(x.t, "tags"))
			rcheck(x.t, err)
		case 4, 5:
			l.ValidUntil = x.moment()
		case 6:
			l.Target = link.Target(fmt.Sprintf("https://example.com/%d", rapid.IntRange(0, 2).Draw(x.t, "target")))
		case 7:
			l.Title, l.Password = rapid.SampledFrom([]string{"", "A title"}).Draw(x.t, "title"), "$hash"
		case 8:
			l.MaxVisits, l.Visits = rapid.Uint64Range(0, 3).Draw(x.t, "limit"), rapid.Uint64Range(0, 3).Draw(x.t, "visits")
		case 9:
			l.Disabled, l.DropQuery, l.Redirect = rapid.Bool().Draw(x.t, "disabled"), rapid.Bool().Draw(x.t, "drop"), 308
			l.ValidSince = x.moment()
		}
	}
}

// moment draws a time, none among them.
func (x *machine) moment() time.Time {
	n := rapid.IntRange(0, 4).Draw(x.t, "moment")
	if n == 0 {
		return time.Time{}
	}
	return Epoch.Add(time.Duration(n) * time.Second)
}

// edit changes a link that is there, if one is.
func (x *machine) edit() {
	l, err := x.b.Link(x.code())
	if err != nil {
		return
	}
	x.draw(&l)
	l.Version++
	l.UpdatedAt = x.at
	rcheck(x.t, x.b.Put(l))
	x.m.links[l.Code] = l
}

// find asks for an owner's link with a target, and maybe for one that does not end.
func (x *machine) find() {
	owner := rapid.SampledFrom(askedOwners).Draw(x.t, "owner")
	target := link.Target(fmt.Sprintf("https://example.com/%d", rapid.IntRange(0, 3).Draw(x.t, "target")))
	endless := rapid.Bool().Draw(x.t, "endless")
	same := func(l link.Link) bool { return !endless || l.ValidUntil.IsZero() }
	got, found, err := x.b.Find(owner, target, same)
	rcheck(x.t, err)
	all := x.m.list(func(l link.Link) bool { return l.Owner == owner && l.Target == target && same(l) })
	if found != (len(all) > 0) || found && got != all[0] {
		x.t.Fatalf("found %v, %v; there is %v", found, got, all)
	}
}

// due asks for links that have ended.
func (x *machine) due() {
	before, limit := x.moment(), rapid.IntRange(0, 4).Draw(x.t, "limit")
	got, err := x.b.Due(before, limit)
	rcheck(x.t, err)
	all := x.m.list(func(l link.Link) bool { return !l.ValidUntil.IsZero() && !l.ValidUntil.After(before) })
	slices.SortStableFunc(all, func(a, b link.Link) int {
		return cmp.Or(a.ValidUntil.Compare(b.ValidUntil), compareRows(a.Code, b.Code))
	})
	var want []link.Code
	for _, l := range all[:min(limit, len(all))] {
		want = append(want, l.Code)
	}
	if !slices.Equal(got, want) {
		x.t.Fatalf("%d that ended by %v: %q, want %q", limit, before, got, want)
	}
}

// list gives the living links that match, in the order of creation.
func (m *model) list(match func(link.Link) bool) (all []link.Link) {
	for _, l := range m.links {
		if l.Target != "" && match(l) {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b link.Link) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), compareRows(a.Code, b.Code))
	})
	return all
}

// compareRows is the order of links of one moment: generated codes as they were made, then slugs.
func compareRows(a, b link.Code) int {
	codec := link.NewCodec([16]byte{7})
	idA, madeA := codec.Decode(a)
	idB, madeB := codec.Decode(b)
	switch {
	case madeA && madeB:
		return cmp.Compare(idA, idB)
	case madeA:
		return -1
	case madeB:
		return 1
	}
	return cmp.Compare(a, b)
}

// compareLists draws a few listings and goes through them page by page.
func compareLists(t *rapid.T, s *store.Store, m *model) {
	for range 3 {
		l := store.Listing{
			Tags:    rapid.SliceOfN(rapid.SampledFrom(askedTags), 0, 3).Draw(t, "tags"),
			AllTags: rapid.Bool().Draw(t, "all tags"), OldestFirst: rapid.Bool().Draw(t, "oldest first"),
			Limit: rapid.IntRange(1, 4).Draw(t, "limit"), Examine: rapid.IntRange(1, 6).Draw(t, "examine"),
		}
		if n := rapid.IntRange(-2, len(askedOwners)-1).Draw(t, "owner"); n >= 0 {
			l.Owner = &askedOwners[n]
		}
		if rapid.IntRange(0, 3).Draw(t, "match") == 0 {
			l.Match = func(l link.Link) bool { return !l.Disabled }
		}
		want := m.list(func(found link.Link) bool { return takes(l, found) })
		if !l.OldestFirst {
			slices.Reverse(want)
		}
		if diff := gocmp.Diff(want, walk(t, s, m, l)); diff != "" {
			t.Fatalf("list %+v: %s", l, diff)
		}
	}
}

// takes says in plain words what a listing lists.
func takes(l store.Listing, found link.Link) bool {
	has := 0
	for _, tag := range l.Tags {
		if found.Tags.Has(tag) {
			has++
		}
	}
	return (l.Owner == nil || *l.Owner == found.Owner) && (l.Match == nil || l.Match(found)) &&
		(len(l.Tags) == 0 || l.AllTags && has == len(l.Tags) || !l.AllTags && has > 0)
}

// walk goes through a listing to its end. No page of an owner's links may end with another's.
func walk(t *rapid.T, s *store.Store, m *model, l store.Listing) (all []link.Link) {
	for pages := 0; ; pages++ {
		page, err := s.List(context.Background(), l)
		rcheck(t, err)
		if len(page.Links) > min(l.Limit, l.Examine) || pages > 1000 {
			t.Fatalf("page %d has %d links where %+v was asked for", pages, len(page.Links), l)
		}
		if l.Owner != nil && *l.Owner != "" && page.Next.Code != "" && m.links[page.Next.Code].Owner != *l.Owner {
			t.Fatalf("page %d of %s ends with %+v", pages, *l.Owner, page.Next)
		}
		all = append(all, page.Links...)
		if !page.More {
			return all
		}
		l.After = page.Next
	}
}

// compareSums holds the numbers of links against the model, and the lists of tags.
func compareSums(t *rapid.T, s *store.Store, m *model) {
	for i := -1; i < len(askedOwners); i++ {
		var owner *string
		if i >= 0 {
			owner = &askedOwners[i]
		}
		if owner != nil && *owner == "" {
			if _, err := s.Total(context.Background(), owner, "a"); !errors.Is(err, store.ErrMisuse) {
				t.Fatalf("the number of nobody's links: %v", err)
			}
			continue
		}
		want := map[string]uint64{}
		for _, tag := range append(slices.Clone(askedTags), "") {
			n := uint64(len(m.list(func(l link.Link) bool {
				return (owner == nil || *owner == l.Owner) && (tag == "" || l.Tags.Has(tag))
			})))
			got, err := s.Total(context.Background(), owner, tag)
			if rcheck(t, err); got != n {
				t.Fatalf("%d links of %d with tag %q, want %d", got, i, tag, n)
			}
			if n > 0 && tag != "" {
				want[tag] = n
			}
		}
		if got := tagsOf(t, s, owner, rapid.IntRange(1, 3).Draw(t, "limit")); !maps.Equal(got, want) {
			t.Fatalf("tags of %d: %v, want %v", i, got, want)
		}
	}
}

// tagsOf lists an owner's tags page by page, and fails the test unless they come in order.
func tagsOf(t *rapid.T, s *store.Store, owner *string, limit int) map[string]uint64 {
	all, last := map[string]uint64{}, ""
	for {
		tags, more, err := s.Tags(context.Background(), owner, last, limit)
		if rcheck(t, err); len(tags) > limit || more && len(tags) < limit {
			t.Fatalf("%d tags of %d, and more: %v", len(tags), limit, more)
		}
		for _, tag := range tags {
			if tag.Tag <= last {
				t.Fatalf("tag %q after %q", tag.Tag, last)
			}
			all[tag.Tag], last = tag.Links, tag.Tag
		}
		if !more {
			return all
		}
	}
}
