package api

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

func (f *fakeService) Create(ctx context.Context, by access.Holder, drafts []link.Draft) ([]Made, error) {
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.by = by
	made := make([]Made, len(drafts))
	for i, d := range drafts {
		f.drafts = append(f.drafts, d)
		made[i].Link, made[i].Found, made[i].Err = f.createOne(d)
	}
	return made, nil
}

func (f *fakeService) createOne(d link.Draft) (link.Link, bool, error) {
	if err := f.rowFail[d.Slug]; err != nil {
		return link.Link{}, false, err
	}
	if d.Once != nil {
		scoped := d.Once.Scope + "/" + d.Once.Key
		if before, ok := f.once[scoped]; ok && before.Body != d.Once.Body {
			return link.Link{}, false, link.ErrKeyReused
		}
		f.once[scoped] = *d.Once
	}
	if d.Find != nil {
		for _, code := range slices.Sorted(maps.Keys(f.links)) {
			if found := f.links[code]; found.Same(d.Fields, *d.Find|link.TargetField) {
				return found, true, nil
			}
		}
	}
	code := d.Slug
	if code == "" {
		code = link.Code(fmt.Sprintf("gen%04d", len(f.links)))
	}
	if _, ok := f.links[code]; ok || f.deleted[code] {
		return link.Link{}, false, link.ErrSlugTaken
	}
	l := link.Link{Code: code, Fields: d.Fields, CreatedAt: noon, UpdatedAt: noon, Version: 1}
	if d.ExpiresIn > 0 {
		l.ValidUntil = noon.Add(d.ExpiresIn)
	}
	if err := l.Check(); err != nil {
		return link.Link{}, false, err
	}
	f.links[code] = l
	return l, false, nil
}

// Edit changes a link as the cluster does.
func (f *fakeService) Edit(ctx context.Context, _ access.Holder, e link.Edit) (link.Link, error) {
	l, err := f.lookup(ctx, e.Code)
	if err != nil {
		return link.Link{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.edits = append(f.edits, e)
	if e.IfVersion != 0 && e.IfVersion != l.Version {
		return link.Link{}, link.ErrPrecondition
	}
	l.Take(e.Fields, e.Set)
	if e.ExpiresIn > 0 {
		l.ValidUntil = noon.Add(e.ExpiresIn)
	}
	if err := l.Check(); err != nil {
		return link.Link{}, err
	}
	l.Version++
	f.links[e.Code] = l
	return l, nil
}

// List gives the page there is, as far as its links are picked.
func (f *fakeService) List(ctx context.Context, _ access.Holder, l Listing) (Page, error) {
	if err := f.enter(ctx); err != nil {
		return Page{}, err
	}
	f.listings = append(f.listings, l)
	page := f.page
	page.Links = nil
	for _, found := range f.page.Links {
		if l.Match == nil || l.Match(found) {
			page.Links = append(page.Links, found)
		}
	}
	return page, nil
}

func (f *fakeService) Tags(ctx context.Context, _ access.Holder, l TagListing) (TagPage, error) {
	if err := f.enter(ctx); err != nil {
		return TagPage{}, err
	}
	f.tagListings = append(f.tagListings, l)
	return f.tagPage, nil
}

// Hash shows what it was given.
func (f *fakeService) Hash(ctx context.Context, password string) (link.PasswordHash, error) {
	if f.hashing != nil {
		if err := f.hashing(ctx); err != nil {
			return "", err
		}
	}
	f.hashed++
	return link.PasswordHash("$fake$" + hex.EncodeToString([]byte(password[:min(len(password), 100)]))), nil
}
