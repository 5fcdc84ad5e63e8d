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
	collectorRoom = 64 << 20
	// The room is never less than three tenths of what is looked through, so that a large heap, which takes long, is not looked through
	// too often, and never more than four times.
	minGCPercent, maxGCPercent = 30, 400
)

// collector keeps the room between two collections of the garbage at so many bytes, by setting Go's share of what was looked
// through anew after a collection. The method is known as a GC tuner: an object that nobody holds tells of collections (of every
// second one, where one follows right upon another).
type collector struct {
	stopped atomic.Bool
	set     func(percent int)
	percent int // owned by the runtime's goroutine for clean-ups, once started
}

// herald is what a collector makes anew after each collection it heard of. It is too large to share its memory with other objects, so
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
		c.adjust(lookedThrough())
		c.await()
	}, c)
}

// adjust sets the share for so many bytes that were looked through. A change of a tenth or less is left out.
func (c *collector) adjust(scanned uint64) {
	percent := gcPercent(scanned)
	if change := percent - c.percent; 10*max(change, -change) > c.percent {
		c.percent = percent
		c.set(percent)
	}
}

// gcPercent is the share of so many bytes that the room makes.
func gcPercent(scanned uint64) int {
	if scanned == 0 {
		return maxGCPercent
	}
	return int(min(max(100*collectorRoom/scanned, minGCPercent), maxGCPercent))
}

// lookedThrough is what Go takes its share of, in bytes: what the last collection found alive, the stacks, and the globals.
func lookedThrough() (sum uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(samples)
	for _, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			sum += s.Value.Uint64()
		}
	}
	return sum
}

// setGCPercent is Go's, without what it was before.
func setGCPercent(percent int) { debug.SetGCPercent(percent) }
