package cluster

import (
	"testing"
	"time"

	"tinyurl/test/bubble"
)

func TestStalenessGrowsWhileTheLeaderIsSilentOrTheStateLagsBehind(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var index, applied uint64
		var at time.Time
		leads := false
		s := &staleness{
			heard: func() (uint64, time.Time) { return index, at }, applied: func() uint64 { return applied },
			leads: func() bool { return leads },
		}
		hear := func(i uint64) { index, at = i, time.Now() }
		want := func(want time.Duration) {
			t.Helper()
			if got := s.age(); got != want {
				t.Fatalf("age = %v, want %v", got, want)
			}
		}
		want(-1) // never heard of anything
		hear(5)
		want(-1) // heard, not applied
		applied = 5
		want(0)
		time.Sleep(3 * time.Second)
		want(3 * time.Second) // the leader is silent
		hear(5)
		want(0)
		// Under load the newest index is never applied yet, but the one before it is.
		for range 100 {
			hear(index + 10)
			s.follow()
			time.Sleep(100 * time.Millisecond)
			applied = index - 1
			s.follow()
			applied = index
			s.follow()
		}
		want(0)
		hear(index + 10)
		s.follow()
		time.Sleep(4 * time.Second)
		hear(index + 10) // the leader goes on, this node applies nothing
		if got := s.age(); got < 4*time.Second {
			t.Fatalf("age = %v of a state that has stood still for 4 s", got)
		}
		leads = true
		want(0)
	})
}
