package fabric

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// packetSwitch joins the links in a namespace of its own. It knows who is where, so it learns nothing.
type packetSwitch struct {
	in      *namespace
	seed    uint64
	line    *line
	readers sync.WaitGroup
	view    atomic.Pointer[view]

	mu    sync.Mutex // for changes of the view
	ports []*port
}

// view is what the readers see. It is never changed, only replaced.
type view struct {
	byAddress  map[hardwareAddress]*port
	directions [][]*direction // from, to: by port number; nil to itself
}

// port is the switch's end of a host's cable.
type port struct {
	number int
	fd     int      // of file
	file   *os.File // an AF_PACKET socket

	mu     sync.Mutex
	missed uint64 // the kernel forgets its count when it is asked
}

func newPacketSwitch(seed uint64) (*packetSwitch, error) {
	in, err := newNamespace()
	if err != nil {
		return nil, err
	}
	s := &packetSwitch{in: in, seed: seed, line: newLine()}
	s.view.Store(&view{})
	return s, nil
}

// attach makes a port of a link that is in the switch's namespace. The host at its other end has no address yet.
func (s *packetSwitch) attach(link string) (*port, error) {
	p := &port{}
	err := s.in.do(func() (err error) {
		if err := setLinkUp(link); err != nil {
			return err
		}
		p.fd, err = openPacketSocket(link)
		return err
	})
	if err != nil {
		return nil, err
	}
	p.file = os.NewFile(uintptr(p.fd), link)
	s.mu.Lock()
	defer s.mu.Unlock()
	p.number = len(s.ports)
	s.ports = append(s.ports, p)
	old := s.view.Load()
	grown := &view{byAddress: old.byAddress, directions: make([][]*direction, len(s.ports))}
	for from := range s.ports {
		grown.directions[from] = make([]*direction, len(s.ports))
		for to, other := range s.ports {
			switch {
			case from == to:
			case max(from, to) < p.number:
				grown.directions[from][to] = old.directions[from][to]
			default:
				grown.directions[from][to] = newDirection(s.seed, from, to, s.line, other.write)
			}
		}
	}
	s.view.Store(grown)
	s.readers.Go(func() { s.read(p) })
	return p, nil
}

// move tells the switch the address of the host at a port.
func (s *packetSwitch) move(p *port, to hardwareAddress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.view.Load()
	moved := &view{directions: old.directions, byAddress: maps.Clone(old.byAddress)}
	if moved.byAddress == nil {
		moved.byAddress = make(map[hardwareAddress]*port)
	}
	maps.DeleteFunc(moved.byAddress, func(_ hardwareAddress, other *port) bool { return other == p })
	moved.byAddress[to] = p
	s.view.Store(moved)
}

// direction is what goes from one port to another.
func (s *packetSwitch) direction(from, to *port) *direction {
	return s.view.Load().directions[from.number][to.number]
}

// all are all directions.
func (s *packetSwitch) all() []*direction {
	var all []*direction
	for _, row := range s.view.Load().directions {
		for _, d := range row {
			if d != nil {
				all = append(all, d)
			}
		}
	}
	return all
}

// openPacketSocket opens a socket that gets every frame which comes in by a link of the calling thread's namespace.
func openPacketSocket(link string) (fd int, err error) {
	found, err := net.InterfaceByName(link)
	if err != nil {
		return 0, fmt.Errorf("link %s: %w", link, err)
	}
	// Without a protocol it gets nothing until it is bound.
	fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("packet socket: %w", err)
	}
	everything := unix.PacketMreq{Ifindex: int32(found.Index), Type: unix.PACKET_MR_PROMISC}
	const room = 4 << 20
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room) != nil {
		// Only root of the machine may pass the limit; the kernel takes what is allowed of it.
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, room)
	}
	err = errors.Join(err,
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		// A link that was up before its other end has a queue which drops everything, silently, until the kernel finds the
		// time to look at the link again; that may be a second.
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1),
		unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &everything),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL}), Ifindex: found.Index}),
	)
	if err != nil {
		return 0, errors.Join(fmt.Errorf("packet socket: %w", err), unix.Close(fd))
	}
	return fd, nil
}

// write sends a frame out of the port, or fails at once.
func (p *port) write(frame []byte) error {
	_, err := unix.Write(p.fd, frame)
	return err
}

// missedSoFar is how many frames there was no room for in the socket.
func (p *port) missedSoFar() (uint64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	since, err := unix.GetsockoptTpacketStats(p.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0, fmt.Errorf("packet socket: %w", err)
	}
	p.missed += uint64(since.Drops)
	return p.missed, nil
}

// read forwards what comes in by a port until the switch is closed.
func (s *packetSwitch) read(p *port) {
	buffer := make([]byte, maxFrame)
	for {
		n, err := p.file.Read(buffer)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil {
			s.line.fail(err)
			return
		}
		if n > vnetHeader {
			s.forward(p, buffer[:n])
		}
	}
}

// forward takes a frame to whom it is for. Only IPv4 and ARP go anywhere.
func (s *packetSwitch) forward(from *port, frame []byte) {
	h, ok := parse(frame[vnetHeader:])
	if !ok || h.protocol != etherIPv4 && h.protocol != etherARP {
		return
	}
	now := s.view.Load()
	if to, known := now.byAddress[h.to]; known && to != from {
		now.directions[from.number][to.number].take(h, frame)
		return
	}
	if !h.to.toAll() {
		return
	}
	for _, d := range now.directions[from.number] {
		if d != nil {
			d.take(h, frame)
		}
	}
}

// close ends everything but the namespace. It returns the first error that a frame could not be read or sent for.
func (s *packetSwitch) close() error {
	for _, p := range s.ports {
		_ = p.file.SetReadDeadline(time.Unix(1, 0)) // files of sockets have deadlines
	}
	s.readers.Wait()
	err := s.line.close()
	for _, p := range s.ports {
		err = errors.Join(err, p.file.Close())
	}
	return err
}
