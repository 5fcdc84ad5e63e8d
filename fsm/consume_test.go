package fsm

import (
	"errors"
	"testing"
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// limited makes a link with so many visits.
func (g *group) limited(code link.Code, visits uint64) link.Link {
	g.t.Helper()
	return g.make(link.Draft{Fields: link.Fields{Target: "http://limited.example/", MaxVisits: visits}, Slug: code})
}

func TestVisitsAreCountedToTheLast(t *testing.T) {
	g := lead(t)
	made := g.limited("x", 10)
	g.now = at(time.Minute)
	other := writer{node: "n2", boot: 1}
	visit := command.Consume{Code: "x"}
	allowed := 0
	for range 20 { // each node with three visits in one entry
		for _, results := range g.outcome(g.Apply(g.next(g.batch(visit, visit, visit), other.batch(visit, visit, visit)))) {
			for _, r := range results {
				if r.Err == nil {
					allowed++
					want := made
					want.Visits = uint64(allowed)
					if r.Link != want || r.Found {
						t.Errorf("visit %d: %+v, want %+v", allowed, r, want)
					}
				} else if !errors.Is(r.Err, link.ErrGone) || r.Link != (link.Link{}) {
					t.Errorf("after %d visits: %+v, want ErrGone", allowed, r)
				}
			}
		}
	}
	if l, err := g.Store().Lookup("x"); allowed != 10 || err != nil || l.Visits != 10 || l.Version != 1 {
		t.Errorf("%d visits were allowed; %+v, %v", allowed, l, err)
	}
}

func TestAVisitSentAgainCountsOnce(t *testing.T) {
	g := lead(t)
	g.limited("x", 2)
	visit := command.Consume{Code: "x"}
	first := g.do(visit)[0]
	sequence := g.sequence
	for range 5 {
		if r := g.run(g.resend(sequence, visit))[0]; r != first {
			t.Errorf("again: %+v, first %+v", r, first)
		}
	}
	second := g.batch(visit)
	second.Operations = append(second.Operations, second.Operations[0]) // twice in one entry
	if r := g.run(second); r[0].Err != nil || r[0] != r[1] || r[0].Link.Visits != 2 {
		t.Errorf("the second visit: %+v", r)
	}
	last := g.sequence
	g.refuse("used up", visit, link.ErrGone)
	// The last visit that was counted may still follow the link, and one that was refused never.
	if r := g.run(g.resend(last, visit, visit)); r[0].Err != nil || r[0].Link.Visits != 2 || !errors.Is(r[1].Err, link.ErrGone) {
		t.Errorf("again, when it is used up: %+v", r)
	}
	g.edit(link.Edit{Code: "x", Set: link.MaxVisitsField, Fields: link.Fields{MaxVisits: 5}})
	if r := g.run(g.resend(last+1, visit))[0]; !errors.Is(r.Err, link.ErrGone) {
		t.Errorf("a refused visit again, when there would be room: %+v", r)
	}
	// Under a visit's identity no other command takes effect.
	if g.run(g.resend(sequence, command.Create{Draft: slug("y")})); g.Store().Links() != 1 || g.Failed() != nil {
		t.Errorf("%d links, failure %v", g.Store().Links(), g.Failed())
	}
	g.do(command.Delete{Code: "x"})
	if r := g.run(g.resend(sequence, visit))[0]; !errors.Is(r.Err, link.ErrGone) {
		t.Errorf("again, when the link is deleted: %+v", r)
	}
}

func TestVisitsThatAreRefused(t *testing.T) {
	g := lead(t)
	make := func(code link.Code, f link.Fields) {
		f.Target, f.MaxVisits = "http://a", 5
		g.make(link.Draft{Fields: f, Slug: code})
	}
	make("disabled", link.Fields{Disabled: true})
	make("ended", link.Fields{ValidUntil: at(time.Minute)})
	make("later", link.Fields{ValidSince: at(time.Hour)})
	make("disabled-later", link.Fields{ValidSince: at(time.Hour), Disabled: true})
	make("deleted", link.Fields{})
	g.do(command.Delete{Code: "deleted"})
	g.now = at(time.Minute)
	for code, want := range map[link.Code]error{
		"disabled": link.ErrGone, "ended": link.ErrGone, "deleted": link.ErrGone, "disabled-later": link.ErrGone,
		"later": link.ErrNotFound, "unknown": link.ErrNotFound, "": link.ErrNotFound, "a/b": link.ErrNotFound, testCodec.Encode(99): link.ErrNotFound,
	} {
		g.refuse(string(code), command.Consume{Code: code}, want)
	}
	g.now = at(time.Hour)
	if r := g.do(command.Consume{Code: "later"})[0]; r.Err != nil || r.Link.Visits != 1 {
		t.Errorf("once it is valid: %+v", r)
	}
}

func TestVisitsWithoutALimitAreNotCounted(t *testing.T) {
	g := lead(t)
	made := g.make(slug("x"))
	if r := g.do(command.Consume{Code: "x"})[0]; r.Err != nil || r.Link != made {
		t.Errorf("%+v, want %+v", r, made)
	}
}

// A limit is compared with all visits that were ever counted, however it was moved.
func TestAMovedLimitKeepsTheCount(t *testing.T) {
	g := lead(t)
	g.limited("x", 3)
	visit := command.Consume{Code: "x"}
	limit := func(n uint64) {
		g.edit(link.Edit{Code: "x", Set: link.MaxVisitsField, Fields: link.Fields{MaxVisits: n}})
	}
	g.do(visit, visit)
	limit(1)
	g.refuse("a limit below the count", visit, link.ErrGone)
	limit(3)
	if r := g.do(visit, visit); r[0].Err != nil || !errors.Is(r[1].Err, link.ErrGone) {
		t.Errorf("raised again: %+v", r)
	}
	limit(0)
	if r := g.do(visit)[0]; r.Err != nil || r.Link.Visits != 3 {
		t.Errorf("without a limit: %+v", r)
	}
	limit(4)
	if r := g.do(visit, visit); r[0].Err != nil || !errors.Is(r[1].Err, link.ErrGone) {
		t.Errorf("with a limit again: %+v", r)
	}
	limit(link.MaxVisitLimit)
	if r := g.do(visit)[0]; r.Err != nil || r.Link.Visits != 5 {
		t.Errorf("with the highest limit: %+v", r)
	}
}
