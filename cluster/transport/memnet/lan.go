package memnet

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// Limits of what waits at a port: packets beyond are lost, streams beyond refused.
const (
	maxPackets = 256
	maxStreams = 16
)

var errTimeout = errors.New("memnet: timeout")

// LAN is a network for gossip: packets and streams between ports, any of which can be cut off. It is apart from Network, so that
// one of the two planes can be cut alone. Its zero value has no ports.
type LAN struct {
	mu    sync.Mutex
	ports map[string]*Port // guarded by mu: by address
}

// Port is one node's transport, as memberlist and package gossip want it.
type Port struct {
	lan     *LAN
	addr    *net.UDPAddr
	packets chan *memberlist.Packet
	streams chan net.Conn
	cut     bool // guarded by lan.mu
}

var _ memberlist.Transport = (*Port)(nil)

// Plug gives a node the address 10.0.0.n:port. A node that had the address before hears nothing any more.
func (l *LAN) Plug(n byte, port int) *Port {
	p := &Port{
		lan: l, addr: &net.UDPAddr{IP: net.IPv4(10, 0, 0, n), Port: port},
		packets: make(chan *memberlist.Packet, maxPackets), streams: make(chan net.Conn, maxStreams),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ports == nil {
		l.ports = map[string]*Port{}
	}
	if old := l.ports[p.addr.String()]; old != nil {
		old.cut = true
	}
	l.ports[p.addr.String()] = p
	return p
}

// SetCut takes a node off the network or puts it back.
func (p *Port) SetCut(cut bool) {
	p.lan.mu.Lock()
	defer p.lan.mu.Unlock()
	p.cut = cut
}

// reach returns the port at addr if packets get there.
func (p *Port) reach(addr string) *Port {
	p.lan.mu.Lock()
	defer p.lan.mu.Unlock()
	to := p.lan.ports[addr]
	if to == nil || to.cut || p.cut {
		return nil
	}
	return to
}

// FinalAdvertiseAddr is where the port is plugged in, whatever was asked for.
func (p *Port) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return p.addr.IP, p.addr.Port, nil
}

// WriteTo sends a packet, which may be lost in silence.
func (p *Port) WriteTo(b []byte, addr string) (time.Time, error) {
	if to := p.reach(addr); to != nil {
		select {
		case to.packets <- &memberlist.Packet{Buf: append([]byte(nil), b...), From: p.addr, Timestamp: time.Now()}:
		default: // lost
		}
	}
	return time.Now(), nil
}

// DialTimeout connects, and takes all of the timeout where nobody is.
func (p *Port) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	to := p.reach(addr)
	if to == nil {
		time.Sleep(timeout)
		return nil, errTimeout
	}
	near, far := net.Pipe()
	select {
	case to.streams <- far:
		return near, nil
	default:
		return nil, errors.New("memnet: refused")
	}
}

// PacketCh delivers packets.
func (p *Port) PacketCh() <-chan *memberlist.Packet { return p.packets }

// StreamCh delivers streams.
func (p *Port) StreamCh() <-chan net.Conn { return p.streams }

// Shutdown takes the port off the network.
func (p *Port) Shutdown() error {
	p.SetCut(true)
	return nil
}
