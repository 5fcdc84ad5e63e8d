package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// ErrOff is for what a host is asked after its crash and before its next life.
var ErrOff = errors.New("wire: this life of the host is over")

// Host is a machine with one address. Everything it holds belongs to one of its lives, which a crash ends; Listen and Gossip
// begin the next, or Start does.
type Host struct {
	network *Network
	name    string

	// All below is guarded by the network's mu.
	ip        netip.Addr
	life      *life
	off       bool // without power: not even a refusal comes from it
	paused    bool
	resumed   chan struct{} // closed by Resume; nil while not paused
	listeners map[int]*listener
	gossips   map[int]*gossipPort
	lastPort  int
}

// life is the time of a host between two crashes.
type life struct {
	host *Host
	over bool // guarded by the network's mu
}

// firstFreePort is where the ports begin that dialling takes, as Linux's.
const firstFreePort = 32768

// settle gives a host its address; the caller holds mu.
func (h *Host) settle(ip netip.Addr) {
	if h.ip.IsValid() {
		delete(h.network.addresses, h.ip)
	}
	h.ip = ip
	h.network.addresses[ip] = h
}

// Name is the host's name.
func (h *Host) Name() string { return h.name }

// Addr is the host's address with a port, "10.0.0.3:7000".
func (h *Host) Addr(port int) string {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	return netip.AddrPortFrom(h.ip, uint16(port)).String()
}

// Start begins a new life if the last is over.
func (h *Host) Start() {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	h.start()
}

// start is Start; the caller holds mu.
func (h *Host) start() {
	if !h.life.over {
		return
	}
	h.life = &life{host: h}
	if !h.off {
		return
	}
	h.off = false
	now := h.network.now()
	for s := range h.network.streams {
		s.mu.Lock()
		if s.ends[0].deadOn(h) || s.ends[1].deadOn(h) {
			s.change(now, func(w *half) { w.dark = false })
		}
		s.mu.Unlock()
	}
}

// deadOn says that this end died in an earlier life of the host, with it and at its present address.
func (e *end) deadOn(h *Host) bool {
	return e.failed != nil && e.closed && e.life.host == h && e.local.AddrPort().Addr() == h.ip
}

// ports the host takes for itself begin above those of services.
func (h *Host) freePort() int {
	for {
		h.lastPort++
		if h.lastPort < firstFreePort || h.lastPort > 65535 {
			h.lastPort = firstFreePort
		}
		if h.listeners[h.lastPort] == nil {
			return h.lastPort
		}
	}
}

// Listen binds a port, 0 for a free one. It fails with syscall.EADDRINUSE.
func (h *Host) Listen(port int) (net.Listener, error) {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	h.start()
	return h.listen(port)
}

// Dial connects to a listener; network is "tcp". It fails with syscall.ECONNREFUSED a round trip later where nobody listens,
// with the context where no answer comes, or with ErrOff.
func (h *Host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	h.network.mu.Lock()
	l := h.life
	h.network.mu.Unlock()
	return l.dial(ctx, network, address)
}

// Dialer is Dial of this life alone: it fails with ErrOff in the next.
func (h *Host) Dialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	return h.life.dial
}

// Crash is a loss of power: all that the host holds is dead at once, and nobody is told.
func (h *Host) Crash() { h.end((*end).die, true) }

// Kill is the death of the process that all the host's connections belong to: their other ends get a reset, and whoever dials
// is refused.
func (h *Host) Kill() {
	h.end(func(e *end, now time.Duration) {
		if !e.closed {
			e.vanish(now, true)
		}
	}, false)
}

// end ends a life.
func (h *Host) end(how func(*end, time.Duration), off bool) {
	n := h.network
	n.mu.Lock()
	defer n.mu.Unlock()
	h.resume()
	h.off = h.off || off
	if !h.life.over {
		h.life.over = true
		for _, l := range h.listeners {
			l.close()
		}
		for _, g := range h.gossips {
			g.end()
		}
	}
	now := n.now()
	for s := range n.streams {
		s.mu.Lock()
		for i := range s.ends {
			if e := &s.ends[i]; e.life.host == h {
				how(e, now)
			}
		}
		if s.over() {
			s.rest()
			delete(n.streams, s)
		}
		s.mu.Unlock()
	}
}

// Pause lets the host stand still: nothing leaves it and nothing is handed to it, though it is not cut off. What the others send
// it waits, as far as their windows and its queues go.
func (h *Host) Pause() {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	if h.paused || h.life.over {
		return
	}
	h.paused, h.resumed = true, make(chan struct{})
	h.still(true)
}

// Resume undoes Pause.
func (h *Host) Resume() {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	h.resume()
}

// resume is Resume; the caller holds mu.
func (h *Host) resume() {
	if !h.paused {
		return
	}
	h.paused = false
	close(h.resumed)
	h.still(false)
	for _, l := range h.listeners {
		l.waiting.wake()
	}
	for _, g := range h.gossips {
		g.resume()
	}
}

// still stops the host's ends of streams or lets them go on; the caller holds mu.
func (h *Host) still(paused bool) {
	now := h.network.now()
	for s := range h.network.streams {
		s.mu.Lock()
		s.change(now, func(w *half) {
			from, to := &s.ends[0], &s.ends[1]
			if w == &s.ways[1] {
				from, to = to, from
			}
			if from.life.host == h {
				w.frozen = paused
			}
			if to.life.host == h {
				w.stiff = paused
			}
		})
		s.mu.Unlock()
	}
}

// Move gives the host an address that nobody ever had and returns it. Its open streams are cut off for good, listeners and
// gossip stay, at the new address.
func (h *Host) Move() (ip string) {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	h.leave(h.network.freshIP())
	return h.ip.String()
}

// MoveTo gives the host an address that is nobody's at this moment, such as one that another host had. It fails if the address
// is taken.
func (h *Host) MoveTo(ip string) error {
	to, err := netip.ParseAddr(ip)
	if err != nil {
		return err
	}
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	if owner := h.network.addresses[to]; owner != nil && owner != h {
		return fmt.Errorf("wire: %s is %s's address", ip, owner.name)
	}
	h.leave(to)
	return nil
}

// leave is a change of address; the caller holds mu.
func (h *Host) leave(ip netip.Addr) {
	if ip == h.ip {
		return
	}
	h.settle(ip)
	now := h.network.now()
	for s := range h.network.streams {
		s.mu.Lock()
		if s.ends[0].life.host == h || s.ends[1].life.host == h {
			s.change(now, func(w *half) { w.dark = true })
		}
		s.mu.Unlock()
	}
}

// tcpAddr is the host's address as package net has it; the caller holds mu.
func (h *Host) tcpAddr(port int) *net.TCPAddr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(h.ip, uint16(port)))
}

// find is the host at an address, and the port; nil where there is none. Names of hosts stand for their addresses. The caller
// holds mu.
func (n *Network) find(address string) (*Host, int, error) {
	name, digits, err := net.SplitHostPort(address)
	if err != nil {
		return nil, 0, err
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return nil, 0, &net.AddrError{Err: "invalid port", Addr: address}
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		return n.addresses[ip.Unmap()], int(port), nil
	}
	return n.hosts[name], int(port), nil
}
