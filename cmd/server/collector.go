package server

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

const (
	// collectorRoom is what the heap may grow by between two collections, in bytes. By Go's own rule, a share of what lives,
	// a small heap is collected all the time, which took a fifth of a node's CPU, and one with a large cache grows by several
	// times that cache.
	collectorRoom = 96 << 20
	// The room is never less than half of what lives, so that a large heap, which takes long to look through, is not looked
	// through too often, and never more than four times.
	minGCPercent, maxGCPercent = 50, 400
)

// collector keeps the room between two collections of the garbage at so many bytes, by setting Go's share of what lives
// anew after each. The method is known as a GC tuner: an object that nobody holds tells of every collection.
type collector struct {
	stopped atomic.Bool
	set     func(percent int)
	percent int // owned by the runtime's goroutine for clean-ups, once started
}

// herald is what a collector makes anew for every collection. It is too large to share its memory with other objects, so
// that nothing else keeps it alive.
type herald struct {
	_ *collector
	_ [64]byte
}

// startCollector starts a collector, whose settings go to set; debug.SetGCPercent takes them.
func startCollector(set func(percent int)) *collector {
	c := &collector{set: set, percent: maxGCPercent}
	set(c.percent)
	c.await()
	return c
}

// stop ends it at the next collection, at the latest.
func (c *collector) stop() { c.stopped.Store(true) }

// await adjusts the share after the next collection.
func (c *collector) await() {
	runtime.AddCleanup(new(herald), func(c *collector) {
		if c.stopped.Load() {
			return
		}
		c.adjust(liveHeap())
		c.await()
	}, c)
}

// adjust sets the share for so many living bytes. A change of a tenth or less is left out: the world stands still for it.
func (c *collector) adjust(living uint64) {
	percent := gcPercent(living)
	if change := percent - c.percent; 10*max(change, -change) > c.percent {
		c.percent = percent
		c.set(percent)
	}
}

// gcPercent is the share of so many living bytes that the room makes.
func gcPercent(living uint64) int {
	if living == 0 {
		return maxGCPercent
	}
	return int(min(max(100*collectorRoom/living, minGCPercent), maxGCPercent))
}

// liveHeap is what the last collection found alive, in bytes.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// setGCPercent is Go's, without what it was before.
func setGCPercent(percent int) { debug.SetGCPercent(percent) }
