package fsm

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// ending makes a link that ends then.
func (g *group) ending(code link.Code, until time.Time) {
	g.t.Helper()
	g.make(link.Draft{Fields: link.Fields{Target: "http://a", ValidUntil: until}, Slug: code})
}

// gone gives those of the codes that are deleted.
func (g *group) gone(codes ...link.Code) (gone []link.Code) {
	g.t.Helper()
	for _, code := range codes {
		l, err := g.Store().Lookup(code)
		if errors.Is(err, link.ErrGone) {
			gone = append(gone, code)
		} else if err != nil || l.Version > 2 {
			g.t.Errorf("%q: %+v, %v", code, l, err)
		}
	}
	return gone
}

func (g *group) sweep(limit uint32) {
	g.t.Helper()
	if r := g.do(command.Sweep{Limit: limit})[0]; r != (command.Result{}) {
		g.t.Errorf("sweep: %+v", r)
	}
}

func TestLinksAreDeletedThirtyDaysAfterTheirEnd(t *testing.T) {
	g := lead(t)
	g.make(slug("endless"))
	g.ending("x", at(time.Hour))
	g.ending("moved", at(time.Hour))
	g.ending("unended", at(time.Hour))
	end := at(time.Hour)
	for _, moment := range []time.Time{at(0), end, end.Add(link.ExpiredKept - time.Millisecond)} {
		g.now = moment
		g.sweep(command.MaxSwept)
		if gone := g.gone("endless", "x", "moved", "unended"); gone != nil {
			t.Errorf("at %v: %q are gone", moment, gone)
		}
	}
	g.edit(link.Edit{Code: "moved", Set: link.ValidUntilField, Fields: link.Fields{ValidUntil: end.Add(time.Millisecond)}})
	g.edit(link.Edit{Code: "unended", Set: link.ValidUntilField})
	g.now = end.Add(link.ExpiredKept)
	g.sweep(command.MaxSwept)
	if gone := fmt.Sprint(g.gone("endless", "x", "moved", "unended")); gone != "[x]" {
		t.Errorf("%s are gone, want x", gone)
	}
	if l, _ := g.Store().Lookup("x"); !l.UpdatedAt.Equal(g.now) || l.Version != 2 {
		t.Errorf("its tombstone: %+v", l)
	}
	g.refuse("a slug that was swept", command.Create{Draft: slug("x")}, link.ErrSlugTaken)
	g.now = g.now.Add(time.Millisecond)
	g.sweep(1)
	if gone := fmt.Sprint(g.gone("moved", "unended")); gone != "[moved]" || g.Store().Links() != 2 {
		t.Errorf("%s are gone, want moved; %d links", gone, g.Store().Links())
	}
	if err := g.Store().Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTheFirstToEndAreSweptFirst(t *testing.T) {
	g := lead(t)
	codes := []link.Code{"e", "d", "c", "b", "a"}
	for i, code := range codes {
		g.ending(code, at(time.Duration(i+1)*time.Hour))
	}
	g.now = at(link.ExpiredKept + 4*time.Hour)
	for _, want := range []string{"[e]", "[e d c]", "[e d c b]", "[e d c b]"} {
		limit := uint32(2)
		if want == "[e]" {
			limit = 1
		}
		g.sweep(limit)
		if gone := fmt.Sprint(g.gone(codes...)); gone != want {
			t.Errorf("%s are gone, want %s", gone, want)
		}
	}
	// Sent again, an old sweep does not sweep what is due by now.
	g.now = at(link.ExpiredKept + 5*time.Hour)
	if r := g.run(g.resend(g.sequence, command.Sweep{Limit: 5}))[0]; r != (command.Result{}) || g.Store().Links() != 1 {
		t.Errorf("again: %+v, %d links", r, g.Store().Links())
	}
	g.sweep(1)
	if g.Store().Links() != 0 {
		t.Errorf("%d links", g.Store().Links())
	}
}

// However many sweeps somebody sends, one entry does not take long.
func TestAnEntrySweepsSoManyLinksAtMost(t *testing.T) {
	g := lead(t)
	var many []command.Command
	for range 3 * command.MaxSwept {
		many = append(many, command.Create{Draft: link.Draft{Fields: link.Fields{Target: "http://a", ValidUntil: at(time.Hour)}}})
	}
	g.do(many...)
	g.now = at(2*time.Hour + link.ExpiredKept)
	sweep := command.Sweep{Limit: command.MaxSwept}
	g.do(sweep, sweep, command.Sweep{Limit: 1})
	if got := g.Store().Links(); got != 2*command.MaxSwept {
		t.Errorf("%d links are left, want %d", got, 2*command.MaxSwept)
	}
	g.do(command.Sweep{Limit: command.MaxSwept - 1}, sweep)
	if got := g.Store().Links(); got != command.MaxSwept {
		t.Errorf("%d links are left, want %d", got, command.MaxSwept)
	}
}

func TestSweepingAtTheBeginningOfTime(t *testing.T) {
	g := &group{replica: start(t), writer: writer{node: "n1", boot: 1}, now: time.UnixMilli(0).UTC()}
	g.do(command.Lead{CodeKey: testKey, ClusterVersion: 1})
	g.ending("x", g.now.Add(time.Millisecond))
	g.sweep(1)
	if g.Failed() != nil || g.Store().Links() != 1 {
		t.Error(g.Failed())
	}
}

// A create without a code key stops a node; what finds nothing to do does not.
func TestCommandsBeforeTheCodeKeyThatTouchNothing(t *testing.T) {
	r := start(t)
	g := &group{replica: r, writer: writer{node: "n1", boot: 1}, now: testEpoch}
	results := g.do(command.Sweep{Limit: 1}, command.Consume{Code: "x"}, command.Edit{Edit: link.Edit{Code: "abcdefg"}}, command.Delete{Code: "x"})
	for i, want := range []error{nil, link.ErrNotFound, link.ErrNotFound, link.ErrNotFound} {
		if !errors.Is(results[i].Err, want) || want == nil && results[i].Err != nil {
			t.Errorf("operation %d: %v, want %v", i, results[i].Err, want)
		}
	}
}
