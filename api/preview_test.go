package api

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

func TestAPreviewShowsWhereALinkLeads(t *testing.T) {
	f := newFixture(t)
	const target = `https://example.com/?a=1&b="><script>alert(1)</script>`
	f.add("abc", target, func(l *link.Link) { l.Title, l.MaxVisits, l.Redirect = `<b>"Mine"</b>`, 9, 301 })
	for _, method := range []string{"GET", "HEAD"} {
		w := f.do(method, "/abc+", "", "Authorization", "")
		h := w.Header()
		if w.Code != 200 || h["Location"] != nil || h.Get("Cache-Control") != "private, no-store" || h.Get("X-Robots-Tag") != "noindex" ||
			h.Get("Content-Type") != "text/html; charset=utf-8" || h.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: status %d, header %v", method, w.Code, h)
		}
		body := w.Body.String()
		for _, part := range []string{
			`href="https://example.com/?a=1&amp;b=&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"`, "2030-01-31", "&lt;b&gt;&#34;Mine&#34;&lt;/b&gt;",
		} {
			if !strings.Contains(body, part) {
				t.Errorf("%s: there is no %s in %s", method, part, body)
			}
		}
		if strings.Contains(body, "<script") || strings.Contains(body, "<b>") {
			t.Errorf("%s: what others wrote speaks: %s", method, body)
		}
	}
	got := decode[map[string]any](t, f.do("GET", "/abc+", "", "Authorization", "", "Accept", "application/json"), 200)
	if diff := cmp.Diff(map[string]any{
		"shortCode": "abc", "shortUrl": "https://sho.rt/abc", "longUrl": target, "title": `<b>"Mine"</b>`,
		"createdAt": "2030-01-31T12:00:00.123Z", "validUntil": nil,
	}, got); diff != "" {
		t.Error(diff)
	}
	if l := f.service.links["abc"]; l.Visits != 0 || f.metric("tinyurl_redirects_total") != 0 {
		t.Errorf("%d visits, %v counted", l.Visits, f.metric("tinyurl_redirects_total"))
	}
}

func TestAPreviewSaysUntilWhenALinkLeads(t *testing.T) {
	f := newFixture(t)
	f.add("abc", "https://example.com/", func(l *link.Link) { l.ValidUntil = noon.Add(time.Hour) })
	got := decode[preview](t, f.do("GET", "/abc+", "", "Authorization", "", "Accept", "application/json"), 200)
	if got.ValidUntil == nil || !got.ValidUntil.Equal(noon.Add(time.Hour)) {
		t.Errorf("%+v", got)
	}
}

func TestAProtectedPreviewOpensWithThePassword(t *testing.T) {
	f := newVisited(t)
	w := f.form("/locked+", "password=open+sesame")
	if w.Code != 200 || w.Header()["Location"] != nil || !strings.Contains(w.Body.String(), "Where this link leads") {
		t.Errorf("status %d, header %v, %s", w.Code, w.Header(), w.Body)
	}
	got := decode[preview](t, f.form("/locked+", "password=open+sesame", "Accept", "application/json"), 200)
	if got.ShortCode != "locked" || got.LongURL == "" {
		t.Errorf("%+v", got)
	}
}

func TestAPreviewLinksToTheWebAlone(t *testing.T) {
	for target, linked := range map[link.Target]bool{
		"https://a.example": true, "HTTP://a.example": true, "javascript://a.example/%0aalert(1)": false, "ftp://a.example": false, "https:a": false,
	} {
		if got := strings.Contains(previewPage(link.Link{Fields: link.Fields{Target: target}}).text, "<a "); got != linked {
			t.Errorf("%s: linked %v", target, got)
		}
	}
}

func TestAPreviewThatCannotBeWrittenIsOurFault(t *testing.T) {
	f := newFixture(t)
	f.add("abc", "https://example.com/", func(l *link.Link) { l.CreatedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) })
	f.refused(f.do("GET", "/abc+", "", "Authorization", "", "Accept", "application/json"), 500, v1.Internal)
}
