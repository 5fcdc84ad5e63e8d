package server

import (
	"context"
	"crypto/rand"
	"io"
	"net"
	"time"

	"tinyurl/cluster"
	"tinyurl/cluster/gossip"
)

// Environment is what an App gets from outside beside its settings. Tests put faults and shorter times here.
type Environment struct {
	// Version is the version of the binary.
	Version string
	// LogOutput takes the log. Required.
	LogOutput io.Writer
	// Notifier is told of the App's states; nil tells nobody.
	Notifier Notifier
	// StopTimeout bounds a stop; zero means 30 seconds.
	StopTimeout time.Duration
	// Cluster is handed on; its Logger, Registerer and Fatal are the App's to set.
	Cluster cluster.Environment
	// Tuning is handed on.
	Tuning cluster.Tuning
	// Dial and GossipTransport are handed on; nil for the real network.
	Dial            func(ctx context.Context, network, address string) (net.Conn, error)
	GossipTransport gossip.Transport
}

// defaultStopTimeout is what service managers commonly leave a process to stop in.
const defaultStopTimeout = 30 * time.Second

func (e Environment) withDefaults() Environment {
	if e.StopTimeout == 0 {
		e.StopTimeout = defaultStopTimeout
	}
	if e.Notifier == nil {
		e.Notifier = silent{}
	}
	if e.Cluster.Rand == nil {
		e.Cluster.Rand = rand.Reader
	}
	return e
}

// silent is the Notifier that tells nobody.
type silent struct{}

// Notify does nothing.
func (silent) Notify(string) error { return nil }
