//go:build linux

package rows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"

	"tinyurl/test/bench/load"
	"tinyurl/test/bench/rounds"
)

const (
	// fewPaged and manyPaged are how many links the pages are of.
	fewPaged, manyPaged = 1000, 1_000_000
	// pageClients is how many connections ask for pages. More would wait for each other on two processors, and the tail would tell of that.
	pageClients = 2
	// pagesEach is how many pages of a list, one after the other, are asked for by chance.
	pagesEach = 40
)

// Every link has two tags: of ten and of twenty different ones. Its title has a word that one link in a hundred has.
const (
	wideTags, narrowTags = 10, 20
	titleWords           = 100
)

// paged are the lists, by the query that asks for their first page.
func paged() []struct{ row, path string } {
	return []struct{ row, path string }{
		{"pages/list", "/api/v1/links?limit=20"},
		{"pages/oldest", "/api/v1/links?limit=20&orderBy=createdAt-asc"},
		{"pages/tag", "/api/v1/links?limit=20&tag=wide-7"},
		{"pages/any-tag", "/api/v1/links?limit=20&tag=wide-7&tag=narrow-3"},
		{"pages/all-tags", "/api/v1/links?limit=20&tagsMode=all&tag=wide-7&tag=narrow-17"},
		{"pages/search", "/api/v1/links?limit=20&search=" + url.QueryEscape("WORD-42 ")},
		{"pages/tags", "/api/v1/tags?limit=20"},
	}
}

func pageRows() []string {
	var names []string
	for _, p := range paged() {
		names = append(names, p.row)
	}
	return names
}

// pages compares pages of the lists of two nodes, one with a thousand times as many links as the other. What is told is the 99th
// percentile of the times to an answer.
func (b *Bench) pages(ctx context.Context) error {
	var nodes []*node
	for _, links := range []int{manyPaged, fewPaged} {
		n, err := b.lone(ctx, fmt.Sprintf("paged-%d", links))
		if err != nil {
			return err
		}
		s := &stock{node: n, bulk: b.described}
		if err := s.grow(ctx, links); err != nil {
			return err
		}
		if err := b.calm(ctx, n.process); err != nil {
			return err
		}
		nodes = append(nodes, n)
	}
	for _, p := range paged() {
		if !b.wantsAny(p.row) {
			continue
		}
		var sides []rounds.Side
		for i, links := range []int{manyPaged, fewPaged} {
			paths, err := walk(ctx, nodes[i].http, p.path)
			if err != nil {
				b.fail(err, p.row)
				break
			}
			b.Report.Note("%s: %d pages of a node with %d links are asked for", p.row, len(paths), links)
			sides = append(sides, b.side(target{
				name: fmt.Sprintf("%d links", links), servers: processesOf(nodes[i : i+1]), reads: true,
				load: load.Config{Targets: []string{nodes[i].http}, Connections: pageClients, Status: 200, Source: reading(nodes[i].http, paths)},
			}))
		}
		if len(sides) == 2 {
			b.compare(ctx, rounds.Pair{A: sides[0], B: sides[1], Readings: []rounds.Reading{rounds.Tail(p.row)}})
		}
	}
	return nil
}

// described is bulk with titles and tags.
func (b *Bench) described(dst []byte, first, rows int) []byte {
	dst = append(dst, `{"links":[`...)
	for i := first; i < first+rows; i++ {
		if i > first {
			dst = append(dst, ',')
		}
		dst = append(dst, b.bodies[i%len(b.bodies)]...)
		dst = fmt.Appendf(dst[:len(dst)-1], `,"title":"The link number %d with word-%d in it","tags":["wide-%d","narrow-%d"]}`,
			i, i%titleWords, i%wideTags, i%narrowTags)
	}
	return append(dst, "]}"...)
}

// walk follows a list from its first page on, and gives the paths of its pages.
func walk(ctx context.Context, host, path string) ([]string, error) {
	first, err := url.Parse(path)
	if err != nil {
		return nil, err
	}
	paths := []string{path}
	for len(paths) < pagesEach {
		next, shown, err := nextCursor(ctx, "http://"+host+paths[len(paths)-1])
		switch {
		case err != nil:
			return nil, err
		case shown == 0 && len(paths) == 1:
			return nil, errors.New("nothing is on the page " + path)
		case shown == 0:
			return paths[:len(paths)-1], nil // what is left was looked through for the page before
		case next == "":
			return paths, nil
		}
		query := first.Query()
		query.Set("cursor", next)
		paths = append(paths, first.Path+"?"+query.Encode())
	}
	return paths, nil
}

// nextCursor reads a page, with how much it shows; the cursor is empty on the last one.
func nextCursor(ctx context.Context, page string) (next string, shown int, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return "", 0, err
	}
	request.Header.Set("Authorization", "Bearer "+rootKey)
	response, err := visitor.Do(request)
	if err != nil {
		return "", 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return "", 0, err
	}
	var answer struct {
		Data       []json.RawMessage `json:"data"`
		NextCursor string            `json:"nextCursor"`
	}
	if response.StatusCode != http.StatusOK {
		return "", 0, fmt.Errorf("%s answers %s: %.200s", page, response.Status, body)
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", 0, err
	}
	return answer.NextCursor, len(answer.Data), nil
}

// reading asks for paths by chance, each connection in an order of its own.
func reading(host string, paths []string) func(int) load.Source {
	_, after := load.Get(host, "")
	after = append(after[:len(after)-len("\r\n")], "Authorization: Bearer "+rootKey+"\r\n\r\n"...)
	return func(number int) load.Source {
		chance := rand.New(rand.NewPCG(rand.Uint64(), uint64(number)))
		return func(dst []byte) []byte {
			dst = append(dst, "GET "...)
			dst = append(dst, paths[chance.IntN(len(paths))]...)
			return append(dst, after...)
		}
	}
}
