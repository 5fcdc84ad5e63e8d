package fabric

import (
	"errors"
	"maps"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"time"
)

// rules are what holds for one direction. They are never changed, only replaced.
type rules struct {
	all   Quality
	ports map[uint16]Quality
}

// of is the rule for a frame: that of its port before that of all.
func (r *rules) of(h header) Quality {
	if len(r.ports) == 0 {
		return r.all
	}
	if q, ok := r.ports[h.destination]; ok && h.destination != 0 {
		return q
	}
	if q, ok := r.ports[h.source]; ok && h.source != 0 {
		return q
	}
	return r.all
}

// with is the rules with another one for a port; the zero Quality, too, is a rule.
func (r *rules) with(port uint16, q Quality) *rules {
	ports := maps.Clone(r.ports)
	if ports == nil {
		ports = make(map[uint16]Quality)
	}
	ports[port] = q
	return &rules{all: r.all, ports: ports}
}

// direction is what goes from one host to another.
type direction struct {
	write func(frame []byte) error
	line  *line
	rules atomic.Pointer[rules]
	count counts
	held  atomic.Int64 // bytes in the line

	// The goroutine that reads from the sending host owns these.
	chance *rand.Rand
	last   time.Time // when the latest frame that is not to be overtaken is due
}

// counts are Counters while they count.
type counts struct {
	passed, bytes, dropped, overflowed, delayed, duplicated, reordered atomic.Uint64
}

func (c *counts) read() Counters {
	return Counters{
		Passed: c.passed.Load(), Bytes: c.bytes.Load(), Dropped: c.dropped.Load(), Overflowed: c.overflowed.Load(),
		Delayed: c.delayed.Load(), Duplicated: c.duplicated.Load(), Reordered: c.reordered.Load(),
	}
}

// mostHeld is how many bytes of one direction may be under way, counting heldCost more for each frame. It is what a line of
// 80 Mbit/s holds with a delay of 800 ms.
const (
	mostHeld = 8 << 20
	heldCost = 256
)

// newDirection makes one whose chances are given by a seed and the numbers of the two hosts.
func newDirection(seed uint64, from, to int, l *line, write func([]byte) error) *direction {
	d := &direction{write: write, line: l, chance: rand.New(rand.NewPCG(seed, uint64(from)<<32|uint64(to)))}
	d.rules.Store(&rules{})
	return d
}

// take passes a frame on. ARP goes round the rules.
func (d *direction) take(h header, frame []byte) {
	if h.protocol == etherARP {
		_ = d.write(frame) // who asked asks again
		return
	}
	d.pass(h, frame)
}

// pass does to a frame what the rules say. The frame is the caller's again afterwards.
func (d *direction) pass(h header, frame []byte) {
	q := d.rules.Load().of(h)
	if q.clear() {
		d.send(frame)
		return
	}
	if q.Cut || d.happens(q.Loss) {
		d.count.dropped.Add(1)
		return
	}
	times := 1
	if d.happens(q.Duplicate) {
		d.count.duplicated.Add(1)
		times = 2
	}
	for range times {
		d.delay(q, h, frame)
	}
}

// happens draws a chance.
func (d *direction) happens(chance float64) bool { return chance > 0 && d.chance.Float64() < chance }

// delay sends a frame at once or puts it into the line.
func (d *direction) delay(q Quality, h header, frame []byte) {
	overtaken := d.happens(q.Reorder)
	if !overtaken && !q.delays() {
		d.send(frame)
		return
	}
	wait := q.Delay
	if q.Jitter > 0 {
		wait += time.Duration(d.chance.Int64N(int64(q.Jitter)))
	}
	due := time.Now().Add(wait)
	if due.Before(d.last) && q.delays() {
		due = d.last
	}
	if overtaken {
		due = due.Add(ReorderBy)
	} else {
		d.last = due
	}
	if !d.hold(due, h, frame) {
		return
	}
	d.count.delayed.Add(1)
	if overtaken {
		d.count.reordered.Add(1)
	}
}

// hold puts a copy of a frame into the line, if there is room.
func (d *direction) hold(due time.Time, h header, frame []byte) bool {
	size := int64(len(frame) + heldCost)
	if d.held.Add(size) > mostHeld {
		d.held.Add(-size)
		d.count.overflowed.Add(1)
		return false
	}
	d.line.add(&held{due: due, to: d, header: h, frame: append([]byte(nil), frame...)})
	return true
}

// release sends a frame whose time has come, unless the direction has been cut meanwhile.
func (d *direction) release(f *held) {
	d.held.Add(-int64(len(f.frame) + heldCost))
	if d.rules.Load().of(f.header).Cut {
		d.count.dropped.Add(1)
		return
	}
	d.send(f.frame)
}

// send gives a frame to the receiving host. What its link has no room for is lost, as everywhere.
func (d *direction) send(frame []byte) {
	switch err := d.write(frame); {
	case err == nil:
		d.count.passed.Add(1)
		d.count.bytes.Add(uint64(len(frame) - vnetHeader))
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOBUFS):
		d.count.overflowed.Add(1)
	default:
		d.line.fail(err)
	}
}
