package fabric

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"

	"golang.org/x/sys/unix"
)

// Host is a machine of a fabric: a network namespace with a loopback and one link to the switch.
type Host struct {
	fabric *Fabric
	name   string
	in     *namespace
	link   string
	port   *port

	ip netip.Addr // under the fabric's lock; it is invalid while the host has none
}

// add makes a host. The caller holds the lock.
func (f *Fabric) add(name string) (h *Host, err error) {
	h = &Host{fabric: f, name: name, link: "eth0"}
	first := byte(1)
	if name == Load {
		// The test's process is in one namespace with all its fabrics.
		first, h.link = loadNumber, fmt.Sprintf("eth%d", f.network.Addr().As4()[2])
		h.in, err = ownNamespace()
	} else {
		h.in, err = newNamespace()
	}
	if err != nil {
		return nil, err
	}
	f.order = append(f.order, h)
	ip := f.address(first)
	if name != Load {
		if ip, err = f.free(first); err != nil {
			return nil, err
		}
	}
	far := fmt.Sprintf("port%d", len(f.order)-1)
	mac := hardwareAddressOf(ip)
	if err := h.in.do(func() error { return addCable(end{h.link, mac.net(), h.in}, end{far, nil, f.sw.in}) }); err != nil {
		return nil, err
	}
	if h.port, err = f.sw.attach(far); err != nil {
		return nil, err
	}
	if err := h.in.do(func() error { return setLinkUp(h.link) }); err != nil {
		return nil, err
	}
	f.hosts[name] = h
	return h, h.take(ip)
}

// Name is the host's name.
func (h *Host) Name() string { return h.name }

// IP is the host's address.
func (h *Host) IP() string {
	h.fabric.mu.Lock()
	defer h.fabric.mu.Unlock()
	return h.ip.String()
}

// Do calls f on the host: on a thread in its network, and sockets that f opens stay there. What f starts in other goroutines
// is not there, as the resolver of names would be, so addresses have to be numbers.
func (h *Host) Do(f func() error) error {
	if err := h.in.do(f); err != nil {
		return fmt.Errorf("on host %s: %w", h.name, err)
	}
	return nil
}

// Start starts a command on the host, as cmd.Start does here. With Pdeathsig the kernel watches the calling thread, which the
// caller has to have locked.
func (h *Host) Start(cmd *exec.Cmd) error {
	if err := h.in.start(cmd); err != nil {
		return fmt.Errorf("on host %s: %w", h.name, err)
	}
	return nil
}

// Move gives the host an address that nobody had before and returns it. Its connections are broken, though nobody tells their
// other ends, and what listened on the old address is out of reach.
func (h *Host) Move() (ip string) {
	f := h.fabric
	f.tb.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	to, err := f.free(movedNumber)
	if err == nil {
		err = h.moveTo(to)
	}
	if err != nil {
		f.tb.Fatalf("move %s: %v", h.name, err)
	}
	return to.String()
}

// MoveTo is Move to a certain address of the network, which may have been another's but must not be so now.
func (h *Host) MoveTo(ip string) {
	f := h.fabric
	f.tb.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	to, err := netip.ParseAddr(ip)
	for _, other := range f.order {
		if err == nil && other.ip == to {
			err = fmt.Errorf("%s belongs to %s", ip, other.name)
		}
	}
	if err == nil && !f.network.Contains(to) {
		err = fmt.Errorf("%s is not in %v", ip, f.network)
	}
	if err == nil {
		err = h.moveTo(to)
	}
	if err != nil {
		f.tb.Fatalf("move %s: %v", h.name, err)
	}
}

func (h *Host) moveTo(ip netip.Addr) error {
	if err := h.drop(); err != nil {
		return err
	}
	return h.take(ip)
}

// drop takes the host's address away. The caller holds the fabric's lock.
func (h *Host) drop() error {
	old := netip.PrefixFrom(h.ip, h.fabric.network.Bits())
	h.ip = netip.Addr{}
	return h.in.do(func() error { return changeAddress(unix.RTM_DELADDR, h.link, old) })
}

// take gives the host an address. The caller holds the fabric's lock.
func (h *Host) take(ip netip.Addr) error {
	mac := hardwareAddressOf(ip)
	h.fabric.sw.move(h.port, mac)
	h.fabric.numbers[ip.As4()[3]] = true
	h.ip = ip
	return h.in.do(func() error {
		return errors.Join(
			setHardwareAddress(h.link, mac.net()),
			changeAddress(unix.RTM_NEWADDR, h.link, netip.PrefixFrom(ip, h.fabric.network.Bits())),
		)
	})
}

// Missed is how many frames of the host the switch never saw, as it was too slow.
func (h *Host) Missed() uint64 {
	h.fabric.tb.Helper()
	missed, err := h.port.missedSoFar()
	if err != nil {
		h.fabric.tb.Fatal(err)
	}
	return missed
}
