package compat

import (
	"context"
	"net/url"
	"strconv"

	"tinyurl/api/v1"
)

// The other APIs ask for pages by number. Here a page is known by the cursor that the one before it ends with, so the way to a page leads
// past all before it. That way is bounded: who wants all links reads GET /api/v1/links, or exports them.
const (
	// MaxItems is how many links one answer may hold.
	MaxItems = 500
	// maxDepth is the place of the last link that can be asked for.
	maxDepth = 10_000
	// maxSteps is how many pages of the service are read for one answer. A search may find little on each of them.
	maxSteps = 100
	// serviceLinks and serviceTags are the longest pages that the service gives.
	serviceLinks, serviceTags = 100, 1000
	// maxTags is how many tags are read for one answer.
	maxTags = 5_000
)

// stretch is a part of a list.
type stretch[T any] struct {
	items []T
	// seen is how many items were passed, those of the stretch included; ended says that the list has no more.
	seen  int
	ended bool
}

// walk reads the items from the place from to the place before to. fetch gives a page of at most limit items, and the cursor of the next
// one.
func walk[T any](from, to, longest int, fetch func(limit int, cursor string) ([]T, *string, error)) (stretch[T], error) {
	var s stretch[T]
	cursor := ""
	for steps := 0; steps < maxSteps && s.seen < to; steps++ {
		page, next, err := fetch(min(longest, to-s.seen), cursor)
		if err != nil {
			return s, err
		}
		if skip := from - s.seen; skip < len(page) {
			s.items = append(s.items, page[max(skip, 0):]...)
		}
		s.seen += len(page)
		if next == nil {
			s.ended = true
			break
		}
		cursor = *next
	}
	return s, nil
}

// linkStretch is one of links. total is how many there are, where that is known.
type linkStretch struct {
	stretch[*v1.Link]
	total *uint64
}

// walkLinks reads a stretch of what a query of GET /links finds. The first page is read linearizably, which brings the node up to date;
// what follows is its own view.
func walkLinks(ctx context.Context, s Service, query url.Values, from, to int) (found linkStretch, err error) {
	found.stretch, err = walk(from, to, serviceLinks, func(limit int, cursor string) ([]*v1.Link, *string, error) {
		query.Set("limit", strconv.Itoa(limit))
		if cursor != "" {
			query.Set("cursor", cursor)
			query.Set("consistency", "local")
		}
		page, err := s.List(ctx, query)
		if err != nil {
			return nil, nil, err
		}
		found.total = page.Total
		return page.Data, page.NextCursor, nil
	})
	return found, err
}

// walkTags reads the first tags there are, as far as they are wanted.
func walkTags(ctx context.Context, s Service, wanted func(v1.Tag) bool) (stretch[v1.Tag], error) {
	found, err := walk(0, maxTags, serviceTags, func(limit int, cursor string) ([]v1.Tag, *string, error) {
		query := url.Values{"limit": {strconv.Itoa(limit)}}
		if cursor != "" {
			query.Set("cursor", cursor)
			query.Set("consistency", "local")
		}
		page, err := s.Tags(ctx, query)
		if err != nil {
			return nil, nil, err
		}
		return page.Data, page.NextCursor, nil
	})
	kept := found.items[:0]
	for _, t := range found.items {
		if wanted(t) {
			kept = append(kept, t)
		}
	}
	found.items = kept
	return found, err
}
