package fabric

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// request is a message to the kernel's routing netlink, which knows links and addresses of the calling thread's namespace.
type request struct{ body []byte }

func newRequest(kind, flags uint16) *request {
	r := &request{body: make([]byte, unix.SizeofNlMsghdr, 256)}
	binary.NativeEndian.PutUint16(r.body[4:], kind)
	binary.NativeEndian.PutUint16(r.body[6:], flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	return r
}

// link appends a struct ifinfomsg.
func (r *request) link(index int32, flags, change uint32) {
	r.body = append(r.body, unix.AF_UNSPEC, 0, 0, 0)
	r.body = binary.NativeEndian.AppendUint32(r.body, uint32(index))
	r.body = binary.NativeEndian.AppendUint32(r.body, flags)
	r.body = binary.NativeEndian.AppendUint32(r.body, change)
}

// attribute appends an attribute, padded to 4 bytes.
func (r *request) attribute(kind uint16, value []byte) {
	r.nested(kind, func() { r.body = append(r.body, value...) })
}

// nested appends an attribute made of what inside appends.
func (r *request) nested(kind uint16, inside func()) {
	from := len(r.body)
	r.body = append(r.body, 0, 0, 0, 0)
	binary.NativeEndian.PutUint16(r.body[from+2:], kind)
	inside()
	binary.NativeEndian.PutUint16(r.body[from:], uint16(len(r.body)-from))
	for len(r.body)%unix.NLMSG_ALIGNTO != 0 {
		r.body = append(r.body, 0)
	}
}

func (r *request) number(kind uint16, value uint32) {
	r.attribute(kind, binary.NativeEndian.AppendUint32(nil, value))
}

func (r *request) text(kind uint16, value string) { r.attribute(kind, append([]byte(value), 0)) }

// send sends the request and waits for the kernel's word.
func (r *request) send() (err error) {
	binary.NativeEndian.PutUint32(r.body, uint32(len(r.body)))
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	if err := unix.Sendto(fd, r.body, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	const errorAt = unix.SizeofNlMsghdr
	if n < errorAt+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return fmt.Errorf("netlink: an answer of %d bytes that is none", n)
	}
	if code := int32(binary.NativeEndian.Uint32(answer[errorAt:])); code != 0 {
		return fmt.Errorf("netlink: %w", unix.Errno(-code))
	}
	return nil
}

// end is one end of a cable: a link's name, its hardware address (nil for any) and its namespace.
type end struct {
	name string
	mac  net.HardwareAddr
	in   *namespace
}

func (e end) describe(r *request) {
	r.text(unix.IFLA_IFNAME, e.name)
	r.number(unix.IFLA_NET_NS_FD, uint32(e.in.fd()))
	if e.mac != nil {
		r.attribute(unix.IFLA_ADDRESS, e.mac)
	}
}

// vethInfoPeer is VETH_INFO_PEER of linux/veth.h.
const vethInfoPeer = 1

// addCable makes a pair of links.
func addCable(a, b end) error {
	r := newRequest(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	r.link(0, 0, 0)
	a.describe(r)
	r.nested(unix.IFLA_LINKINFO, func() {
		r.text(unix.IFLA_INFO_KIND, "veth")
		r.nested(unix.IFLA_INFO_DATA, func() {
			r.nested(vethInfoPeer, func() {
				r.link(0, 0, 0)
				b.describe(r)
			})
		})
	})
	if err := r.send(); err != nil {
		return fmt.Errorf("add the cable from %s to %s: %w", a.name, b.name, err)
	}
	return nil
}

// changeLink sends a change of a link of the calling thread's namespace.
func changeLink(name string, kind uint16, flags, change uint32, attributes func(*request)) error {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	r := newRequest(kind, 0)
	r.link(int32(link.Index), flags, change)
	if attributes != nil {
		attributes(r)
	}
	if err := r.send(); err != nil {
		return fmt.Errorf("change the link %s: %w", name, err)
	}
	return nil
}

func setLinkUp(name string) error {
	return changeLink(name, unix.RTM_NEWLINK, unix.IFF_UP, unix.IFF_UP, nil)
}

func setHardwareAddress(name string, mac net.HardwareAddr) error {
	return changeLink(name, unix.RTM_NEWLINK, 0, 0, func(r *request) { r.attribute(unix.IFLA_ADDRESS, mac) })
}

func deleteLink(name string) error { return changeLink(name, unix.RTM_DELLINK, 0, 0, nil) }

// changeAddress adds (unix.RTM_NEWADDR) or takes away (unix.RTM_DELADDR) an address of a link.
func changeAddress(kind uint16, name string, ip netip.Prefix) error {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	r := newRequest(kind, 0)
	if kind == unix.RTM_NEWADDR {
		r = newRequest(kind, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	}
	r.body = append(r.body, unix.AF_INET, byte(ip.Bits()), 0, unix.RT_SCOPE_UNIVERSE)
	r.body = binary.NativeEndian.AppendUint32(r.body, uint32(link.Index))
	r.attribute(unix.IFA_LOCAL, ip.Addr().AsSlice())
	r.attribute(unix.IFA_ADDRESS, ip.Addr().AsSlice())
	if err := r.send(); err != nil {
		return fmt.Errorf("change address %v of the link %s: %w", ip, name, err)
	}
	return nil
}
