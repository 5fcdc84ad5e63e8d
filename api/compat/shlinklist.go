package compat

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tinyurl/api/v1"
)

const (
	// usualItems is how many short URLs a page has if nobody asks for another number.
	usualItems = 10
)

// pagination is how Shlink says where in a list a page is.
type pagination struct {
	CurrentPage        int    `json:"currentPage"`
	PagesCount         uint64 `json:"pagesCount"`
	ItemsPerPage       int    `json:"itemsPerPage"`
	ItemsInCurrentPage int    `json:"itemsInCurrentPage"`
	TotalItems         uint64 `json:"totalItems"`
}

func paginate(page, per, items int, total uint64) pagination {
	pages := (total + uint64(per) - 1) / uint64(per)
	return pagination{CurrentPage: page, PagesCount: max(pages, 1), ItemsPerPage: per, ItemsInCurrentPage: items, TotalItems: total}
}

// paged is a page of a list.
type paged[T any] struct {
	Data       []T        `json:"data"`
	Pagination pagination `json:"pagination"`
}

// list serves the list of short URLs. Where it is not known how many there are (of a search, or of several tags), the number told is that
// of those up to the page, and one more if there are more: it grows as one goes on.
func (h shlink) list(ctx context.Context, s Service, asked shlinkAsked) (Answer, error) {
	page, per, err := pageOf(asked.query, usualItems, MaxItems)
	if err != nil {
		return Answer{}, err
	}
	query, err := h.linksQuery(asked.query)
	if err != nil {
		return Answer{}, err
	}
	from := (page - 1) * per
	if from+per > maxDepth {
		return Answer{}, tooDeep()
	}
	found, err := walkLinks(ctx, s, query, from, from+per)
	if err != nil {
		return Answer{}, err
	}
	if !found.ended && found.seen <= from && from > 0 {
		return Answer{}, tooDeep() // so many links were looked at that nobody knows what is on this page
	}
	total := uint64(found.seen)
	switch {
	case found.total != nil:
		total = *found.total
	case !found.ended:
		total = uint64(max(found.seen, from+per) + 1)
	}
	out := paged[shortURL]{Data: make([]shortURL, len(found.items)), Pagination: paginate(page, per, len(found.items), total)}
	for i, l := range found.items {
		out.Data[i] = shortURLOf(l)
	}
	return asJSON(http.StatusOK, map[string]any{"shortUrls": out})
}

func tooDeep() error {
	return invalid("the list can be read up to its place "+strconv.Itoa(maxDepth)+", and a search as far as it gets; GET /api/v1/links goes on by cursors", "page")
}

// linksQuery puts the filters into the words of GET /links. A filter that is not there is refused: without it, more would be shown than
// was asked for.
func (h shlink) linksQuery(asked url.Values) (url.Values, error) {
	query := make(url.Values)
	if search := asked.Get("searchTerm"); search != "" {
		query.Set("search", search)
	}
	if tags := tagsOf(asked); len(tags) > 0 {
		query["tag"] = tags
	}
	switch mode := asked.Get("tagsMode"); mode {
	case "", "any", "all":
		query.Set("tagsMode", cmp.Or(mode, "any"))
	default:
		return nil, invalid("tagsMode must be any or all", "tagsMode")
	}
	switch asked.Get("orderBy") {
	case "", "dateCreated-DESC":
		query.Set("orderBy", "createdAt-desc")
	case "dateCreated", "dateCreated-ASC":
		query.Set("orderBy", "createdAt-asc")
	default:
		return nil, invalid("short URLs can be ordered by dateCreated-ASC or dateCreated-DESC", "orderBy")
	}
	for _, name := range []string{"startDate", "endDate", "apiKeyName"} {
		if asked.Get(name) != "" {
			return nil, invalid(name+" is not supported", name)
		}
	}
	for _, name := range []string{"excludeMaxVisitsReached", "excludePastValidUntil"} {
		if asked.Get(name) == "true" {
			return nil, invalid(name+" is not supported", name)
		}
	}
	if domain := asked.Get("domain"); domain != "" && domain != defaultDomain && !h.site.isOwn(domain) {
		return nil, invalid("there is one domain: "+h.site.host, "domain")
	}
	return query, nil
}

// tagsOf gives the tags of a query: tags[], tags[0] and so on, as PHP reads lists.
func tagsOf(asked url.Values) []string {
	var found []string
	for name, values := range asked {
		if name == "tags" || strings.HasPrefix(name, "tags[") && strings.HasSuffix(name, "]") {
			found = append(found, values...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// pageOf reads the number and the length of a page; -1, or more than most, asks for as many as there may be.
func pageOf(asked url.Values, usual, most int) (page, per int, err error) {
	page, per = 1, usual
	if text := asked.Get("page"); text != "" {
		if page, err = strconv.Atoi(text); err != nil || page < 1 || page > maxDepth {
			return 0, 0, invalid("page must be a number from 1 to "+strconv.Itoa(maxDepth), "page")
		}
	}
	if text := asked.Get("itemsPerPage"); text != "" {
		if per, err = strconv.Atoi(text); err != nil || per == 0 || per < -1 {
			return 0, 0, invalid("itemsPerPage must be a number from 1 on", "itemsPerPage")
		}
		if per < 0 || per > most {
			per = most
		}
	}
	return page, per, nil
}

// tagInfo is a tag as /tags/stats shows it. How often links of a tag were visited is not counted, and not told.
type tagInfo struct {
	Tag            string `json:"tag"`
	ShortURLsCount uint64 `json:"shortUrlsCount"`
}

// tags serves the names of all tags, and what is known of each if withStats asks for it.
func (h shlink) tags(ctx context.Context, s Service, asked shlinkAsked) (Answer, error) {
	page, err := tagPage(ctx, s, asked.query)
	if err != nil {
		return Answer{}, err
	}
	names := make([]string, len(page.Data))
	for i, t := range page.Data {
		names[i] = t.Tag
	}
	out := map[string]any{"data": names, "pagination": page.Pagination}
	if asked.query.Get("withStats") == "true" {
		out["stats"] = page.Data
	}
	return asJSON(http.StatusOK, map[string]any{"tags": out})
}

func (h shlink) tagStats(ctx context.Context, s Service, asked shlinkAsked) (Answer, error) {
	page, err := tagPage(ctx, s, asked.query)
	if err != nil {
		return Answer{}, err
	}
	return asJSON(http.StatusOK, map[string]any{"tags": page})
}

// tagPage reads a page of the tags; all of them if no length is given.
func tagPage(ctx context.Context, s Service, asked url.Values) (out paged[tagInfo], err error) {
	page, per, err := pageOf(asked, 0, maxTags)
	if err != nil {
		return out, err
	}
	if order := asked.Get("orderBy"); order != "" && order != "tag" && order != "tag-ASC" {
		return out, invalid("tags can be ordered by tag-ASC", "orderBy")
	}
	search := strings.ToLower(asked.Get("searchTerm"))
	found, err := walkTags(ctx, s, func(t v1.Tag) bool { return strings.Contains(strings.ToLower(t.Tag), search) })
	if err != nil {
		return out, err
	}
	if per == 0 {
		per = max(len(found.items), 1)
	}
	if !found.ended && page > 1 && (page-1)*per >= len(found.items) {
		return out, invalid("tags can be read up to the "+strconv.Itoa(maxTags)+"th; GET /api/v1/tags goes on by cursors", "page")
	}
	total := uint64(len(found.items))
	if !found.ended {
		total++
	}
	from := min((page-1)*per, len(found.items))
	shown := found.items[from:min(from+per, len(found.items))]
	out = paged[tagInfo]{Data: make([]tagInfo, len(shown)), Pagination: paginate(page, per, len(shown), total)}
	for i, t := range shown {
		out.Data[i] = tagInfo{t.Tag, t.Links}
	}
	return out, nil
}
