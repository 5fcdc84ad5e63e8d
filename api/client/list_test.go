package client

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api/v1"
)

// asking gives a client of a server that answers requests one by one, and what it was asked.
func asking(t *testing.T, answers ...string) (c *Client, asked *[]string) {
	t.Helper()
	asked = new([]string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.Method+" "+r.URL.String()+" "+r.Header.Get("If-Match"))
		if len(answers) == 0 {
			w.Header().Set("Content-Type", v1.ProblemType)
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"code":"no_leader"}`))
			return
		}
		_, _ = w.Write([]byte(answers[0]))
		answers = answers[1:]
	}))
	t.Cleanup(server.Close)
	c, err := New(server.URL, "key", nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, asked
}

func TestAListIsReadPageByPage(t *testing.T) {
	c, asked := asking(t, `{"data":[{"shortCode":"a"}],"nextCursor":"one","total":3}`, `{"data":[],"nextCursor":"two"}`, `{"data":[{"shortCode":"b"}],"nextCursor":null}`)
	var codes []string
	o := ListOptions{Search: "x y", Tags: []string{"b", "a"}, AllTags: true, OldestFirst: true, PageOptions: PageOptions{PageSize: 1, Local: true}}
	for page, err := range c.List(t.Context(), o) {
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range page.Data {
			codes = append(codes, l.ShortCode)
		}
	}
	const rest = "limit=1&orderBy=createdAt-asc&search=x+y&tag=b&tag=a&tagsMode=all "
	want := []string{
		"GET /api/v1/links?consistency=local&" + rest, "GET /api/v1/links?consistency=local&cursor=one&" + rest,
		"GET /api/v1/links?consistency=local&cursor=two&" + rest,
	}
	if diff := cmp.Diff(want, *asked); diff != "" || !cmp.Equal(codes, []string{"a", "b"}) {
		t.Errorf("links %v, asked for (-want +got):\n%s", codes, diff)
	}
}

func TestAListEndsWithItsFirstError(t *testing.T) {
	c, asked := asking(t, `{"data":[{"tag":"a","links":2}],"nextCursor":"one"}`)
	var pages, errs int
	for page, err := range c.Tags(t.Context(), PageOptions{Cursor: "zero"}) {
		if err == nil && page.Data[0] == (v1.Tag{Tag: "a", Links: 2}) {
			pages++
		}
		if errors.Is(err, v1.NoLeader) {
			errs++
		}
	}
	if pages != 1 || errs != 1 || !cmp.Equal(*asked, []string{"GET /api/v1/tags?cursor=zero ", "GET /api/v1/tags?cursor=one "}) {
		t.Errorf("%d pages, %d errors, asked for %q", pages, errs, *asked)
	}
}

func TestAListMayBeGoneThroughAgain(t *testing.T) {
	c, asked := asking(t, `{"data":[],"nextCursor":"one"}`, `{"data":[]}`, `{"data":[],"nextCursor":"one"}`, `{"data":[]}`)
	list := c.Tags(t.Context(), PageOptions{})
	for range 2 {
		for _, err := range list {
			if err != nil {
				t.Error(err)
			}
		}
	}
	if !cmp.Equal((*asked)[:2], (*asked)[2:]) {
		t.Errorf("asked for %q", *asked)
	}
}

func TestPagesThatNobodyWantsAreNotAskedFor(t *testing.T) {
	c, asked := asking(t, `{"data":[],"nextCursor":"one"}`)
	for range c.List(t.Context(), ListOptions{}) {
		break
	}
	if !cmp.Equal(*asked, []string{"GET /api/v1/links "}) {
		t.Errorf("asked for %q", *asked)
	}
}

func TestAnEditSaysWhichVersionItIsOf(t *testing.T) {
	c, asked := asking(t, `{"version":8}`, `{"version":9}`)
	for _, version := range []uint64{7, 0} {
		if got, err := c.Edit(t.Context(), "a/b", v1.EditLink{Title: v1.Clear[string]()}, version); err != nil || got.Version == 0 {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if !cmp.Equal(*asked, []string{`PATCH /api/v1/links/a%2Fb "7"`, "PATCH /api/v1/links/a%2Fb "}) {
		t.Errorf("asked for %q", *asked)
	}
}
