package store

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tinyurl/fsm/link"
)

// listStore is a store with a link that has all indexes.
func listStore(t *testing.T) (s *Store, told *atomic.Int32) {
	t.Helper()
	s, told = testStore(t, nil), new(atomic.Int32)
	s.failed.fatal = func(error) { told.Add(1) }
	if err := addLinks(s, 2); err != nil {
		t.Fatal(err)
	}
	b, err := s.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	l := fullLink()
	l.Code = "full"
	if err := errors.Join(b.Advance(Position{Index: 9, Term: 1}), b.Put(l), b.Commit()); err != nil {
		t.Fatal(err)
	}
	return s, told
}

// TestAnIndexThatLeadsNowhereIsDamage takes a link's row away and leaves what follows from it: nobody may take this for a
// link that is not there.
func TestAnIndexThatLeadsNowhereIsDamage(t *testing.T) {
	for name, look := range map[string]func(s *Store) error{
		"list": func(s *Store) error {
			page, err := s.List(t.Context(), Listing{Limit: 9, Examine: 9})
			if len(page.Links) > 0 || page.More {
				t.Errorf("a page of %v", page)
			}
			return err
		},
		"find": func(s *Store) error {
			b, err := s.NewBatch()
			if err != nil {
				return err
			}
			defer b.Close()
			_, _, err = b.Find("me", "https://example.com/", func(link.Link) bool { return true })
			if again := b.Advance(Position{Index: 10, Term: 1}); again == nil {
				t.Error("the batch goes on")
			}
			return err
		},
		"verify": func(s *Store) error { return s.Verify(t.Context()) },
	} {
		s, told := listStore(t)
		db := s.live.Load().db
		if err := db.Delete(append(s.schema.prefix(nil, spaceSlugs), "full"...), pebble.NoSync); err != nil {
			t.Fatal(err)
		}
		err := look(s)
		if !errors.Is(err, ErrDamaged) || errors.Is(err, link.ErrNotFound) || errors.Is(err, link.ErrGone) {
			t.Errorf("%s: %v", name, err)
		}
		if (told.Load() > 0) != (name == "list") {
			t.Errorf("%s: Fatal was told %d times", name, told.Load())
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s left something open: %v", name, err)
		}
	}
}

func TestDamagedNumbersAreDamage(t *testing.T) {
	me := "me"
	for name, look := range map[string]func(s *Store) error{
		"total": func(s *Store) error { _, err := s.Total(t.Context(), &me, ""); return err },
		"tags":  func(s *Store) error { _, _, err := s.Tags(t.Context(), nil, "", 9); return err },
		"list": func(s *Store) error {
			_, err := s.List(t.Context(), Listing{Owner: &me, Tags: []string{"b"}, Limit: 1, Examine: 1})
			return err
		},
		"by tag": func(s *Store) error {
			_, err := s.List(t.Context(), Listing{Tags: []string{"b", "a"}, Limit: 1, Examine: 1})
			return err
		},
		"places": func(s *Store) error { _, err := s.List(t.Context(), Listing{Limit: 1, Examine: 1}); return err },
		"places behind a full page": func(s *Store) error {
			seen := 0
			second := func(link.Link) bool { seen++; return seen == 2 } // so that more is read than the page has room for
			_, err := s.List(t.Context(), Listing{OldestFirst: true, Match: second, Limit: 1, Examine: 9})
			return err
		},
		"count": func(s *Store) error {
			b, err := s.NewBatch()
			if err != nil {
				return err
			}
			defer b.Close()
			if err := b.Advance(Position{Index: 10, Term: 1}); err != nil {
				return err
			}
			return b.Delete("full", noon)
		},
	} {
		s, told := listStore(t)
		db := s.live.Load().db
		err := errors.Join(
			db.Set(s.schema.ownerSum(nil, "me"), []byte{1, 0, 0}, pebble.NoSync),
			db.Set(s.schema.ownerTagSum(nil, "me", "b"), []byte{1, 0, 0}, pebble.NoSync),
			db.Set(s.schema.tagSum(nil, "a"), nil, pebble.NoSync),
			db.Set(append(s.schema.times(nil), 0xff), nil, pebble.NoSync),
		)
		if err != nil {
			t.Fatal(err)
		}
		if err := look(s); !errors.Is(err, ErrDamaged) || (told.Load() > 0) != (name != "count") {
			t.Errorf("%s: %v, Fatal was told %d times", name, err, told.Load())
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s left something open: %v", name, err)
		}
	}
}

// TestANumberBelowZeroIsDamage counts a link out that was never counted in.
func TestANumberBelowZeroIsDamage(t *testing.T) {
	s, _ := listStore(t)
	defer s.Close()
	if err := s.live.Load().db.Delete(s.schema.tagSum(nil, "a"), pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	b, err := s.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := errors.Join(b.Advance(Position{Index: 10, Term: 1}), b.Delete("full", noon)); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
	if b.Commit() == nil {
		t.Error("the batch was committed")
	}
}

// TestListsOfAFailingDisk fails one read after the other: each failure is told, and nothing stays open.
func TestListsOfAFailingDisk(t *testing.T) {
	me := "me"
	for name, look := range map[string]func(s *Store) error{
		"list": func(s *Store) error {
			_, err := s.List(context.Background(), Listing{Tags: []string{"a", "b"}, Limit: 9, Examine: 9})
			return err
		},
		"owner": func(s *Store) error {
			_, err := s.List(context.Background(), Listing{Owner: &me, Limit: 9, Examine: 9})
			return err
		},
		"tags": func(s *Store) error { _, _, err := s.Tags(context.Background(), nil, "", 9); return err },
	} {
		failures := 0
		for skip := range int64(20) {
			var reads atomic.Int64
			s, told, armed := failingStore(t, func(op errorfs.Op) error {
				if (op.Kind == errorfs.OpFileReadAt || op.Kind == errorfs.OpOpen) && reads.Add(1) > skip {
					return errorfs.ErrInjected
				}
				return nil
			})
			if err := addLinks(s, 2); err != nil {
				t.Fatal(err)
			}
			b, err := s.NewBatch()
			if err != nil {
				t.Fatal(err)
			}
			l := fullLink()
			l.Code = "full"
			if err := errors.Join(b.Advance(Position{Index: 9, Term: 1}), b.Put(l), b.Commit(), b.Close(), s.live.Load().db.Flush()); err != nil {
				t.Fatal(err)
			}
			armed.Store(true)
			err = look(s)
			armed.Store(false)
			if err != nil {
				failures++
				if !errors.Is(err, errorfs.ErrInjected) || len(told) == 0 {
					t.Errorf("%s after %d reads: %v, Fatal was told %d times", name, skip, err, len(told))
				}
			}
			if err := s.Close(); err != nil {
				t.Errorf("%s after %d reads left something open: %v", name, skip, err)
			}
		}
		if failures == 0 {
			t.Errorf("%s: nothing failed", name)
		}
	}
}

// TestReindexingTakesLittle holds what follows from a plain link to no memory of its own.
func TestReindexingTakesLittle(t *testing.T) {
	s := schema{}
	l := link.Link{Code: "abcdefg", Fields: link.Fields{Target: "https://example.com/some/path"}, CreatedAt: noon, UpdatedAt: noon}
	buf, row := make([]byte, 0, 100), make([]byte, 8)
	rows := 0
	allocs := testing.AllocsPerRun(100, func() {
		buf = derivedOf(&l, row).each(s, buf, func([]byte, bool) { rows++ })
	})
	if allocs != 0 || rows != 2*101 {
		t.Errorf("%v allocations for %d rows", allocs, rows)
	}
}

func TestAnEditTouchesOnlyWhatChanges(t *testing.T) {
	full := fullLink()
	full.Code = "full"
	for name, c := range map[string]struct {
		change     func(l *link.Link)
		gone, come int
	}{
		"nothing":    {func(*link.Link) {}, 0, 0},
		"a visit":    {func(l *link.Link) { l.Visits++; l.Version++; l.UpdatedAt = noon.Add(time.Hour) }, 0, 0},
		"the target": {func(l *link.Link) { l.Target = "x" }, 1, 1},
		"the end":    {func(l *link.Link) { l.ValidUntil = noon.Add(2 * time.Hour) }, 1, 1},
		"no end":     {func(l *link.Link) { l.ValidUntil = time.Time{} }, 1, 0},
		"one tag":    {func(l *link.Link) { l.Tags = "a\nc" }, 3, 3},
		"a tag less": {func(l *link.Link) { l.Tags = "b" }, 3, 0},
		"no tags":    {func(l *link.Link) { l.Tags = "" }, 6, 0},
		"the owner":  {func(l *link.Link) { l.Owner = "you" }, 10, 10},
		"no owner":   {func(l *link.Link) { l.Owner = "" }, 10, 6},
		"its age":    {func(l *link.Link) { l.CreatedAt = noon.Add(-time.Hour) }, 10, 10},
	} {
		l := full
		c.change(&l)
		gone, come := 0, 0
		before, behind := derivedOf(&full, []byte("full")), derivedOf(&l, []byte("full"))
		before.without(behind).each(schema{}, nil, func([]byte, bool) { gone++ })
		behind.without(before).each(schema{}, nil, func([]byte, bool) { come++ })
		if gone != c.gone || come != c.come {
			t.Errorf("%s: %d rows go and %d come, want %d and %d", name, gone, come, c.gone, c.come)
		}
	}
}
