package compat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tinyurl/api/compat/compattest"
	"tinyurl/api/v1"
)

// fakeService keeps links in a list, in the order in which they were made.
type fakeService struct {
	links []*v1.Link
	tags  []v1.Tag
	// wanted are the bodies of creates and edits, queries those of lists.
	wanted  []string
	queries []url.Values
	// unknown keeps the total of lists from the caller.
	unknown  bool
	fail     error
	notReady bool
}

func newFake() *fakeService { return &fakeService{links: compattest.Links(), tags: compattest.Tags()} }

func (f *fakeService) service() Service {
	return Service{Links: f, Lists: f, Ready: func(context.Context) bool { return !f.notReady }}
}

// problem is an error that is a problem.
type problem struct{ v1.Problem }

func (p *problem) Error() string { return p.Detail }

func failure(status int, code v1.Code, detail string, elements ...string) error {
	return &problem{v1.Problem{Type: "urn:tinyurl:problem:" + string(code), Title: "Title", Status: status, Code: code, Detail: detail, InvalidElements: elements}}
}

func (f *fakeService) Create(_ context.Context, wanted []byte) (*v1.Link, bool, error) {
	f.wanted = append(f.wanted, string(wanted))
	if f.fail != nil {
		return nil, false, f.fail
	}
	var want v1.CreateLink
	if err := json.Unmarshal(wanted, &want); err != nil {
		return nil, false, failure(422, v1.InvalidJSON, err.Error(), "longUrl")
	}
	switch {
	case want.LongURL == "":
		return nil, false, failure(422, v1.InvalidURL, "longUrl is missing", "longUrl")
	case !strings.HasPrefix(want.LongURL, "http"):
		return nil, false, failure(422, v1.InvalidURL, "invalid long URL: it must begin with http:// or https://", "longUrl")
	}
	for _, l := range f.links {
		if want.FindIfExists && l.LongURL == want.LongURL && want.CustomSlug == "" {
			return l, true, nil
		}
		if l.ShortCode == want.CustomSlug {
			return nil, false, failure(409, v1.SlugTaken, "taken", "customSlug")
		}
	}
	code := want.CustomSlug
	if code == "" {
		code = fmt.Sprintf("gen%04d", len(f.links))
	}
	l := &v1.Link{
		ShortCode: code, ShortURL: compattest.PublicURL + "/" + code, LongURL: want.LongURL, Title: want.Title, Tags: slices.Sorted(slices.Values(want.Tags)),
		ValidSince: want.ValidSince, ValidUntil: want.ValidUntil, ForwardQuery: want.ForwardQuery == nil || *want.ForwardQuery, CreatedAt: v1.Time{Time: compattest.Noon()},
	}
	if want.MaxVisits != 0 {
		l.MaxVisits = &want.MaxVisits
	}
	if l.Tags == nil {
		l.Tags = []string{}
	}
	f.links = append(f.links, l)
	return l, false, nil
}

func (f *fakeService) Get(_ context.Context, code string) (*v1.Link, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	for _, l := range f.links {
		if l.ShortCode == code {
			return l, nil
		}
	}
	if code == "buried" {
		return nil, failure(410, v1.Gone, "deleted")
	}
	return nil, failure(404, v1.NotFound, "there is no such link")
}

func (f *fakeService) Edit(ctx context.Context, code string, wanted []byte) (*v1.Link, error) {
	f.wanted = append(f.wanted, string(wanted))
	l, err := f.Get(ctx, code)
	if err != nil {
		return nil, err
	}
	var want struct {
		LongURL, Title *string
		Tags           []string
		MaxVisits      *uint64
	}
	if err := json.Unmarshal(wanted, &want); err != nil {
		return nil, failure(422, v1.InvalidJSON, err.Error(), "title")
	}
	if want.LongURL != nil {
		l.LongURL = *want.LongURL
	}
	if want.Title != nil {
		l.Title = *want.Title
	}
	if want.Tags != nil {
		l.Tags = want.Tags
	}
	l.MaxVisits = want.MaxVisits
	return l, nil
}

func (f *fakeService) Delete(ctx context.Context, code string) error {
	_, err := f.Get(ctx, code)
	return err
}

// List gives the newest links first. A cursor is the number of links before the page.
func (f *fakeService) List(_ context.Context, query url.Values) (*v1.LinkPage, error) {
	kept := make(url.Values)
	for name, values := range query {
		kept[name] = slices.Clone(values)
	}
	f.queries = append(f.queries, kept)
	if f.fail != nil {
		return nil, f.fail
	}
	all := slices.Clone(f.links)
	if query.Get("orderBy") != "createdAt-asc" {
		slices.Reverse(all)
	}
	data, next := cut(all, query)
	page := &v1.LinkPage{Data: data, NextCursor: next}
	if total := uint64(len(all)); !f.unknown {
		page.Total = &total
	}
	return page, nil
}

func (f *fakeService) Tags(_ context.Context, query url.Values) (*v1.TagPage, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	data, next := cut(f.tags, query)
	return &v1.TagPage{Data: data, NextCursor: next}, nil
}

func cut[T any](all []T, query url.Values) ([]T, *string) {
	from, _ := strconv.Atoi(query.Get("cursor"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	to := min(from+limit, len(all))
	if to == len(all) {
		return all[from:], nil
	}
	next := strconv.Itoa(to)
	return all[from:to], &next
}

// serve answers a request as the adapters do over a service that knows one key.
func (f *fakeService) serve(t testing.TB, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	a := New(compattest.PublicURL)
	w := httptest.NewRecorder()
	write := func(answer Answer) {
		if answer.MediaType != "" {
			w.Header().Set("Content-Type", answer.MediaType)
		}
		if answer.Code != "" {
			w.Header().Set(ErrorHeader, string(answer.Code))
		}
		w.WriteHeader(answer.Status)
		_, _ = w.Write(answer.Content)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range a.Operations() {
		code, ok := fits(o, r)
		if !ok {
			continue
		}
		shown := r.Header.Get("X-Api-Key") + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		asked := Request{Query: r.URL.RawQuery, Code: code, Keyed: shown != ""}
		if o.Form && r.Method == http.MethodPost {
			asked.Form, asked.FormType = body, r.Header.Get("Content-Type")
		}
		call := o.Read(asked)
		if !o.Open && shown+call.Key != compattest.Key {
			write(call.Refuse(v1.Problem{Status: 401, Code: v1.Unauthorized, Detail: "a valid API key is required"}))
			return w
		}
		answer, err := call.Serve(context.Background(), f.service(), body)
		if err != nil {
			answer = call.Refuse(problemOf(t, err))
		}
		write(answer)
		return w
	}
	shape := a.RefuseAt(r.URL.Path, r.URL.RawQuery)
	if shape == nil {
		t.Fatalf("%s is of no adapter", r.URL.Path)
	}
	write(shape(v1.Problem{Status: 404, Code: v1.NotFound, Detail: "there is nothing here"}))
	return w
}

func problemOf(t testing.TB, err error) v1.Problem {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal.Problem
	}
	if known, ok := errors.AsType[*problem](err); ok {
		return known.Problem
	}
	t.Fatalf("error of nobody: %v", err)
	return v1.Problem{}
}

func fits(o Operation, r *http.Request) (code string, ok bool) {
	want, got := strings.Split(o.Path, "/"), strings.Split(r.URL.Path, "/")
	if o.Method != r.Method || len(want) != len(got) {
		return "", false
	}
	for i := range want {
		if want[i] == ":code" {
			code = got[i]
		} else if want[i] != got[i] && !strings.HasPrefix(want[i], ":") {
			return "", false
		}
	}
	return code, true
}

func TestRecordedRequestsAreAnsweredAsByTheOriginals(t *testing.T) {
	cases, err := compattest.Read("testdata")
	if err != nil || len(cases) == 0 {
		t.Fatal(len(cases), err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Check(newFake().serve(t, c.Request())); err != nil {
				t.Error(err)
			}
		})
	}
}
