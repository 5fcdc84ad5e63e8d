//go:build linux

package proc

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports lie below the range from which the system takes those of outgoing connections: a server that is down for a moment
// finds its port free when it comes back.
const portsFrom, portsTo = 12000, 30000

// Ports gives addresses of 127.0.0.1 that nobody has, each once. The zero value is ready; it belongs to one goroutine.
type Ports struct{ given map[int]bool }

// Take gives a host:port that is free for TCP and UDP.
func (p *Ports) Take() (string, error) {
	if p.given == nil {
		p.given = map[int]bool{}
	}
	for range 1000 {
		port := portsFrom + rand.IntN(portsTo-portsFrom)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if p.given[port] || !free(address) {
			continue
		}
		p.given[port] = true
		return address, nil
	}
	return "", fmt.Errorf("no free port between %d and %d", portsFrom, portsTo)
}

func free(address string) bool {
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	udp, err := net.ListenPacket("udp", address)
	if err == nil {
		err = udp.Close()
	}
	return errors.Join(err, tcp.Close()) == nil
}
