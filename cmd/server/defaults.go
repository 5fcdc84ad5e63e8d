package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"tinyurl/cluster/member"
)

const (
	maxDefaultCache = 1 << 30
	// unknownMemoryCache is the block cache where the machine does not tell its memory.
	unknownMemoryCache = 128 << 20
)

// Machine is what the defaults ask of the computer.
type Machine struct {
	// Hostname is the name the machine gives itself.
	Hostname func() (string, error)
	// Addresses are those of its network interfaces.
	Addresses func() ([]net.Addr, error)
	// Memory is what the process may use, in bytes: that of the machine or of its cgroup, whichever is less; 0 if unknown.
	Memory func() int64
}

// ThisMachine answers from the machine the process runs on.
func ThisMachine() Machine {
	return Machine{
		Hostname:  os.Hostname,
		Addresses: net.InterfaceAddrs,
		Memory:    func() int64 { return memoryOf(os.DirFS("/")) },
	}
}

// complete fills in what nobody gave, and checks what needs more than one setting.
func (s *Settings) complete(machine Machine) error {
	if (s.Listen.TLSCert == "") != (s.Listen.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	if err := s.completeExpect(); err != nil {
		return err
	}
	if s.Node.Name == "" {
		name, err := machine.Hostname()
		name = strings.ToLower(name)
		if err == nil {
			err = member.CheckName(name)
		}
		if err != nil {
			return fmt.Errorf("the host name cannot be the node's name, give --name: %w", err)
		}
		s.Node.Name = name
	}
	if s.Node.Advertise == "" {
		host, err := s.reachable(machine)
		if err != nil {
			return err
		}
		s.Node.Advertise = host
	}
	if s.Memory.Cache == 0 {
		s.Memory.Cache = defaultCache(machine.Memory())
	}
	return nil
}

// completeExpect gives --bootstrap-expect its default. A replica never forms a cluster, so that the settings of the voters
// can be shared with it.
func (s *Settings) completeExpect() error {
	if _, given := s.origins["bootstrap-expect"]; !given && len(s.Node.Join) == 0 {
		s.Node.BootstrapExpect = 1
	}
	if s.Node.BootstrapExpect == 1 && len(s.Node.Join) > 0 {
		return errors.New("--bootstrap-expect 1 founds a cluster and --join joins one: give the one or the other")
	}
	if s.Node.Replica {
		if len(s.Node.Join) == 0 {
			return errors.New("--replica needs --join: a node that does not vote cannot form a cluster")
		}
		s.Node.BootstrapExpect = 0
	}
	return nil
}

// reachable is the default of --advertise: a listener that is bound to one address tells it, else it is the first private
// address, else loopback for a node that nobody has to reach.
func (s *Settings) reachable(machine Machine) (string, error) {
	for _, listen := range []string{s.Listen.Cluster, s.Listen.Gossip} {
		host, _, err := net.SplitHostPort(listen)
		if err == nil && host != "" && checkHost(host) == nil {
			return host, nil
		}
	}
	addrs, err := machine.Addresses()
	if err != nil {
		return "", fmt.Errorf("looking for the address other nodes can reach (--advertise tells it): %w", err)
	}
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err == nil && prefix.Addr().IsPrivate() {
			return prefix.Addr().String(), nil
		}
	}
	if s.Lone() {
		return "127.0.0.1", nil
	}
	return "", errors.New("this machine has no private address: say with --advertise at which host the other nodes reach it")
}

// defaultCache is the lesser of 1 GiB and an eighth of memory.
func defaultCache(memory int64) int64 {
	if memory == 0 {
		return unknownMemoryCache
	}
	return max(minCache, min(maxDefaultCache, memory/8))
}
