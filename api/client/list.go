package client

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"tinyurl/api/v1"
)

// ListOptions says which links List gives. The zero value gives all of them, the newest first.
type ListOptions struct {
	// Search picks links with this text in URL, title, code or a tag, whatever its case; at most 256 bytes.
	Search string
	// Tags picks links with one of these tags, or with all of them where AllTags is set; at most 20.
	Tags    []string
	AllTags bool
	// OldestFirst turns the order around.
	OldestFirst bool
	PageOptions
}

// PageOptions says how a list is read.
type PageOptions struct {
	// PageSize is how many entries a page has at most; 0 leaves it to the node. There are 100 links or 1,000 tags at most.
	PageSize int
	// Cursor is where to begin: the NextCursor of a page that the same options gave; empty begins at the beginning.
	Cursor string
	// Local reads the list as the node itself knows it: that needs no leader, and may miss what was made elsewhere a moment ago.
	Local bool
}

// query is what the node is asked for a page.
func (o PageOptions) query() url.Values {
	query := make(url.Values)
	if o.PageSize != 0 {
		query.Set("limit", strconv.Itoa(o.PageSize))
	}
	if o.Local {
		query.Set("consistency", "local")
	}
	return query
}

// Paging says how a list is read that every node gives as the cluster knows it.
type Paging struct {
	// PageSize is how many entries a page has, 100 at most; 0 leaves it to the node.
	PageSize int
	// Cursor is as in PageOptions.
	Cursor string
}

func (p Paging) query() url.Values { return PageOptions{PageSize: p.PageSize}.query() }

func (o ListOptions) query() url.Values {
	query := o.PageOptions.query()
	if o.Search != "" {
		query.Set("search", o.Search)
	}
	if len(o.Tags) > 0 {
		query["tag"] = o.Tags
	}
	if o.AllTags {
		query.Set("tagsMode", "all")
	}
	if o.OldestFirst {
		query.Set("orderBy", "createdAt-asc")
	}
	return query
}

// List gives links page by page, each when it is asked for. A page may be short, or empty, and others follow. What is made or
// deleted meanwhile may or may not be among them. An error is the last that comes; NextCursor of the page before it goes on from
// there.
func (c *Client) List(ctx context.Context, o ListOptions) iter.Seq2[v1.LinkPage, error] {
	return pages(ctx, c, linksPath, o.query(), o.Cursor, func(page v1.LinkPage) *string { return page.NextCursor })
}

// Tags gives all tags with the number of links that have them, page by page as List does.
func (c *Client) Tags(ctx context.Context, o PageOptions) iter.Seq2[v1.TagPage, error] {
	return pages(ctx, c, "/api/v1/tags", o.query(), o.Cursor, func(page v1.TagPage) *string { return page.NextCursor })
}

// pages reads a list from a cursor on to its end.
func pages[P any](ctx context.Context, c *Client, path string, query url.Values, cursor string, next func(P) *string) iter.Seq2[P, error] {
	return func(yield func(P, error) bool) {
		query := maps.Clone(query) // a list may be gone through again, and by others meanwhile
		for from := &cursor; from != nil; {
			asked := path
			if *from != "" {
				query.Set("cursor", *from)
			}
			if len(query) > 0 {
				asked += "?" + query.Encode()
			}
			var page P
			err := c.call(ctx, http.MethodGet, asked, header{}, nil, &page)
			if !yield(page, err) || err != nil {
				return
			}
			from = next(page)
		}
	}
}
