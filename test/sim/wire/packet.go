package wire

import (
	"net"
	"slices"
	"time"

	"github.com/hashicorp/memberlist"
)

// flight is packets on their way to one port, the next to arrive first, and the one timer for all of them. The network's mu
// guards it.
type flight struct {
	packets []flying
	land    func()
	timer   *time.Timer // nil until it was needed
}

// flying is one packet.
type flying struct {
	packet *memberlist.Packet
	at     time.Duration
	route  route
}

// add puts a packet in order.
func (f *flight) add(p flying) {
	at, _ := slices.BinarySearchFunc(f.packets, p.at, func(p flying, at time.Duration) int {
		if p.at > at {
			return 1
		}
		return -1 // behind those of the same instant
	})
	f.packets = slices.Insert(f.packets, at, p)
}

// set makes the timer run for the first.
func (f *flight) set(now time.Duration) {
	if len(f.packets) == 0 {
		return
	}
	wait := f.packets[0].at - now
	if f.timer == nil {
		f.timer = time.AfterFunc(wait, f.land)
		return
	}
	f.timer.Reset(wait)
}

// pop takes those that have arrived.
func (f *flight) pop(now time.Duration) []flying {
	n := 0
	for n < len(f.packets) && f.packets[n].at <= now {
		n++
	}
	arrived := slices.Clone(f.packets[:n])
	f.packets = slices.Delete(f.packets, 0, n)
	return arrived
}

// drop forgets all.
func (f *flight) drop() {
	f.packets = nil
	if f.timer != nil {
		f.timer.Stop()
	}
}

// overtaken is how much later, in latencies, a packet arrives at most that is to be overtaken.
const overtaken = 4

// carry takes a packet to the port for packets at an address, if there is one; the caller holds mu.
func (n *Network) carry(from *gossipPort, b []byte, address string) {
	n.counters.packets.Add(1)
	n.counters.packetBytes.Add(uint64(len(b)))
	host, port, err := n.find(address)
	if err != nil || host == nil || host.gossips[port] == nil {
		n.counters.unheard.Add(1)
		return
	}
	way := route{from.host.name, host.name, port}
	q := n.quality(way)
	switch {
	case q.Cut:
		n.counters.cut.Add(1)
		return
	case n.random.happens(q.Loss):
		n.counters.lost.Add(1)
		return
	}
	now, to := n.now(), host.gossips[port]
	source := net.UDPAddrFromAddrPort(from.host.tcpAddr(from.port).AddrPort())
	copies := 1
	if n.random.happens(q.Duplicate) {
		n.counters.duplicated.Add(1)
		copies = 2
	}
	for range copies {
		if len(to.coming.packets)+len(to.packets) >= inbox {
			n.counters.overflowed.Add(1)
			return
		}
		at := now + n.random.delay(&q)
		if n.random.happens(q.Reorder) {
			n.counters.reordered.Add(1)
			at += n.random.below(overtaken * max(q.Latency+q.Jitter, time.Millisecond))
		}
		to.coming.add(flying{&memberlist.Packet{Buf: slices.Clone(b), From: source}, at, way})
	}
	to.arrive(now)
}

// land is what the timer of the flight does.
func (g *gossipPort) land() {
	n := g.host.network
	n.mu.Lock()
	defer n.mu.Unlock()
	g.arrive(n.now())
}

// arrive hands over what has arrived, unless the host stands still; the caller holds the network's mu.
func (g *gossipPort) arrive(now time.Duration) {
	if g.ended || g.host.paused {
		return
	}
	for _, p := range g.coming.pop(now) {
		if g.host.network.quality(p.route).Cut {
			g.host.network.counters.cut.Add(1)
			continue
		}
		p.packet.Timestamp = time.Now()
		select {
		case g.packets <- p.packet:
		default:
			g.host.network.counters.overflowed.Add(1)
		}
	}
	g.coming.set(now)
}
