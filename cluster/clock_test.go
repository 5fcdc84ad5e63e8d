package cluster

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/member"
	"tinyurl/fsm/link"
	"tinyurl/test/bubble"
	"tinyurl/test/sim/links"
)

// shifted gives each node a clock that the test moves, in nanoseconds.
func shifted(shifts map[string]*atomic.Int64) func(*Config) {
	return func(c *Config) {
		shift := &atomic.Int64{}
		shifts[c.Name] = shift
		c.Environment.Now = func() time.Time { return time.Now().Add(time.Duration(shift.Load())) }
	}
}

func TestAJumpOfTheLeadersClockNeverReachesTheLog(t *testing.T) {
	shifts := map[string]*atomic.Int64{}
	c := newTestCluster(t, 3, shifted(shifts))
	made := c.create(c.nodes[0], link.Draft{Fields: link.Fields{Target: "https://example.com/"}, ExpiresIn: 24 * time.Hour})
	leader := c.leader()
	shifts[leader.config.Name].Store(int64(48 * time.Hour))
	for range 5 {
		links.Create(t.Context(), leader, link.Draft{Fields: link.Fields{Target: "https://example.com/stamped-by-a-wrong-clock"}})
	}
	shifts[leader.config.Name].Store(0)
	for _, n := range c.nodes {
		if ahead := time.Until(n.group.Load().fsm.Store().Stamp()); ahead > time.Minute {
			t.Fatalf("%s has a stamp %v ahead of the time", n.config.Name, ahead)
		}
		if got, err := n.Resolve(t.Context(), made.Code); err != nil || got.State(n.Now()) != link.Open {
			t.Fatalf("a link that is valid for a day has ended on %s: %+v, %v", n.config.Name, got, err)
		}
	}
}

func TestAFollowerWithAWrongClockThatComesToLeadDoesNotStampIt(t *testing.T) {
	shifts := map[string]*atomic.Int64{}
	c := newTestCluster(t, 3, shifted(shifts))
	made := c.create(c.nodes[0], link.Draft{Fields: link.Fields{Target: "https://example.com/"}, ExpiresIn: 30 * time.Minute})
	c.agreed()
	lost := c.leader()
	wrong, right := c.others(lost)[0], c.others(lost)[1]
	shifts[wrong.config.Name].Store(int64(50 * time.Minute)) // more would stop it, if it is seen in time
	id, from := raft.ServerID(wrong.ID()), lost.group.Load().raft
	c.eventually("leadership is handed over", func() bool { // a machine that is busy may need more than raft's time for it
		return from.LeadershipTransferToServer(id, raft.ServerAddress(id)).Error() == nil || from.State() != raft.Leader
	})
	c.stop(lost) // two are left, and their clocks differ
	c.eventually("somebody takes writes", func() bool {
		results, err := links.Create(t.Context(), right, link.Draft{Fields: link.Fields{Target: "https://example.com/"}})
		return err == nil && results[0].Err == nil
	})
	if ahead := time.Until(right.group.Load().fsm.Store().Stamp()); ahead > time.Minute {
		t.Fatalf("a stamp %v ahead of the time", ahead)
	}
	if got, err := right.Resolve(t.Context(), made.Code); err != nil || got.State(right.Now()) != link.Open {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestWhatTimeItIs(t *testing.T) {
	hour := time.Hour
	for name, c := range map[string]struct {
		jumped  time.Duration // of our wall clock, since the stamps were set
		others  []time.Duration
		first   bool
		stamped time.Duration // the stamps' distance from the time they were set to
		hands   bool
		stops   bool
	}{
		"all agree":                                {0, []time.Duration{0, time.Second}, false, 0, false, false},
		"we are a minute off: the median's":        {time.Minute, []time.Duration{-time.Minute, -time.Minute}, false, 0, true, false},
		"we are two hours off":                     {2 * hour, []time.Duration{-2 * hour, -2 * hour}, false, 0, false, true},
		"one of the others is off":                 {0, []time.Duration{hour, 0}, false, 0, false, false},
		"of two, ours is ahead: theirs":            {hour, []time.Duration{-hour}, true, 0, false, false},
		"of two, theirs is ahead: ours":            {0, []time.Duration{hour}, true, 0, false, false},
		"alone, at the begin of a term: ours":      {hour, nil, true, hour, false, false},
		"alone, later: a jump is not believed":     {hour, nil, false, 0, false, false},
		"alone, later: a small difference is ours": {time.Second, nil, false, time.Second, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				began := time.Now()
				var handed, stopped bool
				k := &timekeeper{
					wall: func() time.Time { return time.Now().Add(c.jumped) }, stamps: &stampClock{}, log: slog.New(slog.DiscardHandler),
					transfer: func(context.Context) error { handed = true; return nil }, fatal: func(error) { stopped = true },
				}
				k.stamps.set(began)
				others := map[member.ID]Stats{}
				for i, o := range c.others {
					others[member.ID(rune('a'+i))] = Stats{Offset: o}
				}
				k.judge(t.Context(), others, c.first)
				if got := k.stamps.now().Sub(began.Round(0)); got != c.stamped {
					t.Errorf("the stamps moved by %v, want %v", got, c.stamped)
				}
				if handed != c.hands || stopped != c.stops {
					t.Errorf("handed over %v, stopped %v", handed, stopped)
				}
			})
		})
	}
}

func TestALoneClockThatGoesOnDisagreeingIsBelievedInTheEnd(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		k := &timekeeper{
			wall: func() time.Time { return time.Now().Add(time.Hour) }, stamps: &stampClock{}, log: slog.New(slog.DiscardHandler),
		}
		k.stamps.set(time.Now())
		for range loneDisputes + 1 {
			k.judge(t.Context(), nil, false)
		}
		if behind := k.wall().Sub(k.stamps.now()); behind.Abs() > maxSkew {
			t.Fatalf("still %v apart", behind)
		}
	})
}
