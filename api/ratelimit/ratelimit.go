// Package ratelimit bounds how often something may be done, for each of many keys or addresses, in a bounded memory.
package ratelimit

import (
	"net/netip"
	"sync"
	"time"
)

// Rate is how often something may be done: Burst times at once, and once more for each Every that goes by.
type Rate struct {
	Every time.Duration // 1 ns or more
	Burst int           // 1 or more
}

// burstSeconds is how many seconds' worth PerSecond allows at once.
const burstSeconds = 2

// PerSecond is n times a second, 1 to 1e9, and two seconds' worth at once.
func PerSecond(n int) Rate {
	return Rate{Every: time.Second / time.Duration(n), Burst: burstSeconds * n}
}

// State is what became of a Take.
type State struct {
	// Taken says that it may be done.
	Taken bool
	// Limit is how often it may be done at once by whoever has rested, Remaining how often it may be done now.
	Limit, Remaining int
	// Reset is how long it takes until Remaining is Limit again, Wait until it may be done once more; 0 if it may be now.
	Reset, Wait time.Duration
}

// Buckets bounds a rate for each of the keys that were used last; a key that was forgotten starts afresh. What is kept of a bucket
// is one moment: when it will be full again. It is safe for use by several goroutines.
type Buckets[K comparable] struct {
	rate Rate             // immutable
	now  func() time.Time // immutable

	mu   sync.Mutex
	full *Latest[K, time.Time] // owned by mu: when the buckets are full
}

// New makes full buckets for so many keys at most, by the clock now. Each key takes some 200 bytes.
func New[K comparable](rate Rate, most int, now func() time.Time) *Buckets[K] {
	rate.Every, rate.Burst = max(rate.Every, 1), max(rate.Burst, 1)
	return &Buckets[K]{rate: rate, now: now, full: NewLatest[K, time.Time](most)}
}

// Take takes one out of a key's bucket, if there is one.
func (b *Buckets[K]) Take(key K) State {
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	full := b.full.Of(key)
	whole := time.Duration(b.rate.Burst) * b.rate.Every
	// Between empty and full, also where the clock was set back.
	missing := min(max(full.Sub(now), 0), whole)
	taken := missing+b.rate.Every <= whole
	if taken {
		missing += b.rate.Every
	}
	*full = now.Add(missing)
	s := State{Taken: taken, Limit: b.rate.Burst, Remaining: int((whole - missing) / b.rate.Every), Reset: missing}
	if s.Remaining == 0 {
		s.Wait = missing + b.rate.Every - whole
	}
	return s
}

// Return puts back what was taken for something that is not to count.
func (b *Buckets[K]) Return(key K) {
	b.mu.Lock()
	defer b.mu.Unlock()
	full := b.full.Of(key)
	*full = full.Add(-b.rate.Every)
}

// Household is whom an address counts for: itself, or of IPv6 the /64, of which everybody has at least one whole. What is no
// address is one like any other.
func Household(from netip.Addr) netip.Addr {
	from = from.Unmap().WithZone("")
	if from.Is6() {
		network, _ := from.Prefix(64) // which every IPv6 address has
		return network.Addr()
	}
	return from
}
