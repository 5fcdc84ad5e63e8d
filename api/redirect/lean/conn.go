package lean

import (
	"net"
	"sync/atomic"
	"time"
)

// firstBuffer is how many bytes of requests a connection has room for at first.
const firstBuffer = 4 << 10

// conn is a connection while it is read here. All but busy is owned by the goroutine that serves the connection.
type conn struct {
	net.Conn
	// slack is how much a deadline may be off what was asked for. Deadlines are set anew with every request, and each
	// setting moves a timer of the runtime; most of them differ by milliseconds from the one that stands.
	slack time.Duration
	// readSet and writeSet are the deadlines that stand.
	readSet, writeSet time.Time
	// in are the bytes that were read and not answered yet; they stand in buffer. out is the latest answer.
	in, buffer, out []byte
	// began is when the request began to be there; of a connection's first request it is when the connection began, until it is answered.
	began time.Time
	// answered says that there was a request before.
	answered bool
	// given says that net/http has got the connection.
	given bool
	// busy says that a request is under way, or the first one awaited.
	busy atomic.Bool
}

func newConn(inner net.Conn, slack time.Duration) *conn {
	c := &conn{Conn: inner, slack: slack, buffer: make([]byte, firstBuffer), began: time.Now()}
	c.in = c.buffer[:0]
	c.busy.Store(true)
	return c
}

// more reads what there is, behind the bytes in c.in, of which there are fewer than most.
func (c *conn) more(most int) error {
	switch {
	case len(c.in) == 0:
		if len(c.buffer) > firstBuffer {
			c.buffer = make([]byte, firstBuffer) // a long header was one of a kind
		}
		c.in = c.buffer[:0]
	case len(c.in) == cap(c.in):
		if len(c.in) == len(c.buffer) {
			c.buffer = make([]byte, min(2*len(c.buffer), most))
		}
		c.in = c.buffer[:copy(c.buffer, c.in)]
	}
	n, err := c.Read(c.in[len(c.in):min(cap(c.in), most)])
	c.in = c.in[:len(c.in)+n]
	if n > 0 {
		return nil // an error that lasts comes again
	}
	return err
}

// send writes the answer in c.out.
func (c *conn) send() error {
	_, err := c.Write(c.out)
	if cap(c.out) > firstBuffer {
		c.out = nil
	}
	return err
}

// readBy sets the deadline of reads, if it differs from the one that stands.
func (c *conn) readBy(t time.Time) error {
	if !c.off(t, c.readSet) {
		return nil
	}
	c.readSet = t
	return c.SetReadDeadline(t)
}

// writeBy sets the deadline of writes, if it differs from the one that stands.
func (c *conn) writeBy(t time.Time) error {
	if !c.off(t, c.writeSet) {
		return nil
	}
	c.writeSet = t
	return c.SetWriteDeadline(t)
}

// off reports whether one deadline cannot stand for the other.
func (c *conn) off(wanted, set time.Time) bool {
	return set.IsZero() || wanted.Sub(set).Abs() > c.slack
}
