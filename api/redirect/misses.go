package redirect

import (
	"errors"
	"net/netip"
	"time"

	"tinyurl/api/ratelimit"
)

// ErrTooManyMisses is what a visitor is told who asks for unknown codes faster than a Misses allows. A second later there is
// room for another one.
var ErrTooManyMisses = errors.New("too many unknown codes were asked for from this address")

const (
	// MaxMissLimit is the highest limit of a Misses, in codes a second.
	MaxMissLimit = 1_000_000
	// missAddresses is how many addresses are remembered, the latest ones. Each takes some 200 bytes.
	missAddresses = 64 << 10
)

// Misses bounds how often one address may make this node ask the leader about codes that nobody here knows, so that who
// guesses codes slows nobody else. Whatever this node can answer by itself is not counted and never refused.
type Misses struct {
	buckets *ratelimit.Buckets[netip.Addr]
}

// NewMisses makes a limit of perSecond codes a second and address, 1 to MaxMissLimit, by the clock now. Two seconds' worth may be
// asked for at once.
func NewMisses(perSecond int, now func() time.Time) *Misses {
	rate := ratelimit.PerSecond(min(max(perSecond, 1), MaxMissLimit))
	return &Misses{ratelimit.New[netip.Addr](rate, missAddresses, now)}
}

// admit takes a code out of the bucket of a visitor; false if it is empty.
func (m *Misses) admit(from netip.Addr) bool { return m.buckets.Take(ratelimit.Household(from)).Taken }
