package lean

import (
	"net"
	"testing"
	"time"
)

// deadlines counts what reaches the socket.
type deadlines struct {
	net.Conn
	read, write int
}

func (d *deadlines) Read([]byte) (int, error)         { return 1, nil }
func (d *deadlines) SetReadDeadline(time.Time) error  { d.read++; return nil }
func (d *deadlines) SetWriteDeadline(time.Time) error { d.write++; return nil }

func TestDeadlinesAreSetWhenTheyMove(t *testing.T) {
	start := time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)
	inner := &deadlines{}
	c := &conn{Conn: inner, slack: time.Second}
	for i, step := range []struct {
		by          time.Duration
		reads       bool
		read, write int
	}{
		{0, true, 1, 1},
		{time.Second, true, 1, 1},
		{1001 * time.Millisecond, false, 1, 2},
		{1001 * time.Millisecond, true, 2, 2},
		{-time.Hour, true, 3, 3},
	} {
		_, _ = c.SetReadDeadline(start.Add(step.by)), c.SetWriteDeadline(start.Add(step.by))
		if step.reads {
			_, _ = c.Read(nil)
		}
		if inner.read != step.read || inner.write != step.write {
			t.Errorf("step %d: %d read and %d write deadlines set, want %d and %d", i, inner.read, inner.write, step.read, step.write)
		}
	}
	_, _ = c.SetReadDeadline(time.Time{}), c.SetWriteDeadline(time.Time{})
	if _, _ = c.Read(nil); inner.read != 4 || inner.write != 4 {
		t.Error("no deadline is not set")
	}
}
