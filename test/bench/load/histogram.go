//go:build linux

package load

import (
	"math/bits"
	"time"
)

// histogram counts times in buckets that are about 3 % wide, from 1 ns on. It is a fixed array: counting allocates nothing.
type histogram [64 * perOctave]uint64

// perOctave is how many buckets lie between a time and twice that time; a power of two.
const (
	perOctave     = 32
	perOctaveBits = 5
)

func (h *histogram) count(d time.Duration) {
	h[bucketOf(uint64(max(d, 1)))]++
}

// bucketOf gives times below 32 ns a bucket each, and beyond takes the five bits behind the highest one.
func bucketOf(ns uint64) int {
	if ns < perOctave {
		return int(ns)
	}
	shift := bits.Len64(ns) - 1 - perOctaveBits
	return (shift+1)*perOctave + int(ns>>shift) - perOctave
}

// lowest is the least time of a bucket.
func lowest(bucket int) uint64 {
	if bucket < perOctave {
		return uint64(bucket)
	}
	shift := bucket/perOctave - 1
	return uint64(bucket%perOctave+perOctave) << shift
}

func (h *histogram) add(other *histogram) {
	for i, n := range other {
		h[i] += n
	}
}

// quantile gives the time that the part q of all, 0 to 1, did not pass; 0 if nothing was counted.
func (h *histogram) quantile(q float64) time.Duration {
	var all uint64
	for _, n := range h {
		all += n
	}
	if all == 0 {
		return 0
	}
	rank := uint64(q*float64(all-1)) + 1
	for i, n := range h {
		if n >= rank {
			return time.Duration((lowest(i) + lowest(i+1)) / 2)
		}
		rank -= n
	}
	return 0
}
