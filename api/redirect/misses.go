package redirect

import (
	"container/list"
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"tinyurl/fsm/link"
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
	most   int // addresses; immutable

	mu        sync.Mutex
	addresses map[netip.Addr]*list.Element // owned by mu; the elements of recent
	recent    *list.List                   // owned by mu; of *bucket, the latest first
}

// bucket is what is remembered of an address.
type bucket struct {
	address netip.Addr
	full    time.Time
}

// NewMisses makes a limit of perSecond codes a second and address, 1 to MaxMissLimit, by the clock now.
func NewMisses(perSecond int, now func() time.Time) *Misses {
	return &Misses{
		refill:    time.Second / time.Duration(min(max(perSecond, 1), MaxMissLimit)),
		now:       now,
		most:      missAddresses,
		addresses: make(map[netip.Addr]*list.Element),
		recent:    list.New(),
	}
}

// Limited gives a Handler like h that asks m before it has the leader asked about a code.
func (h *Handler) Limited(m *Misses) *Handler {
	limited := *h
	limited.misses = m
	return &limited
}

// admit takes a code out of the bucket of the visitor at address, which is host:port; false if it is empty. What cannot be
// read, like the address of a Unix socket, is one address like any other.
func (m *Misses) admit(address string) bool {
	from := household(address)
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.bucket(from)
	if b.full.Before(now) {
		b.full = now
	}
	if b.full.Sub(now) > missBurst*time.Second-m.refill {
		return false
	}
	b.full = b.full.Add(m.refill)
	return true
}

// bucket finds the bucket of an address, or makes one, if need be of the one used longest ago. The caller holds mu.
func (m *Misses) bucket(from netip.Addr) *bucket {
	if known, ok := m.addresses[from]; ok {
		m.recent.MoveToFront(known)
		return known.Value.(*bucket)
	}
	if len(m.addresses) >= m.most {
		oldest := m.recent.Back()
		delete(m.addresses, m.recent.Remove(oldest).(*bucket).address)
	}
	b := &bucket{address: from}
	m.addresses[from] = m.recent.PushFront(b)
	return b
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

// resolve is the Resolver's, but for visitors who have asked too often for what nobody knows.
func (h *Handler) resolve(ctx context.Context, from Visitor, code link.Code) (link.Link, error) {
	if h.misses != nil {
		found, settled, err := h.resolver.Look(code)
		if settled {
			return found, err
		}
		// A link that has expired here is no guess: it is asked for, whoever wants it.
		if errors.Is(err, link.ErrNotFound) && !h.misses.admit(from.address()) {
			return link.Link{}, ErrTooManyMisses
		}
	}
	return h.resolver.Resolve(ctx, code)
}
