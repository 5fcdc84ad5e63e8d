package redirect

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/fsm/link"
)

// locked is a link with the password "sesame".
func locked(change ...func(*link.Link)) answer {
	a := living("https://example.com/?a=1")
	a.link.Password = "sesame"
	for _, f := range change {
		f(&a.link)
	}
	return a
}

// unlocking gives what a password from an address is answered.
func unlocking(h *Handler, address, code, password string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/"+code+"?b=2", nil)
	r.RemoteAddr = address
	w := httptest.NewRecorder()
	h.Unlock(w, r, code, password)
	return w
}

func TestAProtectedLinkAsksForItsPassword(t *testing.T) {
	resolver := &fakeResolver{answers: map[link.Code]answer{"locked": locked()}}
	h, refused := newHandler(t, resolver, nil)
	for _, header := range [][]string{nil, {"User-Agent", "Googlebot/2.1"}} {
		for _, method := range []string{"GET", "HEAD"} {
			*refused = nil
			w := visitOf(h, method, "locked", header...)
			if len(*refused) != 1 || !errors.Is((*refused)[0], ErrProtected) || w.Header()["Location"] != nil {
				t.Errorf("%s: refused with %v, header %v", method, *refused, w.Header())
			}
			checkHeader(t, w.Header())
		}
	}
}

func TestThePasswordOpensALink(t *testing.T) {
	const target = "https://example.com/?a=1&b=2"
	for name, c := range map[string]struct {
		link      answer
		password  string
		consuming error
		checking  error
		want      error
		outcome   string
		checks    int
		consumed  int
	}{
		"right":             {link: locked(), password: "sesame", outcome: "redirected", checks: 1},
		"wrong":             {link: locked(), password: "simsim", want: ErrWrongPassword, outcome: "protected", checks: 1},
		"none":              {link: locked(), want: ErrProtected, outcome: "protected"},
		"not needed":        {link: living("https://example.com/?a=1"), password: "sesame", outcome: "redirected"},
		"308":               {link: locked(func(l *link.Link) { l.Redirect = 308 }), password: "sesame", outcome: "redirected", checks: 1},
		"limited":           {link: locked(func(l *link.Link) { l.MaxVisits = 1 }), password: "sesame", outcome: "redirected", checks: 1, consumed: 1},
		"limited, wrong":    {link: locked(func(l *link.Link) { l.MaxVisits = 1 }), password: "x", want: ErrWrongPassword, outcome: "protected", checks: 1},
		"limited, alone":    {link: locked(func(l *link.Link) { l.MaxVisits = 1 }), password: "sesame", consuming: link.ErrNoLeader, want: link.ErrNoLeader, outcome: "unproven", checks: 1, consumed: 1},
		"expired":           {link: locked(func(l *link.Link) { l.ValidUntil = noon }), password: "sesame", want: ErrExpired, outcome: "expired"},
		"deleted":           {link: answer{err: link.ErrGone}, password: "sesame", want: link.ErrGone, outcome: "gone"},
		"too many at once":  {link: locked(), password: "sesame", checking: link.ErrOverloaded, want: link.ErrOverloaded, outcome: "unproven", checks: 1},
		"what is kept odd":  {link: locked(), password: "sesame", checking: errOdd, want: errOdd, outcome: "failed", checks: 1},
		"limited, not that": {link: locked(func(l *link.Link) { l.MaxVisits, l.Visits = 1, 1 }), password: "sesame", want: ErrUsedUp, outcome: "used_up"},
	} {
		t.Run(name, func(t *testing.T) {
			resolver := &fakeResolver{answers: map[link.Code]answer{"abc": c.link}, consuming: c.consuming, checking: c.checking}
			registry := prometheus.NewRegistry()
			h, refused := newHandler(t, resolver, registry)
			w := unlocking(h, flooder, "abc", c.password)
			checkHeader(t, w.Header())
			if c.want == nil && (w.Code != 302 || w.Header().Get("Location") != target) {
				t.Errorf("status %d, header %v", w.Code, w.Header())
			}
			if c.want != nil && (len(*refused) != 1 || !errors.Is((*refused)[0], c.want) || w.Header()["Location"] != nil) {
				t.Errorf("refused with %v, want %v; header %v", *refused, c.want, w.Header())
			}
			if got := counted(t, registry); got[c.outcome] != 1 || len(got) != 1 {
				t.Errorf("counted %v, want one %s", got, c.outcome)
			}
			if resolver.checked != c.checks || resolver.consumed != c.consumed {
				t.Errorf("%d passwords checked, %d visits counted", resolver.checked, resolver.consumed)
			}
		})
	}
}

func TestPasswordsAreTriedTenTimesAMinute(t *testing.T) {
	resolver := &fakeResolver{answers: map[link.Code]answer{"one": locked(), "two": locked()}}
	clock := &wall{noon}
	h, refused := newHandler(t, resolver, nil, func(c *Config) { c.Now = clock.read })
	try := func(address, code, password string) (string, error) {
		*refused = nil
		w := unlocking(h, address, code, password)
		if len(*refused) == 0 {
			return "", nil
		}
		return w.Header().Get("Retry-After"), (*refused)[0]
	}
	for i := range 10 {
		if _, err := try(flooder, "one", fmt.Sprint(i)); !errors.Is(err, ErrWrongPassword) {
			t.Fatalf("try %d: %v", i, err)
		}
		clock.now = clock.now.Add(time.Second)
	}
	for _, password := range []string{"x", "sesame"} { // the right one as well
		if wait, err := try(flooder, "one", password); !errors.Is(err, ErrTooManyTries) || wait != "50" {
			t.Errorf("%s: %v, wait %q", password, err, wait)
		}
	}
	if resolver.checked != 10 {
		t.Errorf("%d passwords were checked", resolver.checked)
	}
	if _, err := try("203.0.113.7:1", "one", "x"); !errors.Is(err, ErrTooManyTries) {
		t.Errorf("from another port: %v", err)
	}
	if _, err := try(flooder, "one", ""); !errors.Is(err, ErrProtected) {
		t.Errorf("no try at all: %v", err)
	}
	if _, err := try(another, "one", "sesame"); err != nil {
		t.Errorf("from another address: %v", err)
	}
	if _, err := try(flooder, "two", "sesame"); err != nil {
		t.Errorf("of another link: %v", err)
	}
	clock.now = noon.Add(time.Minute - time.Nanosecond)
	if wait, err := try(flooder, "one", "sesame"); !errors.Is(err, ErrTooManyTries) || wait != "1" {
		t.Errorf("a moment too early: %v, wait %q", err, wait)
	}
	clock.now = noon.Add(time.Minute)
	if _, err := try(flooder, "one", "sesame"); err != nil {
		t.Errorf("a minute after the first try: %v", err)
	}
	if wait, err := try(flooder, "one", "sesame"); !errors.Is(err, ErrTooManyTries) || wait != "1" {
		t.Errorf("another one: %v, wait %q", err, wait)
	}
	clock.now = noon.Add(-time.Hour)
	if wait, err := try(flooder, "one", "sesame"); !errors.Is(err, ErrTooManyTries) || wait != "60" {
		t.Errorf("when the clock went back: %v, wait %q", err, wait)
	}
}

func TestTriesAreForgottenBeforeTheyTakeTooMuch(t *testing.T) {
	tried := newTries((&wall{noon}).read)
	address, first := netip.MustParseAddr("10.0.0.0"), netip.MustParseAddr("203.0.113.9")
	spend := func(from netip.Addr) (n int) {
		for n < 2*triesAtOnce && tried.admit("abc", from) == nil {
			n++
		}
		return n
	}
	if n := spend(first); n != triesAtOnce {
		t.Errorf("%d tries", n)
	}
	for range triesKept {
		address = address.Next()
		_ = tried.admit("abc", address)
	}
	if n := spend(first); n != triesAtOnce {
		t.Errorf("%d tries of an address of long ago", n)
	}
	if n := spend(address); n != triesAtOnce-1 {
		t.Errorf("%d tries of the latest address, which is forgotten", n)
	}
}

func TestAPreviewNeitherFollowsNorCounts(t *testing.T) {
	resolver := &fakeResolver{late: time.Second, answers: map[link.Code]answer{
		"open": living("https://example.com/?a=1"), "many": counting(9), "locked": locked(), "past": until(noon), "buried": {err: link.ErrGone},
		"off": locked(func(l *link.Link) { l.Disabled = true }), "future": locked(func(l *link.Link) { l.ValidSince = noon.Add(1) }),
	}}
	for code, want := range map[string]struct {
		err    error
		target string
	}{
		"open": {target: "https://example.com/?a=1"}, "many": {target: "https://example.com/"}, "locked": {err: ErrProtected},
		"past": {err: ErrExpired}, "buried": {err: link.ErrGone}, "off": {err: ErrDisabled}, "future": {err: link.ErrNotFound}, "missing": {err: link.ErrNotFound},
	} {
		registry := prometheus.NewRegistry()
		h, refused := newHandler(t, resolver, registry)
		w := httptest.NewRecorder()
		h.Preview(w, httptest.NewRequest("GET", "/"+code+"+?b=2", nil), code)
		checkHeader(t, w.Header())
		if w.Header()["Location"] != nil || w.Header().Get(StalenessHeader) != "1000" {
			t.Errorf("%s: header %v", code, w.Header())
		}
		if want.err == nil && w.Body.String() != want.target || want.err != nil && (len(*refused) != 1 || !errors.Is((*refused)[0], want.err)) {
			t.Errorf("%s: %q, refused with %v", code, w.Body, *refused)
		}
		if got := counted(t, registry); len(got) != 0 || resolver.consumed != 0 {
			t.Errorf("%s: counted %v and %d visits", code, got, resolver.consumed)
		}
	}
	h, refused := newHandler(t, resolver, nil)
	for range triesAtOnce {
		w := httptest.NewRecorder()
		if h.UnlockPreview(w, httptest.NewRequest("POST", "/locked+", nil), "locked", "sesame"); w.Body.String() != "https://example.com/?a=1" {
			t.Errorf("%q, refused with %v", w.Body, *refused)
		}
	}
	// A preview is no way to try more passwords.
	if unlocking(h, "192.0.2.1:1234", "locked", "sesame"); len(*refused) != 1 || !errors.Is((*refused)[0], ErrTooManyTries) {
		t.Errorf("refused with %v", *refused)
	}
}
