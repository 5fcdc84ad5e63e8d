// Package fabric is a network of machines inside one test process, for the real program on real sockets. Enter puts the test
// binary into namespaces of its own, without root; New makes hosts, each a network namespace, around a packet switch that
// cuts, delays, loses, doubles and reorders what passes, in each direction by a rule of its own.
//
//	func TestMain(m *testing.M) {
//		code, inside := fabric.Enter()
//		if inside {
//			code = m.Run()
//		}
//		os.Exit(code)
//	}
//
// The test's own process is the host Load of every fabric, so plain net/http reaches every other host. A Fabric is a
// harness.Place: harness.Options{Place: f} runs node "n1" on host "n1".
//
// What the rules do not touch: ARP, so that hosts behave as if a router stood between them (a link cut in one direction goes
// on in the other, and a cut is silence and never "no route to host"). A frame may hold up to 64 KiB of TCP, as network cards
// take them; rules and counters are of frames.
//
// Only Linux has such namespaces. Elsewhere the package is Enter alone, which says so.
package fabric

import (
	"fmt"
	"time"
)

// Load is the name of the host on which the test's own process is.
const Load = "load"

// Quality is what happens to the frames that go from one host to another. The zero value passes them on at once.
type Quality struct {
	// Cut drops every frame, those under way too.
	Cut bool
	// Delay is how long a frame is under way, and Jitter what is added at random, up to it. The order is kept.
	Delay, Jitter time.Duration
	// Loss, Duplicate and Reorder are chances between 0 and 1: that a frame is dropped, that it arrives twice, and that it is
	// held back for ReorderBy, so that those behind it overtake it.
	Loss, Duplicate, Reorder float64
}

// ReorderBy is how much longer than others a frame is under way which is to be overtaken.
const ReorderBy = 10 * time.Millisecond

// clear reports whether q changes nothing.
func (q Quality) clear() bool { return q == Quality{} }

// delays reports whether a frame may be held.
func (q Quality) delays() bool { return q.Delay > 0 || q.Jitter > 0 }

// Counters count frames of one direction between two hosts, since the start of the fabric.
type Counters struct {
	// Passed is how many were sent on, doubles included, and Bytes their size.
	Passed, Bytes uint64
	// Dropped is how many a rule dropped (Cut and Loss), Overflowed how many there was no room for, in the delay line or in
	// the socket of the receiving host.
	Dropped, Overflowed uint64
	// Delayed, Duplicated and Reordered are how many were held, doubled, held back to be overtaken.
	Delayed, Duplicated, Reordered uint64
}

// String is the counters in one line.
func (c Counters) String() string {
	return fmt.Sprintf("%d frames (%d bytes) passed, %d dropped, %d without room, %d delayed, %d doubled, %d reordered",
		c.Passed, c.Bytes, c.Dropped, c.Overflowed, c.Delayed, c.Duplicated, c.Reordered)
}
