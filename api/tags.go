package api

import (
	"context"
	"fmt"
	"net/http"

	"tinyurl/api/v1"
)

const (
	// usualTags and maxTagPage are how many tags a page has if nobody asks for another number, and at most.
	usualTags  = 100
	maxTagPage = 1000
)

// tagQuery is what a cursor of the list of tags belongs to.
const tagQuery = "tags"

func tagsQuery() []parameter { return single("limit", "cursor", consistency) }

// listTags serves GET /tags.
func (o *linkCalls) listTags(ctx context.Context, c *call) (reply, error) {
	l, err := tagListingOf(c)
	if err != nil {
		return reply{}, err
	}
	page, err := o.links.Tags(ctx, c.by, l)
	if err != nil {
		return reply{}, fmt.Errorf("list tags: %w", err)
	}
	out := &v1.TagPage{Data: make([]v1.Tag, len(page.Tags))}
	for i, t := range page.Tags {
		out.Data[i] = v1.Tag{Tag: t.Tag, Links: t.Links}
	}
	if last := len(page.Tags) - 1; page.More && last >= 0 {
		cursor := seal(tagQuery, []byte(page.Tags[last].Tag))
		out.NextCursor = &cursor
	}
	return reply{status: http.StatusOK, header: o.lateness(l.Local), body: out}, nil
}

// tagListingOf reads the query of GET /tags.
func tagListingOf(c *call) (l TagListing, err error) {
	if l.Limit, err = limitOf(c, usualTags, maxTagPage); err != nil {
		return l, err
	}
	if l.Local, err = localOf(c); err != nil {
		return l, err
	}
	if c.query.Has("cursor") {
		after, err := unseal(tagQuery, c.query.Get("cursor"))
		if err != nil {
			return l, err
		}
		l.After = string(after)
	}
	return l, nil
}
