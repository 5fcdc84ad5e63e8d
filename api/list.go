package api

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

const (
	// usualPage and maxPage are how many links a page has if nobody asks for another number, and at most.
	usualPage = 20
	maxPage   = 100
	// maxExamined is how many links are looked at for one page. A search that finds few of them gives short pages, and goes on.
	maxExamined = 1000
	// maxSearch is the longest text that is looked for, in bytes.
	maxSearch = 256
)

// Query parameters of GET /links.
const (
	searchParameter   = "search"
	tagParameter      = "tag"
	tagsModeParameter = "tagsMode"
	orderByParameter  = "orderBy"
)

func listQuery() []parameter {
	return append(single("limit", "cursor", searchParameter, tagsModeParameter, orderByParameter, consistency), parameter{tagParameter, link.MaxTags})
}

// listLinks serves GET /links.
func (o *linkCalls) listLinks(ctx context.Context, c *call) (reply, error) {
	l, query, err := listingOf(c)
	if err != nil {
		return reply{}, err
	}
	if err := o.bodies.hold(c, int64(l.Limit)*rowBytes); err != nil {
		return reply{}, err
	}
	page, err := o.links.List(ctx, c.by, l)
	if err != nil {
		return reply{}, fmt.Errorf("list links: %w", err)
	}
	out := &v1.LinkPage{Data: make([]*v1.Link, len(page.Links))}
	for i, found := range page.Links {
		out.Data[i] = o.shown(found)
	}
	if err := withTotals(ctx, o.statistics, c.by, page.Links, out.Data); err != nil {
		return reply{}, err
	}
	if page.Next != nil {
		cursor := seal(query, packPlace(*page.Next))
		out.NextCursor = &cursor
	}
	if l.Count {
		out.Total = &page.Total
	}
	return reply{status: http.StatusOK, header: o.lateness(l.Local), body: out}, nil
}

// listingOf reads the query of GET /links. It also gives it in one spelling: what a cursor belongs to. How long pages are, and
// whose view they show, may change from one to the next.
func listingOf(c *call) (l Listing, query string, err error) {
	l = Listing{Examine: maxExamined}
	if l.Limit, err = limitOf(c, usualPage, maxPage); err != nil {
		return l, "", err
	}
	if l.Local, err = localOf(c); err != nil {
		return l, "", err
	}
	if err := takeTags(&l, c); err != nil {
		return l, "", err
	}
	if l.OldestFirst, err = either(c, orderByParameter, "createdAt-desc", "createdAt-asc"); err != nil {
		return l, "", err
	}
	search := c.query.Get(searchParameter)
	if len(search) > maxSearch || strings.ContainsFunc(search, unicode.IsControl) || strings.ToValidUTF8(search, "") != search {
		return l, "", invalid(link.ErrInvalidField, "search must be at most "+strconv.Itoa(maxSearch)+" bytes of text, without control characters", searchParameter)
	}
	if search != "" {
		l.Match = newFinder(search).finds
	}
	l.Count = search == "" && len(l.Tags) <= 1
	query = fmt.Sprintf("links %q %q %t %t", search, l.Tags, l.AllTags, l.OldestFirst)
	if c.query.Has("cursor") {
		l.After, err = unpackPlace(query, c.query.Get("cursor"))
	}
	return l, query, err
}

// takeTags takes the tags and whether all of them are wanted. Their order is of no account.
func takeTags(l *Listing, c *call) (err error) {
	l.Tags = slices.Clone(c.query[tagParameter])
	slices.Sort(l.Tags)
	l.Tags = slices.Compact(l.Tags)
	for _, tag := range l.Tags {
		if !link.ValidTag(tag) {
			return invalid(link.ErrInvalidField, "no link can have such a tag", tagParameter)
		}
	}
	l.AllTags, err = either(c, tagsModeParameter, "any", "all")
	return err
}

// either reads a parameter of two values: false for the first, which is also meant by none, true for the second.
func either(c *call, name, first, second string) (bool, error) {
	switch value := c.query.Get(name); {
	case !c.query.Has(name), value == first:
		return false, nil
	case value == second:
		return true, nil
	}
	return false, invalid(link.ErrInvalidField, name+" must be "+first+" or "+second, name)
}

// packPlace gives what a cursor holds of a place.
func packPlace(p Place) []byte {
	return append(binary.BigEndian.AppendUint64(nil, p.Created), p.Code...)
}

// unpackPlace reads a cursor of a list of links.
func unpackPlace(query, cursor string) (Place, error) {
	packed, err := unseal(query, cursor)
	if err != nil {
		return Place{}, err
	}
	if len(packed) < 8 {
		return Place{}, invalid(errCursor, errCursor.Error(), "cursor")
	}
	return Place{Created: binary.BigEndian.Uint64(packed), Code: link.Code(packed[8:])}, nil
}
