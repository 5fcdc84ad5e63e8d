package server

import (
	"net"

	"golang.org/x/net/netutil"
)

const (
	// minConnections and maxConnections bound the HTTP connections of one listener, whatever the limit of open files is.
	minConnections = 64
	maxConnections = 100_000
)

// connections is how many HTTP connections a listener takes at once: all of them together have half of the files the process may
// open. The other half is for the store, the log and the other nodes; a store that cannot open a file stops the node, and strangers
// must not be able to bring that about with idle connections.
func connections(files uint64, listeners int) int {
	if files == 0 {
		return maxConnections
	}
	return int(min(max(files/2/uint64(max(listeners, 1)), minConnections), maxConnections))
}

// limited makes the connections past the limit, of one of so many listeners, wait until others end.
func limited(l net.Listener, listeners int) net.Listener {
	return netutil.LimitListener(l, connections(openFiles(), listeners))
}
