package gossip

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/test/bubble"
)

// visits writes down who is visited, and when since the start of the test.
type visits struct {
	begin time.Time

	mu     sync.Mutex
	to     []string        // guarded by mu
	at     []time.Duration // guarded by mu
	broken bool            // guarded by mu: nobody answers
}

func (v *visits) join(addrs []string) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.to, v.at = append(v.to, addrs...), append(v.at, time.Since(v.begin))
	if v.broken {
		return 0, errors.New("unreachable")
	}
	return 1, nil
}

// taken is who was visited since the last call, sorted, and when.
func (v *visits) taken() ([]string, []time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	to, at := v.to, v.at
	v.to, v.at = nil, nil
	slices.Sort(to)
	return to, at
}

func (v *visits) breaks() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.broken = true
}

// crowd is a table of living nodes, this one (0) and some others.
func crowd(others int) *table {
	t := newTable(peer{Member: member.Member{ID: testID(0), Boot: 1}}, time.Now)
	for n := range others + 1 {
		t.alive(living(n, 1))
	}
	return t
}

func living(n int, boot uint64) peer {
	return peer{Member: member.Member{ID: testID(n), Boot: boot, GossipAddr: testID(n).Name()}}
}

func TestEveryLifeOfANodeIsVisitedOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		v := &visits{begin: time.Now()}
		tab := crowd(2)
		g := &greeter{table: tab, random: func() float64 { return 1 }, pause: time.Second, join: v.join}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); g.run(ctx) }()
		expect := func(when string, want ...string) {
			t.Helper()
			time.Sleep(time.Minute)
			if to, _ := v.taken(); !slices.Equal(to, want) {
				t.Errorf("%s visited %v, want %v", when, to, want)
			}
		}
		one, two := testID(1).Name(), testID(2).Name()
		expect("at first", one, two)
		tab.alive(living(1, 1))
		tab.alive(living(2, 2))
		expect("at a new life of 2 and none of 1", two)
		tab.gone(living(1, 1))
		expect("at the end of 1")
		tab.alive(living(1, 1))
		expect("when 1 is seen again", one)
		v.breaks()
		tab.alive(living(1, 2))
		expect("though nobody answers", one, one, one, one, one)
		tab.gone(living(1, 1))
		tab.gone(living(1, 2))
		expect("at the end of both")
		tab.alive(living(1, 3))
		time.Sleep(500 * time.Millisecond)
		tab.gone(living(1, 3))
		expect("while the node dies", one)
		cancel()
		<-done
	})
}

func TestWhoIsSoughtIsAskedForAtABoundedPace(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		v := &visits{begin: time.Now()}
		v.breaks()
		var chance atomic.Int64 // in hundredths
		tab := crowd(3)
		s := newSeeker(tab, time.Now, func() float64 { return float64(chance.Load()) / 100 }, 2*time.Second, v.join)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); s.run(ctx) }()
		for range 99 {
			s.seek(testID(1))
			time.Sleep(100 * time.Millisecond)
		}
		to, at := v.taken()
		want := []time.Duration{0, 0, 2 * time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second, 6 * time.Second, 6 * time.Second, 8 * time.Second, 8 * time.Second}
		if !slices.Equal(at, want) {
			t.Errorf("visits at %v, want %v", at, want)
		}
		if one, two := testID(1).Name(), testID(2).Name(); !slices.Equal(to, slices.Concat(slices.Repeat([]string{one}, 5), slices.Repeat([]string{two}, 5))) {
			t.Errorf("visited %v, want %s, where it should be, as often as another, %s", to, one, two)
		}
		time.Sleep(time.Minute)
		if to, _ := v.taken(); len(to) > 2 {
			t.Errorf("visits of %v after nobody was sought any more", to)
		}

		chance.Store(99)
		s.seek("never-heard-of")
		time.Sleep(time.Minute)
		if to, _ := v.taken(); !slices.Equal(to, []string{testID(3).Name()}) {
			t.Errorf("for a node that nothing is known of %v were asked", to)
		}

		tab.gone(living(1, 1))
		time.Sleep(time.Minute)
		s.seek(testID(1))
		time.Sleep(time.Minute)
		if to, _ := v.taken(); len(to) != 1 {
			t.Errorf("for a node that failed a minute ago %v were asked", to)
		}
		time.Sleep(lostRecently)
		s.seek(testID(1))
		time.Sleep(time.Minute)
		if to, _ := v.taken(); len(to) != 0 {
			t.Errorf("for a node that failed long ago %v were asked", to)
		}
		cancel()
		<-done
	})
}
