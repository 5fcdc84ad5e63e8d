package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Conn is one end of a connection.
type Conn struct {
	in, out       *half
	local, remote Addr
}

// half is one direction: a bounded buffer with a reader and a writer.
type half struct {
	network *Network

	mu     sync.Mutex // guards everything below
	wake   *sync.Cond
	data   []byte
	ended  bool // the writer closed: EOF once the buffer is empty
	broken bool // the reader closed: writes fail
	frozen bool // a cut lies on this direction
	read   deadline
	write  deadline
}

// deadline is a time and the timer that wakes whoever waits for it.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func newHalf(n *Network) *half {
	h := &half{network: n}
	h.wake = sync.NewCond(&h.mu)
	return h
}

// freeze stops or restarts the delivery of what is written.
func (h *half) freeze(cut bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.frozen = cut
	h.wake.Broadcast()
}

// set moves a deadline; waiting calls see it at once.
func (h *half) set(d *deadline, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = at
	if !at.IsZero() {
		d.timer = time.AfterFunc(time.Until(at), func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.wake.Broadcast()
		})
	}
	h.wake.Broadcast()
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

// readInto waits for a byte, the end, the deadline or the reader's own Close, as a cut allows.
func (h *half) readInto(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.broken:
			return 0, net.ErrClosed
		case h.read.passed():
			return 0, os.ErrDeadlineExceeded
		case len(h.data) > 0 && !h.frozen:
			n := copy(b, h.data)
			h.data = h.data[n:]
			h.wake.Broadcast()
			return n, nil
		case h.ended && !h.frozen:
			return 0, io.EOF
		}
		h.wake.Wait()
	}
}

// writeFrom waits for room; it returns how much was taken.
func (h *half) writeFrom(b []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.ended:
			return n, net.ErrClosed
		case h.broken && !h.frozen: // a cut hides the other side's close as well
			return n, io.ErrClosedPipe
		case h.write.passed():
			return n, os.ErrDeadlineExceeded
		case len(b) == 0:
			return n, nil
		case len(h.data) < window:
			m := min(len(b), window-len(h.data))
			h.data = append(h.data, b[:m]...)
			n, b = n+m, b[m:]
			h.wake.Broadcast()
			continue
		}
		h.wake.Wait()
	}
}

// end closes one side of the direction; both ends stop its deadlines' timers.
func (h *half) end(flag *bool) (first bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	first = !*flag
	*flag = true
	for _, d := range []*deadline{&h.read, &h.write} {
		if h.ended && h.broken && d.timer != nil {
			d.timer.Stop()
		}
	}
	h.wake.Broadcast()
	return first
}

// Read, Write, Close and the deadlines are those of net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.in.readInto(b)
	return n, c.wrap("read", err)
}

// Write takes bytes until the window is full.
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.out.writeFrom(b)
	return n, c.wrap("write", err)
}

// Close ends both directions; a second one fails with net.ErrClosed.
func (c *Conn) Close() error {
	first := c.out.end(&c.out.ended)
	c.in.end(&c.in.broken)
	if !first {
		return c.wrap("close", net.ErrClosed)
	}
	for _, h := range []*half{c.in, c.out} {
		h.mu.Lock()
		over := h.ended && h.broken
		h.mu.Unlock()
		if over {
			h.network.forget(h)
		}
	}
	return nil
}

func (c *Conn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "mem", Source: c.local, Addr: c.remote, Err: err}
}

// LocalAddr and RemoteAddr are the addresses the two sides live at.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the other side's.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline bounds waiting reads too.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.set(&c.in.read, t)
	return nil
}

// SetWriteDeadline bounds waiting writes too.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.set(&c.out.write, t)
	return nil
}
