package fabric

import (
	"encoding/binary"
	"net"
	"net/netip"
)

// vnetHeader is the size of struct virtio_net_hdr, which stands before every frame: what is left to do of its checksum and of
// its cutting into segments. It is passed on with the frame as it is.
const vnetHeader = 10

// maxFrame is the most that a link hands over at once: 64 KiB of TCP with all headers.
const maxFrame = vnetHeader + 14 + 1<<16

// hardwareAddress is the address of a link. It is made of the IP, so that an IP which goes to another host needs nobody to
// forget anything.
type hardwareAddress [6]byte

func hardwareAddressOf(ip netip.Addr) hardwareAddress {
	four := ip.As4()
	return hardwareAddress{2, 0, four[0], four[1], four[2], four[3]} // 2: given locally
}

func (a hardwareAddress) net() net.HardwareAddr { return a[:] }

// toAll reports whether a frame to a is for several hosts.
func (a hardwareAddress) toAll() bool { return a[0]&1 != 0 }

// header is what rules look at.
type header struct {
	to                  hardwareAddress
	protocol            uint16 // EtherType
	source, destination uint16 // ports of TCP or UDP; 0 where there are none
}

// The numbers of what hosts speak.
const (
	etherIPv4, etherARP = 0x0800, 0x0806
	protoTCP, protoUDP  = 6, 17
)

// parse reads an Ethernet frame. It is false for what is no frame at all; ports that are not there are 0.
func parse(frame []byte) (h header, ok bool) {
	if len(frame) < 14 {
		return header{}, false
	}
	h.to = hardwareAddress(frame[:6])
	h.protocol = binary.BigEndian.Uint16(frame[12:])
	ip := frame[14:]
	if h.protocol != etherIPv4 || len(ip) < 20 {
		return h, true
	}
	size := int(ip[0]&0x0f) * 4
	first := binary.BigEndian.Uint16(ip[6:])&0x1fff == 0 // of the fragments, the one that has the ports
	if (ip[9] == protoTCP || ip[9] == protoUDP) && first && size >= 20 && len(ip) >= size+4 {
		h.source = binary.BigEndian.Uint16(ip[size:])
		h.destination = binary.BigEndian.Uint16(ip[size+2:])
	}
	return h, true
}
