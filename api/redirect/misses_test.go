package redirect

import (
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/fsm/link"
)

// Look knows what fakeResolver knows, and nothing of codes that begin with an x: those alone can be there or not.
func (f *fakeResolver) Look(code link.Code) (link.Route, bool, error) {
	a, ok := f.answers[code]
	if !ok {
		return link.Route{}, code[0] != 'x', link.ErrNotFound
	}
	return a.link.Route(), a.err != nil || !a.link.Expired(noon), a.err
}

// wall is a clock that stands still.
type wall struct{ now time.Time }

func (w *wall) read() time.Time { return w.now }

// guesser is a Handler with a limit, and what visitors of it are told.
type guesser struct {
	*Handler
	t        *testing.T
	resolver *fakeResolver
	clock    *wall
	refused  *[]error
}

func newGuesser(t *testing.T, perSecond int) *guesser {
	resolver := &fakeResolver{answers: map[link.Code]answer{
		"home": living("https://example.com/"), "buried": {err: link.ErrGone}, "past": until(noon), "odd": {err: errOdd},
	}}
	clock := &wall{noon}
	h, refused := newHandler(t, resolver, nil, func(c *Config) { c.Misses = NewMisses(perSecond, clock.read) })
	return &guesser{h, t, resolver, clock, refused}
}

// visit gives how often the resolver was asked for a visit from address, and how that ended.
func (g *guesser) visit(address, code string) (int, error) {
	g.t.Helper()
	*g.refused, g.resolver.asked = nil, 0
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = address
	g.Serve(httptest.NewRecorder(), r, code)
	if len(*g.refused) == 0 {
		return g.resolver.asked, nil
	}
	return g.resolver.asked, (*g.refused)[0]
}

// guesses visits unknown codes until it is refused, and gives how many were not.
func (g *guesser) guesses(address string) int {
	g.t.Helper()
	for n := range 1000 {
		asked, err := g.visit(address, fmt.Sprintf("x%d", n))
		if errors.Is(err, ErrTooManyMisses) {
			if asked != 0 {
				g.t.Errorf("a guess that was refused asked %d times", asked)
			}
			return n
		}
		if !errors.Is(err, link.ErrNotFound) || asked != 1 {
			g.t.Fatalf("guess %d: %v, asked %d times", n, err, asked)
		}
	}
	return 1000
}

const (
	flooder = "203.0.113.7:50000"
	another = "203.0.113.8:50000"
)

var floodAddress = netip.MustParseAddrPort(flooder).Addr()

func TestAFloodOfGuessesFromOneAddressIsLimitedToItself(t *testing.T) {
	g := newGuesser(t, 5)
	if n := g.guesses(flooder); n != 10 {
		t.Errorf("%d guesses at once, want 2 s of 5", n)
	}
	if n := g.guesses("203.0.113.7:50001"); n != 0 {
		t.Errorf("another port of the flooder had %d guesses", n)
	}
	for code, tc := range map[string]struct {
		want  error
		asked int
	}{
		"home":    {nil, 0},
		"buried":  {link.ErrGone, 0},
		"missing": {link.ErrNotFound, 0},
		"past":    {ErrExpired, 1},
		"odd":     {errOdd, 0},
	} {
		if asked, err := g.visit(flooder, code); !errors.Is(err, tc.want) || asked != tc.asked {
			t.Errorf("the flooder's visit of %s: %v after asking %d times, want %v, %d", code, err, asked, tc.want, tc.asked)
		}
	}
	if n := g.guesses(another); n != 10 {
		t.Errorf("another address had %d guesses, want 10", n)
	}
	for _, tc := range []struct {
		wait time.Duration
		want int
	}{{199 * time.Millisecond, 0}, {time.Millisecond, 1}, {time.Second, 5}, {time.Hour, 10}} {
		g.clock.now = g.clock.now.Add(tc.wait)
		if n := g.guesses(flooder); n != tc.want {
			t.Errorf("%v later: %d guesses, want %d", tc.wait, n, tc.want)
		}
	}
}

func TestBehindATrustedProxyEveryClientHasTheirOwnShare(t *testing.T) {
	g := newGuesser(t, 5)
	g.Clients.Trusted = []netip.Prefix{netip.MustParsePrefix("203.0.113.7/32")}
	from := func(client string) (n int) {
		for ; n < 100; n++ {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = flooder
			r.Header.Set("X-Forwarded-For", "192.0.2.1, "+client)
			*g.refused = nil
			if g.Serve(httptest.NewRecorder(), r, "xyz"); errors.Is((*g.refused)[0], ErrTooManyMisses) {
				return n
			}
		}
		return n
	}
	for _, client := range []string{"198.51.100.1", "198.51.100.2"} {
		if n := from(client); n != 10 {
			t.Errorf("%s had %d guesses", client, n)
		}
	}
	// Of a connection alone nothing is known but the proxy: the whole request is needed, for a guess and for nothing else.
	proxy, stranger := &net.TCPAddr{IP: net.IPv4(203, 0, 113, 7)}, &net.TCPAddr{IP: net.IPv4(203, 0, 113, 8)}
	if a := g.Visit(t.Context(), Visitor{Conn: proxy}, "xyz", false); !a.Open || a.Err != nil {
		t.Errorf("a guess through the proxy: %+v", a)
	}
	if a := g.Visit(t.Context(), Visitor{Conn: proxy}, "home", false); a.Open || a.Target != "https://example.com/" {
		t.Errorf("a hit through the proxy: %+v", a)
	}
	if a := g.Visit(t.Context(), Visitor{Conn: stranger}, "xyz", false); a.Open || !errors.Is(a.Err, link.ErrNotFound) {
		t.Errorf("a guess from elsewhere: %+v", a)
	}
}

func TestWithoutALimitNobodyIsRefused(t *testing.T) {
	g := newGuesser(t, 1)
	g.Misses = nil
	if n := g.guesses(flooder); n != 1000 {
		t.Errorf("refused after %d guesses", n)
	}
}

// admitted gives how many codes in a row an address may ask for, of a thousand.
func admitted(m *Misses, address netip.Addr) int {
	for n := range 1000 {
		if !m.admit(address) {
			return n
		}
	}
	return 1000
}

func TestAFloodFromManyAddressesForgetsTheFirst(t *testing.T) {
	m := NewMisses(1, (&wall{noon}).read)
	if n := admitted(m, floodAddress); n != 2 {
		t.Errorf("admitted %d", n)
	}
	from := netip.MustParseAddr("10.0.0.0")
	for range missAddresses {
		from = from.Next()
		m.admit(from)
	}
	if n := admitted(m, floodAddress); n != 2 {
		t.Errorf("admitted %d of an address of long ago", n)
	}
}

func TestManyGuessersAtOnceGetWhatOneWouldGet(t *testing.T) {
	m := NewMisses(50, (&wall{noon}).read)
	var sum atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if m.admit(floodAddress) {
					sum.Add(1)
				}
			}
		})
	}
	all.Wait()
	if sum.Load() != 100 {
		t.Errorf("admitted %d, want 2 s of 50", sum.Load())
	}
}

func TestALimitOutsideItsRangeIsBroughtIntoIt(t *testing.T) {
	for given, want := range map[int]int{-1: 2, 0: 2, 4: 8} {
		if got := admitted(NewMisses(given, (&wall{noon}).read), floodAddress); got != want {
			t.Errorf("%d a second admitted %d, want %d", given, got, want)
		}
	}
	if m := NewMisses(MaxMissLimit*2, (&wall{noon}).read); m.buckets.Take(floodAddress).Limit != 2*MaxMissLimit {
		t.Error("beyond the highest limit")
	}
}

func TestWhatIsLimitedIsCounted(t *testing.T) {
	registry := prometheus.NewRegistry()
	h, _ := newHandler(t, &fakeResolver{}, registry, func(c *Config) { c.Misses = NewMisses(1, (&wall{noon}).read) })
	for range 5 {
		h.Serve(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), "xyz")
	}
	if got := counted(t, registry); got["limited"] != 3 || got["not_found"] != 2 {
		t.Errorf("counted %v", got)
	}
}

func TestARedirectCostsNoMoreUnderALimit(t *testing.T) {
	resolver := &fakeResolver{answers: map[link.Code]answer{"abcdefg": living("https://example.com/")}}
	h, _ := newHandler(t, resolver, nil, func(c *Config) { c.Misses = NewMisses(1, time.Now) })
	w := &silentWriter{header: map[string][]string{}}
	r := httptest.NewRequest("GET", "/abcdefg", nil)
	if got := testing.AllocsPerRun(1000, func() { h.Serve(w, r, "abcdefg") }); got > 1 {
		t.Errorf("%v allocations a redirect", got)
	}
}

func BenchmarkMiss(b *testing.B) {
	m := NewMisses(MaxMissLimit, time.Now)
	b.ReportAllocs()
	for b.Loop() {
		m.admit(floodAddress)
	}
}
