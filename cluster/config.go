package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/cluster/forming"
	"tinyurl/cluster/gossip"
	"tinyurl/cluster/identity"
	"tinyurl/fsm/command"
	"tinyurl/fsm/store"
)

// Config is what a node is made of. Open checks it.
type Config struct {
	// Name is the node's name; its id is the name plus a suffix made at the first start. 1 to 63 letters, digits, '.', '-', '_'.
	Name string
	// DataDir is everything the node keeps. One process at a time may use it.
	DataDir string
	// Zone is the failure zone, free text up to 63 bytes; empty for none.
	Zone string
	// Version is the version of the binary, shown in the status.
	Version string
	// HTTPURL is where this node's HTTP listener is reached, shown in the status.
	HTTPURL string
	// Replica makes this node a non-voter for good.
	Replica bool
	// Join lists gossip seeds: host[:port], DNS names, srv://name.
	Join []string
	// BootstrapExpect forms a new cluster once that many nodes see each other; 0 never forms one.
	BootstrapExpect int
	// Secret is the one secret of the cluster.
	Secret identity.Secret
	// CacheBytes is the size of the store's block cache.
	CacheBytes int64
	// VisitsKept is for how many days visits are kept by days and months while this node leads, 1 to command.MaxVisitDays;
	// DefaultVisitsKept if 0.
	VisitsKept uint32

	Network     Network
	Environment Environment
	Tuning      Tuning
}

// DefaultVisitsKept is for how many days visits are kept by days and months: a year, and the month to compare it with.
const DefaultVisitsKept uint32 = 400

// Network is how a node reaches others and is reached. The listener is bound by the caller; Node closes it.
type Network struct {
	// Listener takes raft and node-to-node RPC.
	Listener net.Listener
	// Advertise is the host:port at which others reach Listener.
	Advertise string
	// Dial opens connections to other nodes' listeners; nil means TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// GossipBind is the host:port of the gossip listener; ignored when GossipTransport is given.
	GossipBind string
	// GossipAdvertise is the host:port at which others reach it; a port of 0 takes the bound one.
	GossipAdvertise string
	// GossipTransport replaces the real network in tests and simulations.
	GossipTransport gossip.Transport
}

// Environment is what comes from outside, so that faults can too. Nil fields take the real thing.
type Environment struct {
	// FS holds all files but raft's log, which OpenLog opens.
	FS store.FS
	// OpenLog opens a group's raft log; nil means LogBolt's.
	OpenLog LogOpener
	// Now is the wall clock. Timers and time-outs use the monotonic one.
	Now func() time.Time
	// Rand is the source of ids and keys; nil means crypto/rand.
	Rand io.Reader
	// Logger takes every message.
	Logger *slog.Logger
	// Registerer takes the metrics; nil means none.
	Registerer prometheus.Registerer
	// Fatal is called at most once, from any goroutine, when the node must not go on (damaged or full disk, divergence). The
	// owner closes the node and exits with an error.
	Fatal func(error)
}

// Tuning holds times and sizes that tests shorten. The zero value of a field takes the default.
type Tuning struct {
	// Heartbeat is raft's heartbeat, election and lease time-out.
	Heartbeat time.Duration
	// Commit is how soon followers learn of a commit when nothing else is sent.
	Commit time.Duration
	// SnapshotThreshold is the number of entries after which a snapshot is taken, SnapshotInterval how often that is looked
	// at, TrailingLogs how many entries stay in the log behind it.
	SnapshotThreshold, TrailingLogs uint64
	SnapshotInterval                time.Duration
	// Stabilization is how long a caught-up newcomer must be healthy before it votes.
	Stabilization time.Duration
	// Reconcile is how often the leader looks at the membership.
	Reconcile time.Duration
	// ReplaceAfter is how long an id must be dead before a successor of the same name takes its place.
	ReplaceAfter time.Duration
	// Listen is how long a node that would found a cluster alone listens for one that has its secret already. By default not
	// at all: right only if the secret was made just now.
	Listen time.Duration
	// SeedPatience is how long founding waits for seeds that do not answer.
	SeedPatience time.Duration
	// Propose and Read bound the wait of a write and of a read for a leader.
	Propose, Read time.Duration
	// DigestExchange is how often replicas compare their digests.
	DigestExchange time.Duration
	// FreeSpace is the free space, in bytes, below which a node takes no writes.
	FreeSpace uint64
	// Gossip and Forming are the pace of those.
	Gossip  gossip.Tuning
	Forming forming.Tuning
}

func (t Tuning) withDefaults() Tuning {
	orDuration(&t.Heartbeat, time.Second)
	orDuration(&t.Commit, min(50*time.Millisecond, t.Heartbeat/4))
	orDuration(&t.SnapshotInterval, 30*time.Second)
	orDuration(&t.SeedPatience, 30*time.Second)
	orDuration(&t.Stabilization, 10*time.Second)
	orDuration(&t.Reconcile, 2*time.Second)
	orDuration(&t.ReplaceAfter, 10*time.Minute)
	orDuration(&t.Propose, 5*time.Second)
	orDuration(&t.Read, time.Second)
	orDuration(&t.DigestExchange, 10*time.Second)
	if t.SnapshotThreshold == 0 {
		t.SnapshotThreshold = 8192
	}
	if t.TrailingLogs == 0 {
		t.TrailingLogs = 8192
	}
	if t.FreeSpace == 0 {
		t.FreeSpace = 128 << 20
	}
	return t
}

func orDuration(d *time.Duration, otherwise time.Duration) {
	if *d == 0 {
		*d = otherwise
	}
}

// validate says what is wrong with the parts that have no default.
func (c Config) validate() error {
	switch {
	case c.DataDir == "":
		return errors.New("a data directory is needed")
	case c.Network.Listener == nil || c.Network.Advertise == "":
		return errors.New("a cluster listener and its address are needed")
	case c.BootstrapExpect < 0 || c.BootstrapExpect > maxVoters:
		return fmt.Errorf("bootstrap-expect is %d; it may be 0 to %d", c.BootstrapExpect, maxVoters)
	case c.BootstrapExpect == 1 && len(c.Join) > 0:
		return errors.New("a node that is given seeds joins their cluster: leave --bootstrap-expect out, or set it to the number of founders")
	case c.VisitsKept > command.MaxVisitDays:
		return fmt.Errorf("visits are kept for %d days; it may be %d at most", c.VisitsKept, command.MaxVisitDays)
	case c.Replica && c.BootstrapExpect > 0:
		return errors.New("a replica cannot found a cluster: give it --join, and no --bootstrap-expect")
	}
	return nil
}

func (e Environment) withDefaults() Environment {
	if e.FS == nil {
		e.FS = store.OSFS()
	}
	if e.OpenLog == nil {
		e.OpenLog = LogBolt.Open
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Rand == nil {
		e.Rand = rand.Reader
	}
	if e.Logger == nil {
		e.Logger = slog.New(slog.DiscardHandler)
	}
	if e.Fatal == nil {
		e.Fatal = func(error) {}
	}
	return e
}
