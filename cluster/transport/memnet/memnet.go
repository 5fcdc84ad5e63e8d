// Package memnet is a network in memory for tests: buffered connections, deadlines, and cuts that swallow what is sent, as a
// partition does. It blocks in no way but those testing/synctest knows, so whole clusters run on it in virtual time.
package memnet

import (
	"context"
	"errors"
	"net"
	"sync"
)

// ErrRefused: nobody listens at the address.
var ErrRefused = errors.New("memnet: connection refused")

// window is how many bytes a direction of a connection holds before a writer waits for the reader.
const window = 256 << 10

// Network connects listeners and dialers by address. An address is any string with a port, "host:1".
type Network struct {
	mu        sync.Mutex
	listeners map[string]*Listener
	cuts      map[way]bool
	halves    map[*half]way // open directions, to freeze and thaw
	changed   chan struct{} // closed at every change of cuts
}

// way is one direction between two addresses.
type way struct{ from, to string }

// New is an empty network without cuts.
func New() *Network {
	return &Network{listeners: map[string]*Listener{}, cuts: map[way]bool{}, halves: map[*half]way{}, changed: make(chan struct{})}
}

// Listen binds addr; a second listener at one address is an error.
func (n *Network) Listen(addr string) (*Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[addr] != nil {
		return nil, errors.New("memnet: address in use: " + addr)
	}
	l := &Listener{network: n, addr: Addr(addr), queue: make(chan net.Conn), closed: make(chan struct{})}
	n.listeners[addr] = l
	return l, nil
}

// Dialer is the dial function of whoever lives at from. It fails with ErrRefused where nobody listens, and, as packets would,
// only with its context where a cut lies between.
func (n *Network) Dialer(from string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, _, addr string) (net.Conn, error) {
		there, back := way{from, addr}, way{addr, from}
		for {
			n.mu.Lock()
			cut, changed, l := n.cuts[there] || n.cuts[back], n.changed, n.listeners[addr]
			n.mu.Unlock()
			if !cut {
				if l == nil {
					return nil, &net.OpError{Op: "dial", Net: "mem", Addr: Addr(addr), Err: ErrRefused}
				}
				return n.connect(ctx, l, there, back)
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return nil, &net.OpError{Op: "dial", Net: "mem", Addr: Addr(addr), Err: ctx.Err()}
			}
		}
	}
}

// connect makes both ends and hands one to the listener.
func (n *Network) connect(ctx context.Context, l *Listener, there, back way) (net.Conn, error) {
	forth, home := newHalf(n), newHalf(n)
	n.mu.Lock()
	n.halves[forth], n.halves[home] = there, back
	forth.frozen, home.frozen = n.cuts[there], n.cuts[back]
	n.mu.Unlock()
	dialled := &Conn{in: home, out: forth, local: Addr(there.from), remote: l.addr}
	accepted := &Conn{in: forth, out: home, local: l.addr, remote: Addr(there.from)}
	err := ErrRefused
	select {
	case l.queue <- accepted:
		return dialled, nil
	case <-l.closed:
	case <-ctx.Done():
		err = ctx.Err()
	}
	_, _ = dialled.Close(), accepted.Close()
	return nil, &net.OpError{Op: "dial", Net: "mem", Addr: l.addr, Err: err}
}

// Cut stops what from sends to to, open connections included: bytes are taken and not delivered until Heal. One direction.
func (n *Network) Cut(from, to string) { n.set(way{from, to}, true) }

// Heal lets everything through again that the cut held back.
func (n *Network) Heal(from, to string) { n.set(way{from, to}, false) }

// Part and Join are Cut and Heal of both directions.
func (n *Network) Part(a, b string) { n.Cut(a, b); n.Cut(b, a) }

// Join undoes Part.
func (n *Network) Join(a, b string) { n.Heal(a, b); n.Heal(b, a) }

// set changes a cut and wakes all it concerns: readers, writers and dialers.
func (n *Network) set(w way, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cuts[w] = cut
	for h, hw := range n.halves {
		if hw == w {
			h.freeze(cut)
		}
	}
	close(n.changed)
	n.changed = make(chan struct{})
}

// forget is for directions both ends of which are closed.
func (n *Network) forget(h *half) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.halves, h)
}

// Addr is an address of the network.
type Addr string

// Network is "mem".
func (Addr) Network() string { return "mem" }

// String is the address.
func (a Addr) String() string { return string(a) }

// Listener is a net.Listener of the network.
type Listener struct {
	network *Network
	addr    Addr
	queue   chan net.Conn
	once    sync.Once
	closed  chan struct{}
}

// Accept waits for a dialer; it fails with net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "mem", Addr: l.addr, Err: net.ErrClosed}
	}
}

// Close frees the address; accepted connections stay.
func (l *Listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.network.mu.Lock()
		defer l.network.mu.Unlock()
		delete(l.network.listeners, string(l.addr))
	})
	return nil
}

// Addr is the bound address.
func (l *Listener) Addr() net.Addr { return l.addr }
