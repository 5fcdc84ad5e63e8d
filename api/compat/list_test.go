package compat

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tinyurl/api/compat/compattest"
	"tinyurl/api/v1"
)

// many gives a service of n links, the newest of which is l<n-1>.
func many(n int) *fakeService {
	f := &fakeService{}
	for i := range n {
		code := fmt.Sprintf("l%d", i)
		f.links = append(f.links, &v1.Link{ShortCode: code, ShortURL: compattest.PublicURL + "/" + code, LongURL: "https://example.com/" + code, Tags: []string{}})
		f.tags = append(f.tags, v1.Tag{Tag: fmt.Sprintf("t%05d", i), Links: 1})
	}
	return f
}

type listed struct {
	ShortURLs struct {
		Data       []struct{ ShortCode string }
		Pagination pagination
	}
}

// page asks for a page of the list, and gives the codes on it as numbers.
func (f *fakeService) page(t *testing.T, query string) (first, last, status int, p pagination) {
	t.Helper()
	f.queries = nil
	r := httptest.NewRequest("GET", "/rest/v3/short-urls?"+query, nil)
	r.Header.Set("X-Api-Key", compattest.Key)
	w := f.serve(t, r)
	var out listed
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	first, last = -1, -1
	for i, l := range out.ShortURLs.Data {
		if _, err := fmt.Sscanf(l.ShortCode, "l%d", &last); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = last
		}
	}
	return first, last, w.Code, out.ShortURLs.Pagination
}

func TestPagesAreFoundByTheirNumber(t *testing.T) {
	f := many(1234)
	for _, test := range []struct {
		query       string
		first, last int
		page        pagination
		asked       int
	}{
		{"", 1233, 1224, pagination{1, 124, 10, 10, 1234}, 1},
		{"page=2", 1223, 1214, pagination{2, 124, 10, 10, 1234}, 1},
		{"page=124", 3, 0, pagination{124, 124, 10, 4, 1234}, 13},
		{"page=125", -1, -1, pagination{125, 124, 10, 0, 1234}, 13},
		{"page=3&itemsPerPage=500", 233, 0, pagination{3, 3, 500, 234, 1234}, 13},
		{"page=2&itemsPerPage=100", 1133, 1034, pagination{2, 13, 100, 100, 1234}, 2},
		{"itemsPerPage=-1", 1233, 734, pagination{1, 3, 500, 500, 1234}, 5},
		{"itemsPerPage=9999", 1233, 734, pagination{1, 3, 500, 500, 1234}, 5},
		{"orderBy=dateCreated-ASC&page=2&itemsPerPage=3", 3, 5, pagination{2, 412, 3, 3, 1234}, 1},
	} {
		first, last, status, p := f.page(t, test.query)
		if status != 200 || first != test.first || last != test.last || p != test.page || len(f.queries) != test.asked {
			t.Errorf("%q: status %d, links %d to %d, %+v, in %d questions", test.query, status, first, last, p, len(f.queries))
		}
	}
}

func TestOnlyTheFirstPageIsReadFromTheLeader(t *testing.T) {
	f := many(1234)
	f.page(t, "page=30")
	for i, query := range f.queries {
		if local := query.Get("consistency") == "local"; local != (i > 0) || query.Has("cursor") != (i > 0) {
			t.Errorf("question %d: %v", i, query)
		}
	}
}

func TestATotalThatNobodyKnowsGrows(t *testing.T) {
	f := many(25)
	f.unknown = true
	for page, want := range map[int]pagination{1: {1, 2, 10, 10, 11}, 2: {2, 3, 10, 10, 21}, 3: {3, 3, 10, 5, 25}, 4: {4, 3, 10, 0, 25}} {
		if _, _, status, p := f.page(t, fmt.Sprint("page=", page)); status != 200 || p != want {
			t.Errorf("page %d: status %d, %+v", page, status, p)
		}
	}
}

func TestListsAreReadToABound(t *testing.T) {
	f := many(maxDepth + 1)
	if first, _, status, _ := f.page(t, "page=1000"); status != 200 || first != 10 || len(f.queries) != maxDepth/serviceLinks {
		t.Errorf("the last page: status %d, link %d, %d questions", status, first, len(f.queries))
	}
	if _, _, status, _ := f.page(t, "page=1001"); status != 400 || len(f.queries) != 0 {
		t.Errorf("one more: status %d, %d questions", status, len(f.queries))
	}
}

// sparse answers every question with a page of nothing that goes on.
type sparse struct {
	Lists
	asked int
}

func (s *sparse) List(context.Context, url.Values) (*v1.LinkPage, error) {
	s.asked++
	next := "on"
	return &v1.LinkPage{NextCursor: &next}, nil
}

func TestASearchThatFindsNothingEnds(t *testing.T) {
	s := &sparse{}
	h := shlink{newSite(compattest.PublicURL)}
	answer, err := h.list(context.Background(), Service{Lists: s}, shlinkAsked{query: url.Values{"searchTerm": {"x"}}})
	if err != nil || s.asked != maxSteps || !strings.Contains(string(answer.Content), `"itemsInCurrentPage":0`) {
		t.Errorf("%s, %v after %d questions", answer.Content, err, s.asked)
	}
	if _, err := h.list(context.Background(), Service{Lists: s}, shlinkAsked{query: url.Values{"page": {"2"}}}); err == nil {
		t.Error("a page that nobody got to was answered")
	}
}

func TestTagsAreReadToABound(t *testing.T) {
	for _, test := range []struct {
		tags                    int
		query                   string
		status, items, per, all int
	}{
		{0, "", 200, 0, 1, 0},
		{maxTags, "", 200, maxTags, maxTags, maxTags},
		{maxTags + 1, "", 200, maxTags, maxTags, maxTags + 1},
		{maxTags + 1, "page=2", 400, 0, 0, 0},
		{30, "page=2&itemsPerPage=20", 200, 10, 20, 30},
		{30, "page=3&itemsPerPage=20", 200, 0, 20, 30},
		{30, "searchTerm=T0001", 200, 10, 10, 10},
		{30, "itemsPerPage=-1", 200, 30, maxTags, 30},
	} {
		r := httptest.NewRequest("GET", "/rest/v3/tags/stats?"+test.query, nil)
		r.Header.Set("X-Api-Key", compattest.Key)
		w := many(test.tags).serve(t, r)
		var out struct {
			Tags struct {
				Data       []tagInfo
				Pagination pagination
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			t.Fatal(err)
		}
		p := out.Tags.Pagination
		if w.Code != test.status || len(out.Tags.Data) != test.items || p.ItemsPerPage != test.per || p.TotalItems != uint64(test.all) {
			t.Errorf("%d tags, %q: status %d, %d tags, %+v", test.tags, test.query, w.Code, len(out.Tags.Data), p)
		}
	}
}

func TestTagsComeWithStatisticsWhereTheyAreAskedFor(t *testing.T) {
	r := httptest.NewRequest("GET", "/rest/v3/tags?withStats=true", nil)
	r.Header.Set("X-Api-Key", compattest.Key)
	if w := newFake().serve(t, r); !strings.Contains(w.Body.String(), `"stats":[{"tag":"bar","shortUrlsCount":1}`) {
		t.Errorf("%s", w.Body)
	}
}

func TestYOURLSListsFromAPlace(t *testing.T) {
	r := httptest.NewRequest("GET", "/yourls-api.php?action=stats&filter=last&start=205&limit=2&format=json&signature="+compattest.Key, nil)
	w := many(300).serve(t, r)
	if body := w.Body.String(); !strings.Contains(body, `"link_1":{"shorturl":"https://sho.rt/l94"`) || !strings.Contains(body, `"link_2":{"shorturl":"https://sho.rt/l93"`) || strings.Contains(body, "link_3") {
		t.Errorf("%s", body)
	}
}

func TestATotalThatIsNotKnownIsNotTold(t *testing.T) {
	f := many(3)
	f.unknown = true
	w := f.serve(t, httptest.NewRequest("GET", "/yourls-api.php?action=db-stats&format=json&signature="+compattest.Key, nil))
	if !strings.HasPrefix(w.Body.String(), `{"db-stats":{},"statusCode":200`) {
		t.Errorf("%s", w.Body)
	}
}
