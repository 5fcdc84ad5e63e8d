package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

var _ net.Conn = (*end)(nil)

// Read takes what has arrived; an arrived reset or end of the stream comes after all data.
func (e *end) Read(b []byte) (int, error) {
	s := e.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	in := e.in()
	for {
		now := s.network.now()
		if e.closed {
			return 0, e.wrap("read", net.ErrClosed)
		}
		if in.readUntil <= now {
			return 0, e.wrap("read", os.ErrDeadlineExceeded)
		}
		if len(b) == 0 {
			return 0, nil
		}
		if in.stiff {
			in.reader.wait(in.readUntil)
			continue
		}
		in.settle(now)
		if in.ready() > 0 {
			n := in.readInto(b)
			if !e.out().blocked() {
				in.credit()
			}
			return n, nil
		}
		if err := e.readError(now); err != nil {
			return 0, err
		}
		in.reader.wait(min(in.next(), in.reset, in.readUntil))
	}
}

// readError is why no more data will come; nil if some may.
func (e *end) readError(now time.Duration) error {
	switch in := e.in(); {
	case in.fin == finArrived:
		return io.EOF
	case in.reset <= now:
		return e.wrap("read", os.NewSyscallError("read", syscall.ECONNRESET))
	case e.failed != nil:
		return e.wrap("read", os.NewSyscallError("read", e.failed))
	}
	return nil
}

// Write gives bytes to the stream as far as its window is open, and waits for it to open for the rest.
func (e *end) Write(b []byte) (taken int, err error) {
	s := e.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	out := e.out()
	s.network.counters.writes.Add(1)
	for {
		now := s.network.now()
		if err := e.writeError(now); err != nil {
			return taken, e.wrap("write", err)
		}
		if n := min(out.room(), len(b)-taken); n > 0 {
			out.take(b[taken : taken+n])
			taken += n
			s.network.counters.bytes.Add(uint64(n))
			e.push(now, now)
		}
		if taken == len(b) {
			return taken, nil
		}
		out.writer.wait(min(out.writeUntil, e.in().reset))
	}
}

// writeError is why nothing can be written; nil if it can.
func (e *end) writeError(now time.Duration) error {
	switch in := e.in(); {
	case e.closed:
		return net.ErrClosed
	case e.out().writeUntil <= now:
		return os.ErrDeadlineExceeded
	case in.stiff: // nothing is heard while the machine stands still
		return nil
	case in.reset <= now && in.fin == finArrived:
		return os.NewSyscallError("write", syscall.EPIPE)
	case in.reset <= now:
		return os.NewSyscallError("write", syscall.ECONNRESET)
	case e.failed != nil:
		return os.NewSyscallError("write", e.failed)
	}
	return nil
}

// Close lets what was written go out and then the end of the stream. A second one fails with net.ErrClosed.
func (e *end) Close() error {
	s := e.stream
	s.mu.Lock()
	if e.closed {
		s.mu.Unlock()
		return e.wrap("close", net.ErrClosed)
	}
	e.vanish(s.network.now(), false)
	over := s.over()
	if over {
		s.rest()
	}
	s.mu.Unlock()
	if over {
		s.network.forget(s)
	}
	return nil
}

// LocalAddr is this end's *net.TCPAddr.
func (e *end) LocalAddr() net.Addr { return e.local }

// RemoteAddr is the other end's *net.TCPAddr.
func (e *end) RemoteAddr() net.Addr { return e.remote }

// SetDeadline sets both deadlines.
func (e *end) SetDeadline(t time.Time) error {
	return errors.Join(e.SetReadDeadline(t), e.SetWriteDeadline(t))
}

// SetReadDeadline bounds reads, those that wait included.
func (e *end) SetReadDeadline(t time.Time) error {
	return e.setDeadline(&e.in().readUntil, &e.in().reader, t)
}

// SetWriteDeadline bounds writes, those that wait included.
func (e *end) SetWriteDeadline(t time.Time) error {
	return e.setDeadline(&e.out().writeUntil, &e.out().writer, t)
}

func (e *end) setDeadline(until *time.Duration, waiting *sleeper, t time.Time) error {
	e.stream.mu.Lock()
	defer e.stream.mu.Unlock()
	if e.closed {
		return e.wrap("set", net.ErrClosed)
	}
	*until = e.stream.network.instant(t)
	waiting.wake()
	return nil
}

// wrap makes errors those of package net; io.EOF stays bare.
func (e *end) wrap(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: e.local, Addr: e.remote, Err: err}
}
