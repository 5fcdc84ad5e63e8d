package redirect

import (
	"errors"
	"net/netip"
	"sync"
	"time"
)

// ErrTooManyMisses is what a visitor is told who asks for unknown codes faster than a Misses allows. A second later there is
// room for another one.
var ErrTooManyMisses = errors.New("too many unknown codes were asked for from this address")

const (
	// MaxMissLimit is the highest limit of a Misses, in codes a second.
	MaxMissLimit = 1_000_000
	// missAddresses is how many addresses are remembered, the latest ones. Each takes some 200 bytes.
	missAddresses = 64 << 10
	// missBurst is how many seconds' worth of codes an address may ask for at once.
	missBurst = 2
)

// Misses bounds how often one address may make this node ask the leader about codes that nobody here knows, so that who
// guesses codes slows nobody else. Whatever this node can answer by itself is not counted and never refused.
//
// Each address has a bucket of missBurst seconds' worth. What is kept of a bucket is one moment: when it will be full again.
// So an address that is forgotten, or was quiet for so long, has a full bucket.
type Misses struct {
	refill time.Duration // between two codes of an address; immutable
	now    func() time.Time

	mu   sync.Mutex
	full *latest[netip.Addr, time.Time] // owned by mu: when the buckets are full
}

// NewMisses makes a limit of perSecond codes a second and address, 1 to MaxMissLimit, by the clock now.
func NewMisses(perSecond int, now func() time.Time) *Misses {
	return &Misses{
		refill: time.Second / time.Duration(min(max(perSecond, 1), MaxMissLimit)),
		now:    now,
		full:   newLatest[netip.Addr, time.Time](missAddresses),
	}
}

// admit takes a code out of the bucket of the visitor at address, which is host:port; false if it is empty. What cannot be
// read, like the address of a Unix socket, is one address like any other.
func (m *Misses) admit(address string) bool {
	from := household(address)
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	full := m.full.of(from)
	if full.Before(now) {
		*full = now
	}
	if full.Sub(now) > missBurst*time.Second-m.refill {
		return false
	}
	*full = full.Add(m.refill)
	return true
}

// household is whom an address counts for: itself, or of IPv6 the /64, of which everybody has at least one whole.
func household(address string) netip.Addr {
	known, _ := netip.ParseAddrPort(address)
	from := known.Addr().Unmap().WithZone("")
	if from.Is6() {
		network, _ := from.Prefix(64) // which every IPv6 address has
		return network.Addr()
	}
	return from
}
