package harness

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports come in blocks below the range from which systems take the ports of outgoing connections. Who listens on the first
// port of a block owns it, so that test processes beside each other never meet; and no port of a node is given to anybody
// else while the node is down.
const (
	portsFrom, portsTo = 10000, 30000
	portsPerBlock      = 64
	loopback           = "127.0.0.1"
)

// ports is a block that belongs to this process.
type ports struct {
	owner net.Listener
	next  int
	end   int
}

// reservePorts takes a free block.
func reservePorts() (*ports, error) {
	blocks := (portsTo - portsFrom) / portsPerBlock
	first := rand.IntN(blocks)
	for i := range blocks {
		base := portsFrom + (first+i)%blocks*portsPerBlock
		owner, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(base)))
		if err == nil {
			return &ports{owner: owner, next: base + 1, end: base + portsPerBlock}, nil
		}
	}
	return nil, fmt.Errorf("no block of %d free ports between %d and %d", portsPerBlock, portsFrom, portsTo)
}

// take gives a port that is free for TCP and UDP, as host:port.
func (p *ports) take() (string, error) {
	for p.next < p.end {
		address := net.JoinHostPort(loopback, strconv.Itoa(p.next))
		p.next++
		if tcp, err := net.Listen("tcp", address); err == nil {
			udp, err := net.ListenPacket("udp", address)
			if err == nil {
				err = udp.Close()
			}
			if errors.Join(err, tcp.Close()) == nil {
				return address, nil
			}
		}
	}
	return "", fmt.Errorf("the block of %d ports is used up", portsPerBlock)
}

// release gives the block back.
func (p *ports) release() { _ = p.owner.Close() }
