package redirect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"tinyurl/fsm/link"
)

var noon = time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)

// answer is what a fakeResolver knows of a code.
type answer struct {
	link link.Link
	err  error
}

// fakeResolver answers from a map; what is not in it is not found. It checks passwords as well: what is kept of one is itself.
type fakeResolver struct {
	answers map[link.Code]answer
	late    time.Duration
	asked   int
	// consumed are the visits that were counted; consuming is what that ends with.
	mu        sync.Mutex
	consumed  int
	consuming error
	checked   int
	checking  error
}

func (f *fakeResolver) Resolve(_ context.Context, code link.Code) (link.Route, error) {
	f.asked++
	a, ok := f.answers[code]
	if !ok {
		return link.Route{}, link.ErrNotFound
	}
	return a.link.Route(), a.err
}

func (f *fakeResolver) Now() time.Time           { return noon }
func (f *fakeResolver) Staleness() time.Duration { return f.late }

func (f *fakeResolver) Lookup(code link.Code) (link.Link, error) {
	a, ok := f.answers[code]
	if !ok {
		return link.Link{}, link.ErrNotFound
	}
	a.link.Code = code
	return a.link, a.err
}

// Consume counts up to MaxVisits, whatever the resolver says of a link's visits.
func (f *fakeResolver) Consume(_ context.Context, code link.Code) (link.Route, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.answers[code].link
	if f.consuming == nil && uint64(f.consumed) >= l.MaxVisits {
		return link.Route{}, link.ErrGone
	}
	f.consumed++
	return l.Route(), f.consuming
}

func (f *fakeResolver) Verify(_ context.Context, kept link.PasswordHash, password string) (bool, error) {
	f.checked++
	return string(kept) == password, f.checking
}

func living(target string) answer {
	return answer{link: link.Link{Fields: link.Fields{Target: link.Target(target)}}}
}

func until(end time.Time) answer {
	return answer{link: link.Link{Fields: link.Fields{Target: "https://example.com/", ValidUntil: end}}}
}

var errOdd = errors.New("odd")

// newHandler is a Handler, and what its visitors were told.
func newHandler(t testing.TB, resolver *fakeResolver, registry prometheus.Registerer, change ...func(*Config)) (*Handler, *[]error) {
	t.Helper()
	outcomes, err := NewOutcomes(registry)
	if err != nil {
		t.Fatal(err)
	}
	var refused []error
	refuse := func(w http.ResponseWriter, _ *http.Request, err error) {
		refused = append(refused, err)
		w.WriteHeader(http.StatusTeapot)
	}
	c := Config{
		Resolver: resolver, Passwords: resolver, Refuse: refuse, Outcomes: outcomes, Now: func() time.Time { return noon },
		Show: func(w http.ResponseWriter, _ *http.Request, l link.Link) { fmt.Fprint(w, l.Target) },
	}
	for _, f := range change {
		f(&c)
	}
	return New(c), &refused
}

func TestVisitors(t *testing.T) {
	const target = "https://example.com/a b?x=\"<>\"#ü"
	resolver := &fakeResolver{answers: map[link.Code]answer{
		"home":   living(target),
		"Home":   living("https://example.org"),
		"past":   until(noon),
		"soon":   until(noon.Add(time.Millisecond)),
		"buried": {err: link.ErrGone},
		"alone":  {err: fmt.Errorf("peer: %w", link.ErrNoLeader)},
		"full":   {err: link.ErrOverloaded},
		"late":   {err: context.DeadlineExceeded},
		"odd":    {err: errOdd},
	}}
	tests := []struct {
		path, location string
		err            error
		outcome        string
	}{
		{"home", target, nil, "redirected"},
		{"Home", "https://example.org", nil, "redirected"},
		{"soon", "https://example.com/", nil, "redirected"},
		{"missing", "", link.ErrNotFound, "not_found"},
		{"HOME", "", link.ErrNotFound, "not_found"},
		{"past", "", ErrExpired, "expired"},
		{"buried", "", link.ErrGone, "gone"},
		{"alone", "", link.ErrNoLeader, "unproven"},
		{"full", "", link.ErrOverloaded, "unproven"},
		{"late", "", context.DeadlineExceeded, "unproven"},
		{"odd", "", errOdd, "failed"},
	}
	for _, test := range tests {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			t.Run(method+" "+test.path, func(t *testing.T) {
				registry := prometheus.NewRegistry()
				h, refused := newHandler(t, resolver, registry)
				w := httptest.NewRecorder()
				h.Serve(w, httptest.NewRequest(method, "/"+test.path, nil), test.path)
				checkHeader(t, w.Header())
				if test.err == nil {
					if w.Code != http.StatusFound || w.Header().Get("Location") != test.location || w.Body.Len() != 0 {
						t.Errorf("status %d, location %q, body %q", w.Code, w.Header().Get("Location"), w.Body)
					}
				} else {
					if len(*refused) != 1 || !errors.Is((*refused)[0], test.err) {
						t.Errorf("refused with %v, want %v", *refused, test.err)
					}
					if _, ok := w.Header()["Location"]; ok {
						t.Error("a refusal leads somewhere")
					}
				}
				if got := counted(t, registry); len(got) != 1 || got[test.outcome] != 1 {
					t.Errorf("counted %v, want one %s", got, test.outcome)
				}
			})
		}
	}
}

func checkHeader(t *testing.T, h http.Header) {
	t.Helper()
	if h.Get("Cache-Control") != "private, no-store" || h.Get("X-Robots-Tag") != "noindex" {
		t.Errorf("header %v", h)
	}
}

// counted gives the outcomes that are not zero.
func counted(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]float64)
	for _, m := range families[0].GetMetric() {
		if v := m.GetCounter().GetValue(); v != 0 {
			found[m.GetLabel()[0].GetValue()] = v
		}
	}
	return found
}

func TestWhatCannotBeACodeIsNotAskedFor(t *testing.T) {
	for _, path := range []string{"", "robots.txt", "a+", "-a", "a b", "ü", "a\x00", strings.Repeat("a", 129)} {
		resolver := &fakeResolver{}
		h, refused := newHandler(t, resolver, nil)
		h.Serve(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), path)
		if resolver.asked != 0 || len(*refused) != 1 || !errors.Is((*refused)[0], link.ErrNotFound) {
			t.Errorf("%q: asked %d times, refused with %v", path, resolver.asked, *refused)
		}
	}
}

func TestStalenessIsShownUnlessZero(t *testing.T) {
	for late, want := range map[time.Duration]string{
		0: "", -time.Second: "", time.Nanosecond: "1", time.Millisecond: "1", 1001 * time.Microsecond: "2", time.Hour: "3600000",
	} {
		resolver := &fakeResolver{answers: map[link.Code]answer{"a": living("https://example.com")}, late: late}
		h, _ := newHandler(t, resolver, nil)
		for _, code := range []string{"a", "missing"} {
			w := httptest.NewRecorder()
			h.Serve(w, httptest.NewRequest("GET", "/", nil), code)
			if got := w.Header().Get(StalenessHeader); got != want {
				t.Errorf("%v, %s: header %q, want %q", late, code, got, want)
			}
		}
	}
}

func TestAnswersDoNotShareWhatCanChange(t *testing.T) {
	resolver := &fakeResolver{answers: map[link.Code]answer{"a": living("https://a.example"), "b": living("https://b.example")}}
	h, _ := newHandler(t, resolver, nil)
	first, second := httptest.NewRecorder(), httptest.NewRecorder()
	h.Serve(first, httptest.NewRequest("GET", "/", nil), "a")
	h.Serve(second, httptest.NewRequest("GET", "/", nil), "b")
	first.Header().Set("Cache-Control", "public")
	first.Header().Add("X-Robots-Tag", "all")
	checkHeader(t, second.Header())
	third := httptest.NewRecorder()
	h.Serve(third, httptest.NewRequest("GET", "/", nil), "a")
	checkHeader(t, third.Header())
	if first.Header().Get("Location") != "https://a.example" {
		t.Errorf("location %q", first.Header().Get("Location"))
	}
}

func TestOutcomesAreCleanMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	newHandler(t, &fakeResolver{}, registry)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) != 0 {
		t.Errorf("%v, %v", problems, err)
	}
	if _, err := NewOutcomes(registry); err == nil {
		t.Error("registered twice")
	}
}

// silentWriter is a ResponseWriter that costs nothing, so that a benchmark shows the handler alone.
type silentWriter struct {
	header http.Header
	status int
}

func (w *silentWriter) Header() http.Header         { return w.header }
func (w *silentWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *silentWriter) WriteHeader(status int)      { w.status = status }

func TestARedirectAllocatesTheLocationAlone(t *testing.T) {
	resolver := &fakeResolver{answers: map[link.Code]answer{"abcdefg": living("https://example.com/")}}
	h, _ := newHandler(t, resolver, nil)
	w := &silentWriter{header: make(http.Header)}
	r := httptest.NewRequest("GET", "/abcdefg", nil)
	if got := testing.AllocsPerRun(1000, func() { h.Serve(w, r, "abcdefg") }); got > 1 {
		t.Errorf("%v allocations a redirect", got)
	}
}

func BenchmarkRedirect(b *testing.B) {
	resolver := &fakeResolver{answers: map[link.Code]answer{"abcdefg": living("https://example.com/")}}
	h, _ := newHandler(b, resolver, nil)
	w := &silentWriter{header: make(http.Header)}
	r := httptest.NewRequest("GET", "/abcdefg", nil)
	b.ReportAllocs()
	for b.Loop() {
		h.Serve(w, r, "abcdefg")
	}
}
