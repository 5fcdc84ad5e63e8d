package wire

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"tinyurl/cluster/gossip"
)

// Bounds of what waits at a port for packets: on its way or to be read, and to be sent by a host that stands still.
const (
	inbox  = 1024
	outbox = 256
)

// gossipPort is a host's port for packets and streams, in the shape gossip wants it.
type gossipPort struct {
	host *Host
	life *life
	port int

	packets chan *memberlist.Packet
	streams chan net.Conn
	ear     *listener
	ctx     context.Context // ends with the port, and with it all dialling and handing over
	cancel  context.CancelFunc
	work    sync.WaitGroup

	// All below is guarded by the network's mu.
	ended   bool
	coming  flight
	waiting []outgoing // what a host that stands still would send
	conns   map[*gossipConn]struct{}
}

// outgoing is a packet that has not left.
type outgoing struct {
	bytes []byte
	to    string
}

var (
	_ gossip.Transport              = (*gossipPort)(nil)
	_ memberlist.NodeAwareTransport = (*gossipPort)(nil)
)

// Gossip binds a port for gossip's packets and streams. It panics if the port is taken: a test has asked for it twice.
func (h *Host) Gossip(port int) gossip.Transport {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	h.start()
	ear, err := h.listen(port)
	if err != nil {
		panic(err)
	}
	g := &gossipPort{
		host: h, life: h.life, port: ear.addr.Port, ear: ear, packets: make(chan *memberlist.Packet, inbox),
		streams: make(chan net.Conn), conns: map[*gossipConn]struct{}{},
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.coming.land = g.land
	h.gossips[g.port] = g
	g.work.Go(g.accept)
	return g
}

// FinalAdvertiseAddr is the host's address and the port, whatever the configuration says.
func (g *gossipPort) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	g.host.network.mu.Lock()
	defer g.host.network.mu.Unlock()
	return g.host.ip.AsSlice(), g.port, nil
}

// WriteTo sends a packet. That it is lost is no error.
func (g *gossipPort) WriteTo(b []byte, to string) (time.Time, error) {
	n := g.host.network
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case g.ended:
		return time.Time{}, g.wrap("write", net.ErrClosed)
	case !g.host.paused:
		n.carry(g, b, to)
	case len(g.waiting) < outbox:
		g.waiting = append(g.waiting, outgoing{append([]byte(nil), b...), to})
	default:
		n.counters.overflowed.Add(1)
	}
	return time.Now(), nil
}

// WriteToAddress is WriteTo: one name for a node is enough.
func (g *gossipPort) WriteToAddress(b []byte, to memberlist.Address) (time.Time, error) {
	return g.WriteTo(b, to.Addr)
}

// PacketCh is where packets arrive; it is never closed.
func (g *gossipPort) PacketCh() <-chan *memberlist.Packet { return g.packets }

// StreamCh is where streams arrive; it is never closed.
func (g *gossipPort) StreamCh() <-chan net.Conn { return g.streams }

// DialTimeout opens a stream to another port for gossip.
func (g *gossipPort) DialTimeout(to string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(g.ctx, timeout)
	defer cancel()
	conn, err := g.life.dial(ctx, "tcp", to)
	if err != nil {
		return nil, err
	}
	if c := g.adopt(conn); c != nil {
		return c, nil
	}
	return nil, g.wrap("dial", net.ErrClosed)
}

// DialAddressTimeout is DialTimeout.
func (g *gossipPort) DialAddressTimeout(to memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return g.DialTimeout(to.Addr, timeout)
}

// Shutdown frees the port and closes its streams.
func (g *gossipPort) Shutdown() error {
	n := g.host.network
	n.mu.Lock()
	var open []*gossipConn
	if !g.ended {
		g.end()
		for c := range g.conns {
			open = append(open, c)
		}
	}
	n.mu.Unlock()
	_ = g.ear.Close() // resets what nobody accepted; it may be closed already
	for _, c := range open {
		_ = c.Close() // its owner may have closed it already
	}
	g.work.Wait()
	return nil
}

// end frees the port; the caller holds the network's mu.
func (g *gossipPort) end() {
	g.ended = true
	g.coming.drop()
	g.waiting = nil
	delete(g.host.gossips, g.port)
	if !g.ear.closed {
		g.ear.close()
	}
	g.cancel()
}

// resume is for the end of a stand-still; the caller holds the network's mu.
func (g *gossipPort) resume() {
	for _, p := range g.waiting {
		g.host.network.carry(g, p.bytes, p.to)
	}
	g.waiting = nil
	g.arrive(g.host.network.now())
}

// accept hands streams over.
func (g *gossipPort) accept() {
	for {
		conn, err := g.ear.Accept()
		if err != nil {
			return
		}
		c := g.adopt(conn)
		if c == nil {
			return
		}
		select {
		case g.streams <- c:
		case <-g.ctx.Done():
			_ = c.Close() // Shutdown may have done so
		}
	}
}

// gossipConn is a stream of a gossipPort, which ends it when it shuts down.
type gossipConn struct {
	net.Conn
	port *gossipPort
}

// adopt makes a stream the port's; nil, and the stream is closed, if the port is shut down.
func (g *gossipPort) adopt(conn net.Conn) *gossipConn {
	n := g.host.network
	c := &gossipConn{conn, g}
	n.mu.Lock()
	ended := g.ended
	if !ended {
		g.conns[c] = struct{}{}
	}
	n.mu.Unlock()
	if ended {
		_ = conn.Close() // it may be dead with its life
		return nil
	}
	return c
}

// Close closes the stream.
func (c *gossipConn) Close() error {
	c.port.host.network.mu.Lock()
	delete(c.port.conns, c)
	c.port.host.network.mu.Unlock()
	return c.Conn.Close()
}

func (g *gossipPort) wrap(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Err: fmt.Errorf("%s: %w", g.host.name, err)}
}
