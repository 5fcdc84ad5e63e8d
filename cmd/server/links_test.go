package server

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api"
	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// fakeLinks takes commands and answers what it is told to; its view is a store.
type fakeLinks struct {
	asked   []command.Command
	actor   string
	results []command.Result
	view    *store.Store
	now     time.Time
	local   bool
	err     error
}

func (f *fakeLinks) Propose(_ context.Context, actor string, commands []command.Command) ([]command.Result, error) {
	f.asked, f.actor = commands, actor
	return f.results, f.err
}

func (f *fakeLinks) Now() time.Time { return f.now }

func (f *fakeLinks) View(_ context.Context, local bool) (*store.Store, error) {
	f.local = local
	return f.view, f.err
}

func TestResultsOfTheClusterAreAnswersOfTheAPI(t *testing.T) {
	node := &fakeLinks{results: []command.Result{{Link: link.Link{Code: "abc"}}, {Err: link.ErrSlugTaken}, {Link: link.Link{Code: "old"}, Found: true}}}
	drafts := []link.Draft{{Slug: "abc"}, {Slug: "def"}, {Owner: "u1"}}
	made, err := links{node}.Create(t.Context(), access.RootHolder(), drafts)
	want := []api.Made{{Link: link.Link{Code: "abc"}}, {Err: link.ErrSlugTaken}, {Link: link.Link{Code: "old"}, Found: true}}
	if diff := cmp.Diff(want, made, cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) })); diff != "" || err != nil {
		t.Errorf("%v, made (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]command.Command{command.Create{Draft: drafts[0]}, command.Create{Draft: drafts[1]}, command.Create{Draft: drafts[2]}}, node.asked); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

func TestEditsAndDeletesAreOneCommand(t *testing.T) {
	edit := link.Edit{Code: "abc", Set: link.TitleField, Fields: link.Fields{Title: "x"}, IfVersion: 7}
	node := &fakeLinks{results: []command.Result{{Link: link.Link{Code: "abc", Version: 8}}}}
	changed, err := links{node}.Edit(t.Context(), access.RootHolder(), edit)
	if err != nil || changed.Version != 8 || !cmp.Equal(node.asked, []command.Command{command.Edit{Edit: edit}}) {
		t.Errorf("%+v, %v; asked for %+v", changed, err, node.asked)
	}
	if err := (links{node}).Delete(t.Context(), access.RootHolder(), "abc"); err != nil || !cmp.Equal(node.asked, []command.Command{command.Delete{Code: "abc"}}) {
		t.Errorf("%v; asked for %+v", err, node.asked)
	}
	node.results = []command.Result{{Err: link.ErrPrecondition}}
	if _, err := (links{node}).Edit(t.Context(), access.RootHolder(), edit); !errors.Is(err, link.ErrPrecondition) {
		t.Errorf("edit: %v", err)
	}
	if err := (links{node}).Delete(t.Context(), access.RootHolder(), "abc"); !errors.Is(err, link.ErrPrecondition) {
		t.Errorf("delete: %v", err)
	}
}

func TestErrorsOfTheNodeAreAnswered(t *testing.T) {
	l := links{&fakeLinks{err: link.ErrOverloaded}}
	_, create := l.Create(t.Context(), access.RootHolder(), nil)
	_, edit := l.Edit(t.Context(), access.RootHolder(), link.Edit{})
	_, list := l.List(t.Context(), access.RootHolder(), api.Listing{})
	_, tags := l.Tags(t.Context(), access.RootHolder(), api.TagListing{})
	for what, err := range map[string]error{"create": create, "edit": edit, "delete": l.Delete(t.Context(), access.RootHolder(), "abc"), "list": list, "tags": tags} {
		if !errors.Is(err, link.ErrOverloaded) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// aStore has the links a, b and c, each a minute older than the one before, with tags.
func aStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.TempDir(), store.Options{CacheBytes: 1 << 20, MemTableBytes: 256 << 10, Fatal: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b, err := s.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	errs := []error{b.Advance(store.Position{Index: 1, Term: 1}), b.SetCodeKey([16]byte{7})}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i, tags := range []link.Tags{"x", "x\ny", ""} {
		made := at.Add(time.Duration(-i) * time.Minute)
		errs = append(errs, b.Put(link.Link{
			Code: link.Code("abc"[i : i+1]), Fields: link.Fields{Target: "https://example.com", Tags: tags}, CreatedAt: made, UpdatedAt: made, Version: 1,
		}))
	}
	if err := errors.Join(append(errs, b.Commit(), b.Close())...); err != nil {
		t.Fatal(err)
	}
	return s
}

// listed are the codes on the pages of a listing, pages apart, and their totals.
func listed(t *testing.T, l links, asked api.Listing) (codes string, total uint64) {
	t.Helper()
	var pages []string
	for {
		page, err := l.List(t.Context(), access.RootHolder(), asked)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, found := range page.Links {
			text += string(found.Code)
		}
		pages, total = append(pages, text), page.Total
		if page.Next == nil {
			return strings.Join(pages, " "), total
		}
		asked.After = *page.Next
	}
}

func TestListsAreThoseOfTheStore(t *testing.T) {
	node := &fakeLinks{view: aStore(t)}
	for want, asked := range map[string]api.Listing{
		"abc":   {Limit: 3, Examine: 10, Count: true},
		"cba":   {Limit: 9, Examine: 10, OldestFirst: true, Local: true},
		"a b c": {Limit: 1, Examine: 10},
		"ab":    {Limit: 3, Examine: 10, Tags: []string{"x"}, Count: true},
		"b":     {Limit: 3, Examine: 10, Tags: []string{"x", "y"}, AllTags: true},
		"a b":   {Limit: 1, Examine: 10, Tags: []string{"x", "y"}},
		"a  c":  {Limit: 3, Examine: 1, Match: func(l link.Link) bool { return l.Code != "b" }},
	} {
		got, total := listed(t, links{node}, asked)
		if got != want || node.local != asked.Local {
			t.Errorf("%q was listed as %q, local %v", want, got, node.local)
		}
		if counted := map[bool]uint64{true: uint64(len(want))}[asked.Count]; total != counted {
			t.Errorf("%q: total %d", want, total)
		}
	}
}

func TestTagsAreThoseOfTheStore(t *testing.T) {
	l := links{&fakeLinks{view: aStore(t)}}
	for _, test := range []struct {
		asked api.TagListing
		want  api.TagPage
	}{
		{api.TagListing{Limit: 5}, api.TagPage{Tags: []api.TagCount{{Tag: "x", Links: 2}, {Tag: "y", Links: 1}}}},
		{api.TagListing{Limit: 1}, api.TagPage{Tags: []api.TagCount{{Tag: "x", Links: 2}}, More: true}},
		{api.TagListing{Limit: 1, After: "x", Local: true}, api.TagPage{Tags: []api.TagCount{{Tag: "y", Links: 1}}}},
		{api.TagListing{Limit: 1, After: "y"}, api.TagPage{Tags: []api.TagCount{}}},
	} {
		got, err := l.Tags(t.Context(), access.RootHolder(), test.asked)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%+v: %v, page (-want +got):\n%s", test.asked, err, diff)
		}
	}
}
