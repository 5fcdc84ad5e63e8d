package cluster

import (
	"context"
	"errors"
	"testing"
	"time"

	"tinyurl/fsm/link"
	"tinyurl/test/bubble"
)

// stateDouble is a local state that the test sets; arrive runs when the node catches up.
type stateDouble struct {
	links  map[link.Code]link.Link
	gone   map[link.Code]bool
	proven bool
	stamp  time.Time
	err    error
}

func (s *stateDouble) Route(c link.Code) (link.Route, bool, error) {
	l, err := s.Lookup(c)
	if err != nil {
		return link.Route{}, s.proven && errors.Is(err, link.ErrNotFound), err
	}
	return l.Route(), false, nil
}

func (s *stateDouble) Lookup(c link.Code) (link.Link, error) {
	if s.err != nil {
		return link.Link{}, s.err
	}
	if s.gone[c] {
		return link.Link{}, link.ErrGone
	}
	if l, ok := s.links[c]; ok {
		return l, nil
	}
	return link.Link{}, link.ErrNotFound
}

func (s *stateDouble) Stamp() time.Time { return s.stamp }

// newReads returns reads over s, whose read index runs arrive and fails with err.
func newReads(s *stateDouble, err error, arrive func()) (*reads, *int) {
	asked := 0
	return &reads{
		local: s, now: time.Now, timeout: time.Second,
		indexes: newRounds(time.Second, func(context.Context) (uint64, error) {
			asked++
			if arrive != nil {
				arrive()
			}
			return 1, err
		}),
		applied: func(context.Context, uint64) error { return nil },
	}, &asked
}

func TestResolveAsksTheLeaderOnlyWhereItMust(t *testing.T) {
	const code = "abc"
	target := link.Link{Code: code, Fields: link.Fields{Target: "https://example.com/"}}
	engine := errors.New("disk on fire")
	for name, c := range map[string]struct {
		state   stateDouble
		arrives *link.Link // what catching up brings
		leader  error      // why no index could be had
		want    error
		asks    int
	}{
		"a hit is answered at once, leader or none":         {state: stateDouble{links: map[link.Code]link.Link{code: target}}, leader: ErrNotLeader},
		"a tombstone is answered at once":                   {state: stateDouble{gone: map[link.Code]bool{code: true}}, leader: ErrNotLeader, want: link.ErrGone},
		"proven absence is answered at once":                {state: stateDouble{proven: true}, leader: ErrNotLeader, want: link.ErrNotFound},
		"any other miss asks":                               {asks: 1, want: link.ErrNotFound},
		"a miss that an acknowledged create explains":       {asks: 1, arrives: &target},
		"a miss without a leader is no absence":             {asks: 1, leader: ErrNotLeader, want: link.ErrNoLeader},
		"an expired hit asks, as it may have been extended": {state: stateDouble{links: map[link.Code]link.Link{code: expired(target)}}, arrives: &target, asks: 1},
		"an expired hit without a leader is not answered": {
			state: stateDouble{links: map[link.Code]link.Link{code: expired(target)}}, leader: ErrNotLeader, asks: 1, want: link.ErrNoLeader,
		},
		"a failing store is neither absence nor no leader": {state: stateDouble{err: engine}, want: engine},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				r, asked := newReads(&c.state, c.leader, func() {
					if c.arrives != nil {
						c.state.links = map[link.Code]link.Link{code: *c.arrives}
					}
				})
				defer r.indexes.close()
				_, settled, looked := r.look(code)
				if settled != (c.asks == 0) || settled && !errors.Is(looked, c.want) || !settled && looked != nil && !errors.Is(looked, link.ErrNotFound) {
					t.Errorf("a look alone: settled %v, %v", settled, looked)
				}
				l, err := r.resolve(t.Context(), code)
				if !errors.Is(err, c.want) || (err == nil && l != target.Route()) {
					t.Fatalf("got %+v, %v; want error %v", l, err, c.want)
				}
				if *asked != c.asks {
					t.Fatalf("asked the leader %d times, want %d", *asked, c.asks)
				}
			})
		})
	}
}

func expired(l link.Link) link.Link {
	l.ValidUntil = time.Unix(1, 0)
	return l
}

func TestTheClockNeverFallsBelowTheLastStamp(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := link.Link{Code: "abc", Fields: link.Fields{ValidUntil: time.Now().Add(time.Hour)}}
		s := &stateDouble{links: map[link.Code]link.Link{"abc": l}, stamp: time.Now().Add(2 * time.Hour)}
		r, asked := newReads(s, ErrNotLeader, nil)
		defer r.indexes.close()
		if _, err := r.resolve(t.Context(), "abc"); !errors.Is(err, link.ErrNoLeader) || *asked != 1 {
			t.Fatalf("a link that the cluster has seen expire was served: %v", err)
		}
	})
}

func TestAReadWaitsForTheStateAndGivesUpInTime(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := &stateDouble{}
		r, _ := newReads(s, nil, nil)
		defer r.indexes.close()
		r.applied = func(ctx context.Context, _ uint64) error {
			<-ctx.Done()
			return ctx.Err()
		}
		start := time.Now()
		if err := r.catchUp(t.Context()); !errors.Is(err, link.ErrNoLeader) {
			t.Fatalf("a node that did not catch up answered %v", err)
		}
		if waited := time.Since(start); waited != time.Second {
			t.Fatalf("waited %v", waited)
		}
	})
}
