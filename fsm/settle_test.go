package fsm

import (
	"testing"
	"time"

	"tinyurl/test/bubble"
)

func TestWhatWasAppliedIsSyncedOnceItHasGatheredForAWhile(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var synced []time.Duration
		start := time.Now()
		s := newSettler(func() error { synced = append(synced, time.Since(start)); return nil })
		time.Sleep(time.Minute) // idle: nothing to sync
		start = time.Now()
		for range 25 {
			s.applied()
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		s.close()
		if len(synced) != 3 {
			t.Fatalf("synced at %v: want every %v while there is something, and then no more", synced, settleEvery)
		}
	})
}
