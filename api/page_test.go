package api

import (
	"errors"
	"strings"
	"testing"

	"tinyurl/fsm/link"
)

// Every refusal has a finished page, and none says what is not so.
func TestVisitorsAreToldWhatStopsThem(t *testing.T) {
	f := newVisited(t)
	for _, c := range []struct {
		path   string
		fail   error
		status int
		says   string
	}{
		{"/unknown", nil, 404, "Page not found"},
		{"/future", nil, 404, "Page not found"},
		{"/past", nil, 410, "has expired"},
		{"/buried", nil, 410, "was deleted"},
		{"/off", nil, 410, "switched off"},
		{"/spent", nil, 410, "used up"},
		{"/locked", nil, 401, "is protected"},
		{"/abc", link.ErrNoLeader, 503, "cannot be reached"},
		{"/abc", link.ErrOverloaded, 503, "more to do than it can"},
		{"/abc", errUnheardOf, 500, "fault is on our side"},
	} {
		f.service.fail = c.fail
		for _, path := range []string{c.path, c.path + "?a=1", c.path + "+"} {
			w := f.do("GET", path, "", "Authorization", "")
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) || !strings.HasSuffix(w.Body.String(), "</html>\n") ||
				strings.Contains(w.Body.String(), "{") && strings.Contains(w.Body.String(), "{title}") || w.Header().Get("Cache-Control") != "private, no-store" {
				t.Errorf("%s, %v: status %d, header %v, %s", path, c.fail, w.Code, w.Header(), w.Body)
			}
			if retry := w.Header().Get("Retry-After") != ""; retry != (c.status == 503) {
				t.Errorf("%s, %v: Retry-After %v", path, c.fail, retry)
			}
		}
	}
}

func TestEveryRowHasAPage(t *testing.T) {
	table := refusals()
	pages := newPages(table)
	for _, row := range table {
		if !strings.Contains(string(pages[row.err]), "<h1>") {
			t.Errorf("%v has no page", row.err)
		}
	}
	for err := range visitorPages {
		known := false
		for _, row := range table {
			known = known || errors.Is(row.err, err)
		}
		if !known {
			t.Errorf("%v is in no row", err)
		}
	}
}
