package api

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// shelf is a fakeService that takes imported links as the cluster does, and shows all its links page by page.
type shelf struct {
	*fakeService
	// refuse, when set, is asked before a call; calls counts them from 1.
	refuse func(ctx context.Context, call int) error
	// rowRefuse, when set, is asked before each row.
	rowRefuse func(d link.Draft) error

	shelfMu sync.Mutex
	calls   int                  // guarded by shelfMu, as all below
	kept    map[string]link.Code // by the key of a row
	rows    map[string]link.Once // likewise
	batches [][]link.Draft       // as they came
	lists   []Listing            // likewise
	listErr func(n int) error    // what the nth list ends with
}

// newShelf gives a fixture on a shelf.
func newShelf(f *fixture) *shelf {
	s := &shelf{fakeService: f.service, kept: make(map[string]link.Code), rows: make(map[string]link.Once)}
	f.config.Links = s
	f.rewire()
	return s
}

func (s *shelf) Create(ctx context.Context, _ access.Holder, drafts []link.Draft) ([]Made, error) {
	s.shelfMu.Lock()
	s.calls++
	call := s.calls
	s.shelfMu.Unlock()
	if s.refuse != nil {
		if err := s.refuse(ctx, call); err != nil {
			return nil, err
		}
	}
	s.shelfMu.Lock()
	defer s.shelfMu.Unlock()
	s.batches = append(s.batches, drafts)
	made := make([]Made, len(drafts))
	for i, d := range drafts {
		if s.rowRefuse != nil {
			if made[i].Err = s.rowRefuse(d); made[i].Err != nil {
				continue
			}
		}
		made[i] = s.place(d)
	}
	return made, nil
}

// place makes the link of a draft.
func (s *shelf) place(d link.Draft) Made {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := d.Once; o != nil {
		key := o.Scope + "\n" + o.Key
		if before, again := s.rows[key]; again && before.Body != o.Body {
			return Made{Err: link.ErrKeyReused}
		} else if again {
			return Made{Link: s.links[s.kept[key]]}
		}
		m := s.placeNew(d)
		if m.Err == nil {
			s.rows[key], s.kept[key] = *o, m.Link.Code
		}
		return m
	}
	return s.placeNew(d)
}

func (s *shelf) placeNew(d link.Draft) Made {
	l := link.Link{Code: d.Slug, Fields: d.Fields, Owner: d.Owner, CreatedAt: noon, UpdatedAt: noon, Version: 1, Visits: d.Imported.Visits}
	if at := d.Imported.CreatedAt; !at.IsZero() && at.Before(noon) {
		l.CreatedAt, l.UpdatedAt = at, at
	}
	before, taken := s.links[d.Slug]
	taken = taken || s.deleted[d.Slug]
	switch {
	case !taken:
	case d.Imported.Conflict == link.Refuse, d.Imported.Conflict == link.Overwrite && s.deleted[d.Slug]:
		return Made{Err: link.ErrSlugTaken}
	case d.Imported.Conflict == link.Overwrite:
		l.Version, l.CreatedAt, l.Owner = before.Version+1, before.CreatedAt, before.Owner
		s.links[l.Code] = l
		return Made{Link: l, Found: true}
	default:
		l.Code = ""
	}
	if l.Code == "" {
		l.Code = link.Code(fmt.Sprintf("gen%04d", len(s.links)))
	}
	s.links[l.Code] = l
	return Made{Link: l}
}

// List shows the links there are, the oldest first.
func (s *shelf) List(_ context.Context, _ access.Holder, l Listing) (Page, error) {
	s.shelfMu.Lock()
	defer s.shelfMu.Unlock()
	s.lists = append(s.lists, l)
	if s.listErr != nil {
		if err := s.listErr(len(s.lists)); err != nil {
			return Page{}, err
		}
	}
	s.mu.Lock()
	all := slices.SortedFunc(maps.Values(s.links), func(a, b link.Link) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Code, b.Code))
	})
	s.mu.Unlock()
	from := 0
	if l.After != (Place{}) {
		from = 1 + slices.IndexFunc(all, func(one link.Link) bool { return one.Code == l.After.Code })
	}
	page := Page{Links: all[from:min(from+l.Limit, len(all))]}
	if from+l.Limit < len(all) {
		page.Next = &Place{Code: page.Links[len(page.Links)-1].Code}
	}
	return page, nil
}
