package wire

import "sync/atomic"

// Stats counts what a network carried since it was made.
type Stats struct {
	// Writes on streams, and their bytes.
	Writes, Bytes uint64
	// Dials that succeeded, and that were refused.
	Dials, Refused uint64
	// Breaks of streams by Loss; Resets sent for any other reason; Timeouts of ends that lost their patience.
	Breaks, Resets, Timeouts uint64
	// Packets sent, and their bytes.
	Packets, PacketBytes uint64
	// What became of packets that did not simply arrive: Lost by Loss, Cut off, Overflowed a queue, Unheard by anyone at the
	// address; Duplicated and Reordered ones arrive.
	Lost, Cut, Overflowed, Unheard, Duplicated, Reordered uint64
}

// counters are the live Stats.
type counters struct {
	writes, bytes, dials, refused, breaks, resets, timeouts                     atomic.Uint64
	packets, packetBytes, lost, cut, overflowed, unheard, duplicated, reordered atomic.Uint64
}

// Stats is the count so far.
func (n *Network) Stats() Stats {
	c := &n.counters
	return Stats{
		Writes: c.writes.Load(), Bytes: c.bytes.Load(),
		Dials: c.dials.Load(), Refused: c.refused.Load(),
		Breaks: c.breaks.Load(), Resets: c.resets.Load(), Timeouts: c.timeouts.Load(),
		Packets: c.packets.Load(), PacketBytes: c.packetBytes.Load(),
		Lost: c.lost.Load(), Cut: c.cut.Load(), Overflowed: c.overflowed.Load(), Unheard: c.unheard.Load(),
		Duplicated: c.duplicated.Load(), Reordered: c.reordered.Load(),
	}
}
