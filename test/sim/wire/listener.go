package wire

import (
	"net"
	"os"
	"syscall"
	"time"
)

// backlog is how many connections wait to be accepted; those who dial more are not answered.
const backlog = 128

// listener is a bound port of one life of a host. The network's mu guards all of it.
type listener struct {
	host    *Host
	addr    *net.TCPAddr
	queue   []arrival
	closed  bool
	waiting sleeper
}

// arrival is a connection that can be accepted from an instant on.
type arrival struct {
	end *end
	at  time.Duration
}

// listen is Listen; the caller holds mu.
func (h *Host) listen(port int) (*listener, error) {
	if port == 0 {
		port = h.freePort()
	}
	addr := h.tcpAddr(port)
	if h.listeners[port] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: addr, Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	}
	l := &listener{host: h, addr: addr}
	l.waiting.on(&h.network.mu, h.network.now)
	h.listeners[port] = l
	return l, nil
}

// Accept waits for a connection; it fails with net.ErrClosed.
func (l *listener) Accept() (net.Conn, error) {
	n := l.host.network
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		if l.closed {
			return nil, l.wrap("accept", net.ErrClosed)
		}
		next := never
		if len(l.queue) > 0 && !l.host.paused {
			if next = l.queue[0].at; next <= n.now() {
				e := l.queue[0].end
				l.queue = l.queue[1:]
				return e, nil
			}
		}
		l.waiting.wait(next)
	}
}

// offer queues a connection; the caller holds mu and has seen that there is room.
func (l *listener) offer(e *end, at, now time.Duration) {
	l.queue = append(l.queue, arrival{e, at})
	l.waiting.expect(l.queue[0].at, now)
}

// Close frees the port. Connections that nobody accepted are reset.
func (l *listener) Close() error {
	n := l.host.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if l.closed {
		return l.wrap("close", net.ErrClosed)
	}
	l.close()
	now := n.now()
	for _, a := range l.queue {
		s := a.end.stream
		s.mu.Lock()
		if !a.end.closed {
			a.end.vanish(now, true)
		}
		if s.over() {
			s.rest()
			delete(n.streams, s)
		}
		s.mu.Unlock()
	}
	l.queue = nil
	return nil
}

// close unbinds; the caller holds mu.
func (l *listener) close() {
	l.closed = true
	delete(l.host.listeners, l.addr.Port)
	l.waiting.rest()
}

// Addr is the bound address, a *net.TCPAddr.
func (l *listener) Addr() net.Addr { return l.addr }

func (l *listener) wrap(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: l.addr, Err: err}
}
