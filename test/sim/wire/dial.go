package wire

import (
	"context"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// A host asks again after firstSyn and then after twice as long each time, and gives up after the last, as Linux does.
const (
	firstSyn = time.Second
	synTries = 7
)

// dial is Host.Dial of one life.
func (l *life) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := l.connect(ctx, network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: unresolved(address), Err: err}
	}
	return conn, nil
}

// unresolved is an address as it was given.
type unresolved string

func (unresolved) Network() string  { return "tcp" }
func (a unresolved) String() string { return string(a) }

// connect tries until there is an answer.
func (l *life) connect(ctx context.Context, network, address string) (*end, error) {
	if !strings.HasPrefix(network, "tcp") {
		return nil, net.UnknownNetworkError(network)
	}
	wait := firstSyn
	for range synTries {
		e, err := l.try(ctx, address)
		if e != nil || err != nil {
			return e, err
		}
		if err := pause(ctx, wait, nil); err != nil {
			return nil, err
		}
		wait *= 2
	}
	return nil, os.NewSyscallError("connect", syscall.ETIMEDOUT)
}

// try is one question and its answer; neither a connection nor an error means that no answer came.
func (l *life) try(ctx context.Context, address string) (*end, error) {
	n := l.host.network
	for {
		trip, still, err := l.ask(address)
		if err != nil || trip < 0 && still == nil {
			return nil, err
		}
		if still == nil {
			if err := pause(ctx, trip, nil); err != nil {
				return nil, err
			}
			break
		}
		if err := pause(ctx, -1, still); err != nil {
			return nil, err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return l.answered(address)
}

// ask is how long the answer will be on its way: less than nothing if it will never come. A host that stands still asks later,
// when the channel is closed.
func (l *life) ask(address string) (trip time.Duration, still <-chan struct{}, err error) {
	n := l.host.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if l.over {
		return 0, nil, ErrOff
	}
	if l.host.paused {
		return 0, l.host.resumed, nil
	}
	to, port, err := n.find(address)
	if err != nil {
		return 0, nil, err
	}
	there, back, open := n.open(l.host, to, port)
	if !open {
		return -1, nil, nil
	}
	return n.random.delay(&there) + n.random.delay(&back), nil, nil
}

// open says whether questions get from one host to another and answers back, and how well; the caller holds mu.
func (n *Network) open(from, to *Host, port int) (there, back Quality, open bool) {
	if to == nil || to.off {
		return there, back, false
	}
	there, back = n.quality(route{from.name, to.name, port}), n.quality(route{to.name, from.name, port})
	return there, back, !there.Cut && !back.Cut
}

// answered is what the other host says; the caller holds the network's mu.
func (l *life) answered(address string) (*end, error) {
	n, from := l.host.network, l.host
	to, port, err := n.find(address)
	if err != nil {
		return nil, err
	}
	there, back, open := n.open(from, to, port)
	if l.over {
		return nil, ErrOff
	}
	if !open || from.paused {
		return nil, nil
	}
	ear := to.listeners[port]
	if ear == nil {
		n.counters.refused.Add(1)
		return nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	if len(ear.queue) >= backlog {
		n.counters.overflowed.Add(1)
		return nil, nil
	}
	now := n.now()
	accepted := now + n.random.delay(&there)
	s := newStream(n, l, to.life, from.tcpAddr(from.freePort()), to.tcpAddr(port), accepted)
	s.ways[0].quality, s.ways[1].quality = there, back
	s.ways[1].frozen, s.ways[0].stiff = to.paused, to.paused
	n.streams[s] = struct{}{}
	n.counters.dials.Add(1)
	ear.offer(&s.ends[1], accepted, now)
	return &s.ends[0], nil
}

// pause waits for a time, if it is not negative, and for a channel, if there is one, but not longer than for ctx.
func pause(ctx context.Context, wait time.Duration, until <-chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var over <-chan time.Time
	switch {
	case wait == 0:
		return nil
	case wait > 0:
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-until:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
