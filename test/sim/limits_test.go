package sim

import (
	"testing"
	"time"

	"tinyurl/fsm/link"
	"tinyurl/test/history"
)

// asks gives what is told to a client that asks one after the other, on machines in turn.
type asks struct {
	t     *testing.T
	world *world
	turn  int
}

// next is the process to ask.
func (a *asks) next() *process {
	up := a.world.founders()
	a.turn++
	return up[a.turn%len(up)].current()
}

func (a *asks) want(what string, got, want history.Outcome) {
	a.t.Helper()
	if got != want {
		a.t.Errorf("%s was answered %q, want %q", what, got, want)
	}
}

// A link is used up on all nodes at once, and those who are not counted do not use it up.
func TestVisitsOfALinkWithALimitAreCounted(t *testing.T) {
	l := short(t, func(w *world) {
		a := &asks{t: t, world: w}
		d := link.Draft{Fields: link.Fields{Target: "https://t.test/few", MaxVisits: 2}}
		made := w.create(a.next(), 1000, 5*time.Second, d)[0]
		for _, step := range []struct {
			kind history.Kind
			want history.Outcome
		}{
			{history.Follow, history.OK},
			{history.Visit, history.OK},
			{history.Follow, history.OK},
			{history.Visit, history.OK},
			{history.Visit, history.Gone},
			// Who is not counted is answered from what a node knows: a read of the newest on each tells all of them.
			{history.Get, history.OK},
			{history.Get, history.OK},
			{history.Get, history.OK},
			{history.Follow, history.Gone},
			{history.Follow, history.Gone},
			{history.Follow, history.Gone},
		} {
			a.want(string(step.kind), w.read(a.next(), 1000, 5*time.Second, step.kind, made.Code), step.want)
		}
	})
	if found := checkersOf(t, l); len(found) > 0 {
		t.Errorf("violations: %v", found)
	}
	counted := 0
	for _, f := range l.history.Finals {
		for code, visits := range f.Visits {
			if f.Targets[code] == "https://t.test/few" && visits == 2 {
				counted++
			}
		}
	}
	if counted != 3 {
		t.Errorf("%d nodes counted both visits, want 3", counted)
	}
}

// A key holds on every node from its making to its revocation, for writes and for reads.
func TestAnAPIKeyHoldsUntilItIsRevoked(t *testing.T) {
	key := apiKey{id: "a-key", hash: [32]byte{1}}
	l := short(t, func(w *world) {
		a := &asks{t: t, world: w}
		target := link.Target("https://t.test/by-key")
		use := func(write, read history.Outcome) {
			for range w.founders() {
				made := w.createBy(key, a.next(), 1000, 5*time.Second, link.Draft{Fields: link.Fields{Target: target}})[0]
				a.want("a create with the key", made.Outcome, write)
				target += "x"
				a.want("a get with the key", w.readBy(key, a.next(), 1000, 5*time.Second, history.Get, "nothing"), read)
			}
		}
		a.want("the making of a key", w.govern(a.next(), 1000, 5*time.Second, key, history.Grant), history.OK)
		use(history.OK, history.NotFound)
		a.want("a revocation", w.govern(a.next(), 1000, 5*time.Second, key, history.Revoke), history.OK)
		use(history.Unauthorized, history.Unauthorized)
		a.want("another revocation", w.govern(a.next(), 1000, 5*time.Second, key, history.Revoke), history.NotFound)
	})
	if found := checkersOf(t, l); len(found) > 0 {
		t.Errorf("violations: %v", found)
	}
	for _, f := range l.history.Finals {
		if holds, told := f.Keys[key.id]; !told || holds {
			t.Errorf("in the end %s holds %v", f.Node, f.Keys)
		}
	}
}
