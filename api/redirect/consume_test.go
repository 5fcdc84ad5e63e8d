package redirect

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/fsm/link"
)

// counting is a link with so many visits.
func counting(most uint64) answer {
	a := living("https://example.com/")
	a.link.MaxVisits = most
	return a
}

// visitOf gives what a request of a code is answered.
func visitOf(h *Handler, method, code string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/"+code, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.Serve(w, r, code)
	return w
}

func TestEveryVisitOfALimitedLinkIsCountedFirst(t *testing.T) {
	resolver := &fakeResolver{answers: map[link.Code]answer{"two": counting(2)}}
	registry := prometheus.NewRegistry()
	h, refused := newHandler(t, resolver, registry)
	for _, c := range []struct {
		method   string
		header   []string
		status   int
		consumed int
	}{
		{"GET", nil, 302, 1},
		{"HEAD", nil, 302, 1},
		{"GET", []string{"User-Agent", "Googlebot/2.1"}, 302, 1},
		{"GET", []string{"Purpose", "prefetch"}, 302, 1},
		{"GET", []string{"User-Agent", "Mozilla/5.0 Firefox/139.0"}, 302, 2},
		{"GET", nil, http.StatusTeapot, 2},
		{"GET", []string{"User-Agent", "Googlebot/2.1"}, 302, 2}, // which this node cannot know to be one too many
	} {
		w := visitOf(h, c.method, "two", c.header...)
		if w.Code != c.status || resolver.consumed != c.consumed || w.Header().Get("Cache-Control") != CacheControl {
			t.Errorf("%s %v: status %d after %d visits, want %d after %d; header %v", c.method, c.header, w.Code, resolver.consumed, c.status, c.consumed, w.Header())
		}
	}
	if len(*refused) != 1 || !errors.Is((*refused)[0], ErrUsedUp) {
		t.Errorf("refused with %v", *refused)
	}
	if got := counted(t, registry); got["redirected"] != 6 || got["used_up"] != 1 || len(got) != 2 {
		t.Errorf("counted %v", got)
	}
}

func TestWhyAVisitWasNotCountedIsTold(t *testing.T) {
	change := func(change func(*link.Link)) answer {
		a := counting(5)
		change(&a.link)
		return a
	}
	for name, c := range map[string]struct {
		consuming error
		later     *answer // what is known here after the refusal; nil for the same
		want      error
		outcome   string
	}{
		"no quorum":    {consuming: link.ErrNoLeader, want: link.ErrNoLeader, outcome: "unproven"},
		"too many":     {consuming: link.ErrOverloaded, want: link.ErrOverloaded, outcome: "unproven"},
		"no space":     {consuming: link.ErrDiskFull, want: link.ErrNoLeader, outcome: "unproven"},
		"odd":          {consuming: errOdd, want: errOdd, outcome: "failed"},
		"not yet":      {consuming: link.ErrNotFound, want: link.ErrNotFound, outcome: "not_found"},
		"went away":    {consuming: context.Canceled, want: context.Canceled, outcome: "unproven"},
		"used up":      {consuming: link.ErrGone, want: ErrUsedUp, outcome: "used_up"},
		"expired":      {consuming: link.ErrGone, later: new(change(func(l *link.Link) { l.ValidUntil = noon })), want: ErrExpired, outcome: "expired"},
		"switched off": {consuming: link.ErrGone, later: new(change(func(l *link.Link) { l.Disabled = true })), want: ErrDisabled, outcome: "disabled"},
		"deleted":      {consuming: link.ErrGone, later: &answer{err: link.ErrGone}, want: link.ErrGone, outcome: "gone"},
		"locked since": {later: new(change(func(l *link.Link) { l.Password = "x" })), want: ErrProtected, outcome: "protected"},
	} {
		t.Run(name, func(t *testing.T) {
			resolver := &fakeResolver{answers: map[link.Code]answer{"abc": counting(5)}, consuming: c.consuming}
			registry := prometheus.NewRegistry()
			h, refused := newHandler(t, resolver, registry, func(h *Config) {
				h.Resolver = changing{fakeResolver: resolver, later: c.later}
			})
			w := visitOf(h, "GET", "abc")
			if len(*refused) != 1 || !errors.Is((*refused)[0], c.want) || w.Header()["Location"] != nil {
				t.Errorf("refused with %v, want %v", *refused, c.want)
			}
			if c.want == link.ErrGone && errors.Is((*refused)[0], ErrUsedUp) {
				t.Error("a deleted link is called used up")
			}
			if got := counted(t, registry); got[c.outcome] != 1 || len(got) != 1 {
				t.Errorf("counted %v, want one %s", got, c.outcome)
			}
		})
	}
}

// changing is a resolver that learns something while a visit is counted.
type changing struct {
	*fakeResolver
	later *answer
}

func (c changing) Consume(ctx context.Context, code link.Code) (link.Route, error) {
	if c.later != nil {
		c.answers[code] = *c.later
	}
	return c.fakeResolver.Consume(ctx, code)
}

func TestOfManyVisitorsAtOnceAsManyAreRedirectedAsMayBe(t *testing.T) {
	const most, visits = 10, 1000
	resolver := &fakeResolver{answers: map[link.Code]answer{"ten": counting(most)}}
	h, _ := newHandler(t, resolver, nil, func(c *Config) {
		c.Resolver = calm{resolver}
		c.Refuse = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusGone) }
	})
	var redirected, gone atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range visits / 8 {
				switch visitOf(h, "GET", "ten").Code {
				case http.StatusFound:
					redirected.Add(1)
				case http.StatusGone:
					gone.Add(1)
				}
			}
		})
	}
	all.Wait()
	if redirected.Load() != most || gone.Load() != visits-most {
		t.Errorf("%d were redirected and %d refused", redirected.Load(), gone.Load())
	}
}

// calm is a resolver for many goroutines: it notes nothing of look-ups.
type calm struct{ *fakeResolver }

func (c calm) Resolve(_ context.Context, code link.Code) (link.Route, error) {
	return c.answers[code].link.Route(), c.answers[code].err
}

func TestTheStatusOfALinkIsItsRedirects(t *testing.T) {
	of := func(status link.Redirect, limited bool) answer {
		a := living("https://example.com/?a=1")
		if a.link.Redirect = status; limited {
			a.link.MaxVisits = 9
		}
		return a
	}
	for _, c := range []struct {
		status  link.Redirect
		limited bool
		want    int
		cache   string
	}{
		{0, false, 302, CacheControl},
		{301, false, 301, "private, max-age=30"},
		{307, false, 307, CacheControl},
		{308, false, 308, "private, max-age=30"},
		{301, true, 301, CacheControl}, // whoever came from a cache would not be counted
		{307, true, 307, CacheControl},
	} {
		h, _ := newHandler(t, &fakeResolver{answers: map[link.Code]answer{"abc": of(c.status, c.limited)}, late: time.Second}, nil)
		for _, method := range []string{"GET", "HEAD"} {
			w := visitOf(h, method, "abc")
			header := w.Header()
			if w.Code != c.want || header.Get("Cache-Control") != c.cache || header.Get("Location") != "https://example.com/?a=1" ||
				header.Get("X-Robots-Tag") != Robots || header.Get(StalenessHeader) != "1000" {
				t.Errorf("%s of %+v: status %d, header %v", method, c, w.Code, header)
			}
		}
		// The next answer is not touched by it.
		if w := visitOf(h, "GET", "missing"); w.Header().Get("Cache-Control") != CacheControl {
			t.Errorf("a refusal may be kept: %v", w.Header())
		}
	}
}

func TestAReaderOfCodesIsToldWhatTakesTheWholeRequest(t *testing.T) {
	of := func(f link.Fields) answer {
		f.Target = "https://example.com/"
		return answer{link: link.Link{Fields: f}}
	}
	resolver := &fakeResolver{answers: map[link.Code]answer{
		"plain": of(link.Fields{}), "dropper": of(link.Fields{DropQuery: true}), "moved": of(link.Fields{Redirect: 301}),
		"many": of(link.Fields{MaxVisits: 9}), "locked": of(link.Fields{Password: "x"}), "off": of(link.Fields{Disabled: true, MaxVisits: 9}),
	}}
	for code, want := range map[string][2]bool{ // without a query, and with one
		"plain": {false, true}, "dropper": {false, false}, "moved": {true, true}, "many": {true, true}, "locked": {true, true},
		"off": {false, false}, "missing": {false, false},
	} {
		for i, query := range []bool{false, true} {
			registry := prometheus.NewRegistry()
			h, _ := newHandler(t, resolver, registry)
			a := h.Visit(t.Context(), Visitor{}, code, query)
			if a.Open != want[i] || a.Open && (a.Target != "" || a.Err != nil) || !a.Open && a.Err == nil && a.Target == "" {
				t.Errorf("%s, query %v: %+v", code, query, a)
			}
			if got := len(counted(t, registry)); (got == 0) != a.Open {
				t.Errorf("%s, query %v: counted %d", code, query, got)
			}
		}
	}
	if resolver.consumed != 0 {
		t.Errorf("%d visits were used up", resolver.consumed)
	}
}
