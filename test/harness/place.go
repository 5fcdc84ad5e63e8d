package harness

import (
	"net"
	"os/exec"
)

// Place is where the processes of a cluster run when they do not run beside the test: machines of their own, one for each
// name. The test's process reaches all of them.
type Place interface {
	// IP is the address of the node's machine, as it is now.
	IP(node string) string
	// Start starts a process on the node's machine. It is called on a locked thread, which the kernel watches: it has to be
	// the thread that the process is forked from.
	Start(node string, cmd *exec.Cmd) error
}

// The ports of nodes that have a machine of their own.
const (
	PortHTTP    = "8080"
	PortCluster = "7000"
	PortGossip  = "7946"
)

// addressesOn are the addresses of a node that has the machine of that address for itself.
func addressesOn(ip string) Addresses {
	return Addresses{
		HTTP: net.JoinHostPort(ip, PortHTTP), Cluster: net.JoinHostPort(ip, PortCluster), Gossip: net.JoinHostPort(ip, PortGossip),
	}
}
