package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

// newClient gives a client of f, with the key given.
func (f *fixture) newClient(t *testing.T, key string) *client.Client {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	c, err := client.New(server.URL, key, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClientAndServerUnderstandEachOther(t *testing.T) {
	f := newFixture(t)
	f.service.status = v1.Cluster{ClusterID: "c1", Members: []v1.Member{{ID: "n1", Progress: v1.Progress{TrailsBy: 3}}}}
	c, ctx := f.newClient(t, testKey), context.Background()

	end := v1.Time{Time: noon.Add(time.Hour)}
	made, err := c.Create(ctx, v1.CreateLink{LongURL: "https://example.com/?a=<b>&c", CustomSlug: "home", ValidUntil: &end}, "once")
	if err != nil || made.ShortCode != "home" || made.LongURL != "https://example.com/?a=<b>&c" || !made.ValidUntil.Equal(end.Time) {
		t.Fatalf("create: %+v, %v", made, err)
	}
	if f.service.drafts[0].Once.Key != "once" {
		t.Errorf("draft %+v", f.service.drafts[0])
	}
	for _, local := range []bool{false, true} {
		got, err := c.Get(ctx, "home", local)
		if err != nil || got.LongURL != made.LongURL || f.service.local != local {
			t.Errorf("get: %+v, %v, local %v", got, err, f.service.local)
		}
	}
	if target, err := c.Resolve(ctx, "home"); err != nil || target != made.LongURL {
		t.Errorf("resolve: %q, %v", target, err)
	}
	results, err := c.CreateBulk(ctx, []v1.CreateLink{{LongURL: "https://a.example", ExpiresIn: "1h"}, {LongURL: "nonsense"}}, "")
	if err != nil || len(results) != 2 || results[0].Link == nil || results[1].Error.Code != v1.InvalidURL {
		t.Errorf("bulk: %+v, %v", results, err)
	}
	if results, err = c.CreateBulk(ctx, nil, ""); err != nil || len(results) != 0 {
		t.Errorf("empty bulk: %+v, %v", results, err)
	}
	changed, err := c.Edit(ctx, "home", v1.EditLink{Title: v1.Set("Home"), ValidUntil: v1.Clear[v1.Time](), Tags: v1.Set([]string{"b", "a"})}, 1)
	if err != nil || changed.Title != "Home" || changed.ValidUntil != nil || len(changed.Tags) != 2 || changed.Version != 2 {
		t.Errorf("edit: %+v, %v", changed, err)
	}
	if _, err := c.Edit(ctx, "home", v1.EditLink{}, 1); !errors.Is(err, v1.PreconditionFailed) {
		t.Errorf("edit of an old version: %v", err)
	}
	f.service.page = Page{Links: []link.Link{f.service.links["home"]}, Total: 1}
	for page, err := range c.List(ctx, client.ListOptions{Tags: []string{"a"}, OldestFirst: true, PageOptions: client.PageOptions{PageSize: 100}}) {
		if err != nil || len(page.Data) != 1 || page.Data[0].Title != "Home" || *page.Total != 1 {
			t.Errorf("list: %+v, %v", page, err)
		}
	}
	f.service.tagPage = TagPage{Tags: []TagCount{{"a", 1}}}
	for page, err := range c.Tags(ctx, client.PageOptions{Local: true}) {
		if err != nil || len(page.Data) != 1 || page.Data[0].Links != 1 {
			t.Errorf("tags: %+v, %v", page, err)
		}
	}
	if err := c.Delete(ctx, "home"); err != nil {
		t.Errorf("delete: %v", err)
	}
	if status, err := c.Cluster(ctx); err != nil || status.ClusterID != "c1" || status.Members[0].TrailsBy != 3 {
		t.Errorf("cluster: %+v, %v", status, err)
	}
	if err := c.Ready(ctx); err != nil {
		t.Errorf("ready: %v", err)
	}
	if err := c.Leave(ctx); err != nil || f.service.left != 1 {
		t.Errorf("leave: %v", err)
	}
}

func TestRefusalsReachTheClientWithTheirCode(t *testing.T) {
	f := newFixture(t)
	f.add("past", "https://example.com", func(l *link.Link) { l.ValidUntil = noon })
	c, ctx := f.newClient(t, testKey), context.Background()
	_, err := c.Create(ctx, v1.CreateLink{LongURL: "https://example.com", CustomSlug: "past"}, "")
	if !errors.Is(err, v1.SlugTaken) || errors.Is(err, v1.Gone) {
		t.Errorf("create: %v", err)
	}
	refusal, ok := errors.AsType[*client.Error](fmt.Errorf("shorten: %w", err))
	if !ok || refusal.Status != http.StatusConflict || refusal.InvalidElements[0] != "customSlug" || refusal.RetryAfter != 0 {
		t.Errorf("refusal %+v", refusal)
	}
	if _, err := c.Resolve(ctx, "past"); !errors.Is(err, v1.Gone) {
		t.Errorf("resolve: %v", err)
	}
	if _, err := c.Resolve(ctx, "../api"); !errors.Is(err, v1.NotFound) {
		t.Errorf("resolve of a path: %v", err)
	}
	if err := c.Delete(ctx, "a/b?c"); !errors.Is(err, v1.NotFound) {
		t.Errorf("delete: %v", err)
	}
	f.service.fail = link.ErrNoLeader
	_, err = c.Get(ctx, "abc", false)
	if refusal, ok = errors.AsType[*client.Error](err); !ok || !errors.Is(err, v1.NoLeader) || refusal.RetryAfter != time.Second {
		t.Errorf("get: %v", err)
	}
	f.service.checks = []Check{{Name: "raft", Err: errors.New("no leader")}, {Name: "store"}, {Name: "disk", Err: errors.New("full")}}
	if err := c.Ready(ctx); err == nil || err.Error() != "status 503: raft failed: no leader; disk failed: full" {
		t.Errorf("ready: %v", err)
	}
	if _, err := f.newClient(t, "").Cluster(ctx); !errors.Is(err, v1.Unauthorized) {
		t.Errorf("cluster without a key: %v", err)
	}
}
