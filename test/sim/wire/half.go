package wire

import "time"

// window is how many bytes a direction holds before its writer waits.
const window = 256 << 10

// half is one direction of a stream, with those who wait at its two sides. All of it is guarded by the stream's lock.
type half struct {
	flow
	quality Quality
	acked   int64 // how far the writer knows that the reader took; behind flow.read while no acknowledgement gets back
	// reset is when the reader's end hears that the writer's is gone.
	reset time.Duration

	torn   bool // something is lost for good: nothing more is delivered
	dark   bool // nothing arrives: one of the machines is off, or no longer at its address
	frozen bool // the writer's host stands still: nothing leaves
	stiff  bool // the reader's host stands still: nothing is taken out

	reader, writer        sleeper
	readUntil, writeUntil time.Duration // the deadlines
}

// blocked says that nothing gets through.
func (h *half) blocked() bool { return h.quality.Cut || h.dark }

// held says that nothing leaves.
func (h *half) held() bool { return h.blocked() || h.frozen }

// room is how many more bytes the writer may give.
func (h *half) room() int { return window - int(h.taken-h.acked) }

// dispatch sends what was taken, leaving at the instant given, if anything can leave.
func (h *half) dispatch(leaves, now time.Duration, random *chance) {
	if h.held() || !h.unsent() {
		return
	}
	at := h.send(leaves + random.delay(&h.quality))
	if !h.stiff {
		h.reader.expect(at, now)
	}
}

// credit lets the writer know what was read.
func (h *half) credit() {
	if h.acked == h.read {
		return
	}
	full := h.room() <= 0
	h.acked = h.read
	if full {
		h.writer.wake()
	}
}
