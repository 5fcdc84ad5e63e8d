package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/fsm/link"
)

func hotTestLink(code, target string) link.Link {
	at := time.UnixMilli(1_700_000_000_123).UTC()
	return link.Link{Code: link.Code(code), Fields: link.Fields{Target: link.Target(target)}, CreatedAt: at, UpdatedAt: at, Version: 1}
}

func keepHot(h *hotLinks, l link.Link, since uint64) { h.keep(l.Code, l.Route(), since) }

func TestAHotLinkIsTheLinkThatWasKept(t *testing.T) {
	h := newHotLinks(1 << 20)
	plain := hotTestLink("plain", "https://example.com/")
	full := hotTestLink("full-"+strings.Repeat("x", link.MaxSlug-5), "https://example.com/full")
	full.UpdatedAt, full.ValidUntil, full.Version = full.CreatedAt.Add(time.Second), full.CreatedAt.Add(time.Minute), 1<<63
	for _, want := range []link.Link{plain, full} {
		keepHot(h, want, h.moment())
		got, found := h.find(want.Code)
		if diff := cmp.Diff(want.Route(), got); !found || diff != "" {
			t.Errorf("found %v, %s", found, diff)
		}
	}
	for _, c := range []link.Code{"", "plai", "plain-", "other"} {
		if l, found := h.find(c); found {
			t.Errorf("%q finds %v", c, l)
		}
	}
}

func TestALinkReadBeforeAChangeIsNotKept(t *testing.T) {
	old := hotTestLink("code", "https://example.com/old")
	edited := []link.Code{old.Code}
	for name, keep := range map[string]func(h *hotLinks){
		"kept before the change": func(h *hotLinks) { keepHot(h, old, h.moment()); h.beginChange(edited); h.endChange() },
		"kept in its midst":      func(h *hotLinks) { since := h.moment(); h.beginChange(edited); keepHot(h, old, since) },
		"read in its midst":      func(h *hotLinks) { h.beginChange(edited); keepHot(h, old, h.moment()) },
		"kept when it was over":  func(h *hotLinks) { since := h.moment(); h.beginChange(edited); h.endChange(); keepHot(h, old, since) },
		"read in its midst and kept when it was over": func(h *hotLinks) {
			h.beginChange(edited)
			since := h.moment()
			h.endChange()
			keepHot(h, old, since)
		},
	} {
		h := newHotLinks(1 << 20)
		keep(h)
		if l, found := h.find(old.Code); found {
			t.Errorf("%s: %v was found", name, l)
		}
	}
	h := newHotLinks(1 << 20)
	h.beginChange(edited)
	h.endChange()
	keepHot(h, old, h.moment())
	if _, found := h.find(old.Code); !found {
		t.Error("a link that was read after a change was not kept")
	}
}

func TestAChangeLeavesOtherLinksWhereTheyAre(t *testing.T) {
	h := newHotLinks(1) // one set
	for i := range hotWays {
		keepHot(h, hotTestLink(fmt.Sprint("code-", i), "https://example.com/"), h.moment())
	}
	h.beginChange([]link.Code{"code-2", "code-2", "never-kept"})
	h.endChange()
	for i := range hotWays {
		if _, found := h.find(link.Code(fmt.Sprint("code-", i))); found != (i != 2) {
			t.Errorf("link %d is there: %v", i, found)
		}
	}
}

func TestLinksThatAreUsedOutliveThoseThatAreNot(t *testing.T) {
	h := newHotLinks(1) // one set
	used := hotTestLink("used", "https://example.com/used")
	keepHot(h, used, h.moment())
	for i := range 1000 {
		if _, found := h.find(used.Code); !found {
			t.Fatalf("a link in use was removed by link %d", i)
		}
		keepHot(h, hotTestLink(fmt.Sprint("once-", i), "https://example.com/"), h.moment())
	}
}

func TestHotLinksStayWithinTheirBytes(t *testing.T) {
	const room = 1 << 20
	h := newHotLinks(room)
	rng := rand.New(rand.NewPCG(1, 2))
	recent := make([]link.Code, 64)
	for i := range 50_000 {
		l := hotTestLink(fmt.Sprint("code-", i), strings.Repeat("x", 1+rng.IntN(1+rng.IntN(2000))))
		keepHot(h, l, h.moment())
		recent[rng.IntN(len(recent))] = l.Code
		h.find(recent[rng.IntN(len(recent))])
		if i%10 == 0 {
			h.beginChange(recent[:3])
			h.endChange()
		}
	}
	total := len(h.sets) * int(reflect.TypeFor[hotSet]().Size())
	links := 0
	for i := range h.sets {
		set, units := &h.sets[i], 0
		for way := range set.ways {
			l := set.ways[way].Load()
			if (l == nil) != (set.tag(way) == 0) {
				t.Fatalf("set %d, way %d: tag %d and link %v", i, way, set.tag(way), l)
			}
			if l != nil {
				links++
				units += l.units()
			}
		}
		if units != set.taken() || units > hotRoom {
			t.Fatalf("set %d has links of %d units, counts %d and has room for %d", i, units, set.taken(), hotRoom)
		}
		total += units * hotUnit
	}
	if total > room || total < room/2 {
		t.Errorf("%d links take %d bytes of %d", links, total, room)
	}
}

// TestHotLinksTakeNoMoreThanTheyCount asks the allocator. The texts are those that Go rounds up most.
func TestHotLinksTakeNoMoreThanTheyCount(t *testing.T) {
	if set, one := reflect.TypeFor[hotSet]().Size(), reflect.TypeFor[hotLink]().Size(); set != hotSetSize || one > hotLinkSize {
		t.Errorf("a set has %d bytes, a link %d", set, one)
	}
	for _, text := range []int{8, 17, 33, 65, 113, 129, 145, 209, 257, 289, 417, 513, 577, 641, 769, 897, 920} {
		const links = 10_000
		target := strings.Repeat("x", text-1)
		kept := make([]*hotLink, links)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for i := range kept {
			kept[i], _ = newHotLink("c", link.Route{Target: link.Target(target)})
		}
		runtime.ReadMemStats(&after)
		each := (after.TotalAlloc - before.TotalAlloc) / links
		if counted := uint64(kept[0].units() * hotUnit); each > counted {
			t.Errorf("a text of %d bytes: a link takes %d bytes and counts as %d", text, each, counted)
		}
	}
}

func TestALongLinkIsNotKept(t *testing.T) {
	h := newHotLinks(1)
	for size := 1; size <= link.MaxTarget; size++ {
		l := hotTestLink("code", strings.Repeat("x", size))
		keepHot(h, l, h.moment())
		if _, found := h.find(l.Code); !found && size <= 900 || found && size > 1<<10 {
			t.Fatalf("a target of %d bytes was kept: %v", size, found)
		}
		h.beginChange([]link.Code{l.Code})
		h.endChange()
	}
}

func TestALookupOfAHotLinkAllocatesNothing(t *testing.T) {
	s := testStore(t, nil)
	defer s.Close()
	if err := addLinks(s, 1); err != nil {
		t.Fatal(err)
	}
	codec, _ := s.Codec()
	c := codec.Encode(1)
	if allocs := testing.AllocsPerRun(100, func() {
		if _, _, err := s.Route(c); err != nil {
			t.Fatal(err)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestDamageAndACloseEndHotLookupsToo(t *testing.T) {
	s := testStore(t, nil)
	s.failed.fatal = func(error) {}
	if err := addLinks(s, 1); err != nil {
		t.Fatal(err)
	}
	codec, _ := s.Codec()
	c := codec.Encode(1)
	for range 2 {
		if _, _, err := s.Route(c); err != nil {
			t.Fatal(err)
		}
	}
	if _, found := s.live.Load().hot.Load().find(c); !found {
		t.Error("a link that was looked up is not hot")
	}
	s.failed.report(ErrDamaged)
	if _, _, err := s.Route(c); !errors.Is(err, ErrDamaged) {
		t.Errorf("after damage: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Route(c); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
