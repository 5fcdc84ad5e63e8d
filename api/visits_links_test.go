package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tinyurl/fsm/link"
)

// posting is a form of visitors.
func posting(path, form string, header ...string) string {
	return "POST " + path + " HTTP/1.1\r\n" + hostLine + "Content-Type: application/x-www-form-urlencoded\r\n" + strings.Join(header, "") +
		fmt.Sprintf("Content-Length: %d\r\n\r\n", len(form)) + form
}

// visitsOfLinks are those of links that are more than a target.
func visitsOfLinks() []rawVisit {
	failing := func(err error) func(*fakeService) { return func(s *fakeService) { s.counting = err } }
	head := func(path string, header ...string) string {
		return "HEAD " + path + " HTTP/1.1\r\n" + hostLine + strings.Join(header, "") + blank
	}
	const right, wrong = "password=open+sesame", "password=sesame"
	found := []rawVisit{
		{name: "301", raw: getting("/moved"), status: 301},
		{name: "301, HEAD", raw: head("/moved"), status: 301},
		{name: "307", raw: getting("/keeps"), status: 307},
		{name: "308", raw: getting("/perm?x=1"), status: 308},
		{name: "a query is forwarded", raw: getting("/query?b=3&c=%C3%BC&c=4"), status: 302},
		{name: "a query is forwarded, HEAD", raw: head("/query?b=3"), status: 302},
		{name: "a query of nothing", raw: getting("/query?&&"), status: 302},
		{name: "a query with a line break", raw: getting("/query?x=%0d%0aSet-Cookie:a=b"), status: 302},
		{name: "a query with a fragment", raw: getting("/query?x=#y"), status: 302},
		{name: "a query that is dropped", raw: getting("/dropper?b=3"), status: 302},
		{name: "limited", raw: getting("/many"), status: 302},
		{name: "limited, HEAD", raw: head("/many"), status: 302},
		{name: "limited, by a bot", raw: getting("/many", "User-Agent: Googlebot/2.1\r\n"), status: 302, prepare: failing(link.ErrNoLeader)},
		{name: "limited, ahead", raw: getting("/many", "Sec-Purpose: prefetch\r\n"), status: 302, prepare: failing(link.ErrNoLeader)},
		{name: "limited, without a quorum", raw: getting("/many"), status: 503, prepare: failing(link.ErrNoLeader)},
		{name: "limited, by the last one", raw: getting("/many"), status: 410, prepare: failing(link.ErrGone)},
		{name: "limited, too early", raw: getting("/many", wantsJSON), status: 404, prepare: failing(link.ErrNotFound)},
		{name: "limited, disk full", raw: getting("/many", wantsJSON), status: 503, prepare: failing(link.ErrDiskFull)},
		{name: "limited, failed", raw: getting("/many"), status: 500, prepare: failing(errUnheardOf)},
		{name: "used up", raw: getting("/spent"), status: 410},
		{name: "used up, by a bot", raw: head("/spent", "User-Agent: Googlebot/2.1\r\n"), status: 410},
		{name: "disabled", raw: getting("/off"), status: 410},
		{name: "disabled, as JSON", raw: getting("/off", wantsJSON), status: 410},
		{name: "not yet", raw: getting("/future"), status: 404},
		{name: "protected", raw: getting("/locked"), status: 401},
		{name: "protected, with a query", raw: getting("/locked?a=1"), status: 401},
		{name: "protected, as JSON", raw: getting("/locked", wantsJSON), status: 401},
		{name: "protected, HEAD", raw: head("/locked"), status: 401},
		{name: "protected, by a bot", raw: getting("/locked", "User-Agent: Googlebot/2.1\r\n"), status: 401},
		{name: "preview", raw: getting("/abc+"), status: 200},
		{name: "preview, as JSON", raw: getting("/query+", wantsJSON), status: 200},
		{name: "preview, HEAD", raw: head("/abc+"), status: 200},
		{name: "preview, escaped", raw: getting("/abc%2B"), status: 200},
		{name: "preview with a query", raw: getting("/abc+?a=1"), status: 200},
		{name: "preview of a preview", raw: getting("/abc++"), status: 404},
		{name: "preview of nothing", raw: getting("/+"), status: 404},
		{name: "preview, unknown", raw: getting("/unknown+"), status: 404},
		{name: "preview, expired", raw: getting("/past+"), status: 410},
		{name: "preview, disabled", raw: getting("/off+"), status: 410},
		{name: "preview, used up", raw: getting("/spent+", wantsJSON), status: 410},
		{name: "preview, not yet", raw: getting("/future+"), status: 404},
		{name: "preview, limited", raw: getting("/many+"), status: 200, prepare: failing(link.ErrNoLeader)},
		{name: "preview, protected", raw: getting("/locked+"), status: 401},
		{name: "preview, stale", raw: getting("/abc+"), status: 200, prepare: func(s *fakeService) { s.late = time.Second }},
	}
	for _, v := range []rawVisit{ // each with a body, behind which the lean listener closes
		{name: "the password", raw: posting("/locked", right), status: 302},
		{name: "the password, with a query", raw: posting("/locked?a=1", right), status: 302},
		{name: "the password of a limited link", raw: posting("/lockedmany", right), status: 302},
		{name: "the password of a limited link, without a quorum", raw: posting("/lockedmany", right), status: 503, prepare: failing(link.ErrNoLeader)},
		{name: "the password, without a quorum", raw: posting("/locked", right), status: 302, prepare: failing(link.ErrNoLeader)},
		{name: "another password", raw: posting("/locked", wrong), status: 401},
		{name: "another password, as JSON", raw: posting("/locked", wrong, wantsJSON), status: 401},
		{name: "no password", raw: posting("/locked", "password="), status: 401},
		{name: "no form at all", raw: posting("/locked", "%zz&&=&;"), status: 401},
		{name: "too many passwords at once", raw: posting("/locked", right), status: 503, prepare: func(s *fakeService) { s.checking = link.ErrOverloaded }},
		{name: "a password in parts", status: 302, raw: "POST /locked HTTP/1.1\r\n" + hostLine + "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n" +
			"Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(right), right)},
		{name: "a password where none is asked for", raw: posting("/abc", right), status: 302},
		{name: "a password for nothing", raw: posting("/unknown", right), status: 404},
		{name: "a password for no code", raw: posting("/a.b", right), status: 404},
		{name: "a password for a preview", raw: posting("/locked+", right), status: 200},
		{name: "another password for a preview", raw: posting("/locked+", wrong, wantsJSON), status: 401},
		{name: "a password in JSON", status: 405, raw: "POST /locked HTTP/1.1\r\n" + hostLine + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"},
		{name: "a form that is too long", raw: posting("/locked", "password="+strings.Repeat("x", 4096)), status: 413},
	} {
		v.closes = true
		found = append(found, v)
	}
	return found
}

// What the reader leaves to the whole handler is one visit like any other, and the connection stays the reader's.
func TestAVisitOfAnyLinkIsCountedOnce(t *testing.T) {
	for name, listen := range map[string]func(*fixture) string{
		"front":     func(f *fixture) string { return f.listen(t, Limits{}, nil) },
		"redirects": func(f *fixture) string { return f.listenLean(t, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newVisited(t)
			answers := conversation(t, listen(f), getting("/abc")+getting("/moved")+getting("/query?b=9")+getting("/many")+getting("/locked")+
				getting("/off")+getting("/abc", "Connection: close\r\n"))
			if got := strings.Count(answers, "HTTP/1.1 "); got != 7 {
				t.Errorf("%d answers: %q", got, answers)
			}
			for outcome, want := range map[string]float64{"redirected": 5, "protected": 1, "disabled": 1} {
				if got := f.metric("tinyurl_redirects_total", "outcome", outcome); got != want {
					t.Errorf("%s: %v, want %v", outcome, got, want)
				}
			}
			if got := f.metric("tinyurl_http_requests_total", "route", codeRoute, "method", "GET"); got != 7 {
				t.Errorf("%v requests were counted", got)
			}
			if visits := f.service.links["many"].Visits; visits != 4 || f.visits.inside.Load() != 0 {
				t.Errorf("%d visits of the limited link, %d under way", visits, f.visits.inside.Load())
			}
		})
	}
}
