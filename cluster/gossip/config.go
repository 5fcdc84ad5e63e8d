package gossip

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/cluster/member"
)

// Transport carries packets and streams between gossiping nodes. Tests and the
// simulation bring their own.
type Transport = memberlist.Transport

// KeySize is the length of Config.Key in bytes (AES-256).
const KeySize = 32

// ErrConfig is wrapped by every refusal of a Config or of a seed.
var ErrConfig = errors.New("invalid gossip configuration")

// Config of a Gossip.
type Config struct {
	// Self is what the others are told about this node. ID and Boot are
	// required; GossipAddr, Status and Since are not read. A ClusterAddr
	// without host (":7000") stands for the address the node gossips from.
	Self member.Member
	// BindAddr is the host:port to listen on, TCP and UDP; the host is an IP
	// address or empty for all, port 0 takes a free one. Not used with a
	// Transport.
	BindAddr string
	// AdvertiseAddr is the host[:port] the others reach this node at: an IP
	// address, or a name that is looked up once, at Open. Empty: an address of
	// this machine.
	AdvertiseAddr string
	// Key encrypts all gossip: KeySize bytes.
	Key []byte
	// Seeds are where the cluster may be found; see ParseSeed.
	Seeds []string
	// Known keeps the addresses of peers, so that a restart finds the
	// cluster though its seeds are gone. Nil: none is kept.
	Known Keeper

	// Transport replaces the real sockets; nil for those.
	Transport Transport
	// Resolver looks names up; net.DefaultResolver if nil.
	Resolver Resolver
	// Logger is required.
	Logger *slog.Logger
	// Now is the clock of Member.Since and of the record of failed members;
	// time.Now if nil.
	Now func() time.Time
	// Random gives the jitter of retries, from [0, 1); rand.Float64 if nil.
	Random func() float64
	// Registerer takes the metrics; none are kept if nil.
	Registerer prometheus.Registerer
	// Tuning changes the pace; the zero value is right for clusters in a data
	// centre.
	Tuning Tuning
}

// Tuning is the pace of the gossip. Zero fields take their default.
type Tuning struct {
	ProbeInterval    time.Duration // between two probes of random members; 1 s
	ProbeTimeout     time.Duration // for a direct answer, before others are asked; 500 ms
	SuspicionMult    int           // suspicion lasts this many probes, times log10 of the members; 4
	GossipInterval   time.Duration // between two rounds of gossip; 200 ms
	PushPullInterval time.Duration // between two exchanges of all that is known; 15 s
	StreamTimeout    time.Duration // to connect, and to exchange all that is known; 5 s
	RetryMin         time.Duration // first wait before seeds are tried again while alone; 500 ms
	RetryMax         time.Duration // longest such wait; 2 s
	Refresh          time.Duration // between two looks for seeds and failed members among company; 30 s
	TwinPatience     time.Duration // how long a second boot of this id must answer to count as a copy; 10 s
	ForgetAfter      time.Duration // how long failed members stay listed; 72 h
}

func orElse[T comparable](v *T, byDefault T) {
	var zero T
	if *v == zero {
		*v = byDefault
	}
}

func (t Tuning) withDefaults() Tuning {
	orElse(&t.ProbeInterval, time.Second)
	orElse(&t.ProbeTimeout, 500*time.Millisecond)
	orElse(&t.SuspicionMult, 4)
	orElse(&t.GossipInterval, 200*time.Millisecond)
	orElse(&t.PushPullInterval, 15*time.Second)
	orElse(&t.StreamTimeout, 5*time.Second)
	orElse(&t.RetryMin, 500*time.Millisecond)
	// A node that came up at a new address while it was cut off is found by nobody: until it knocks, it cannot be written through.
	orElse(&t.RetryMax, 2*time.Second)
	orElse(&t.Refresh, 30*time.Second)
	orElse(&t.TwinPatience, 10*time.Second)
	orElse(&t.ForgetAfter, 72*time.Hour)
	return t
}

// withDefaults checks c and fills what may be left out.
func (c Config) withDefaults() (Config, error) {
	if _, err := member.ParseID(string(c.Self.ID)); err != nil {
		return c, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if c.Self.Boot == 0 {
		return c, fmt.Errorf("%w: boot number 0", ErrConfig)
	}
	if len(c.Key) != KeySize {
		return c, fmt.Errorf("%w: key of %d bytes, want %d", ErrConfig, len(c.Key), KeySize)
	}
	if c.Logger == nil {
		return c, fmt.Errorf("%w: no logger", ErrConfig)
	}
	if c.Self.Name == "" {
		c.Self.Name = c.Self.ID.Name()
	}
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	c.Tuning = c.Tuning.withDefaults()
	return c, nil
}

// engine translates the configuration into memberlist's and opens the sockets,
// whose connections end with running and come in through the gate. Delegates
// are set by Open.
func (c Config) engine(running context.Context, advertise netAddr, logger *log.Logger, g *gate) (*memberlist.Config, error) {
	m := memberlist.DefaultLANConfig()
	m.Name = nodeName(c.Self.ID, c.Self.Boot)
	m.SecretKey = c.Key
	m.GossipVerifyIncoming, m.GossipVerifyOutgoing = true, true
	// Messages are small, and each would be compressed with tables made anew: a tenth of an idle node's processor time.
	m.EnableCompression = false

	t := c.Tuning
	m.ProbeInterval, m.ProbeTimeout, m.SuspicionMult = t.ProbeInterval, t.ProbeTimeout, t.SuspicionMult
	m.GossipInterval, m.PushPullInterval, m.TCPTimeout = t.GossipInterval, t.PushPullInterval, t.StreamTimeout
	// A dead node is gossiped to for some minutes, so that one that was cut
	// off hears of it and speaks up as soon as the cut is healed.
	m.GossipToTheDeadTime = 3 * time.Minute

	m.Logger = logger
	m.Transport = c.Transport
	if m.Transport == nil {
		host, port, err := splitBind(c.BindAddr)
		if err != nil {
			return nil, err
		}
		s, err := openSockets(running, host, port, logger, g)
		if err != nil {
			return nil, err
		}
		m.Transport, m.AdvertisePort = s, s.GetAutoBindPort()
	}
	m.AdvertiseAddr = advertise.ip
	if advertise.port != 0 {
		m.AdvertisePort = advertise.port
	}
	return m, nil
}

// splitBind splits an address to listen on.
func splitBind(addr string) (host string, port int, err error) {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("%w: listen address %q: %w", ErrConfig, addr, err)
	}
	n, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%w: listen address %q: not a port", ErrConfig, addr)
	}
	if host == "" {
		host = "0.0.0.0"
	}
	if net.ParseIP(host) == nil {
		return "", 0, fmt.Errorf("%w: listen address %q: not an IP address", ErrConfig, addr)
	}
	return host, int(n), nil
}
