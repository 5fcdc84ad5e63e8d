package server

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestTheHeapGrowsByItsRoomWhateverLives(t *testing.T) {
	for _, c := range []struct {
		living uint64
		want   int
	}{
		{0, 400}, {1 << 20, 400}, {16 << 20, 400}, {32 << 20, 200}, {64 << 20, 100}, {128 << 20, 50}, {256 << 20, 30}, {10 << 30, 30},
	} {
		if got := gcPercent(c.living); got != c.want {
			t.Errorf("%d MiB live: %d %%, want %d", c.living>>20, got, c.want)
		}
	}
}

func TestSmallChangesAreLeftOut(t *testing.T) {
	var set []int
	c := &collector{set: func(percent int) { set = append(set, percent) }, percent: 100}
	for _, living := range []uint64{64 << 20, 61 << 20, 70 << 20, 43 << 20, 42 << 20, 85 << 20} {
		c.adjust(living)
	}
	if len(set) != 2 || set[0] != 148 || set[1] != 75 {
		t.Errorf("set %v, want 148 and 75", set)
	}
}

// TestCollectionsAreHeardOf holds more and then less alive, and collects.
func TestCollectionsAreHeardOf(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	settings := make(chan int, 100)
	c := startCollector(func(percent int) { settings <- percent })
	defer c.stop()
	collectUntil := func(when string, wanted func(percent int) bool) {
		t.Helper()
		deadline := time.After(10 * time.Second)
		for {
			runtime.GC()
			select {
			case percent := <-settings:
				if wanted(percent) {
					return
				}
			case <-time.After(10 * time.Millisecond):
			case <-deadline:
				t.Fatalf("%s no such share was set", when)
			}
		}
	}
	large := make([]byte, 4*collectorRoom)
	collectUntil("with much alive", func(percent int) bool { return percent == minGCPercent })
	runtime.KeepAlive(large)
	large = nil
	collectUntil("with little alive", func(percent int) bool { return percent > minGCPercent })
	_ = large
}
