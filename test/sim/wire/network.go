package wire

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Network is hosts and what lies between them. Its methods and those of its hosts are safe for concurrent use. Make it in the
// bubble it is used in.
type Network struct {
	start    time.Time
	random   *chance
	counters counters
	patience Patience

	mu        sync.Mutex // guards everything below and all hosts; a stream's lock may be taken under it, never the reverse
	hosts     map[string]*Host
	addresses map[netip.Addr]*Host
	lastIP    netip.Addr
	qualities map[route]Quality
	streams   map[*stream]struct{}
}

// route is one direction between two hosts; port 0 is for all ports.
type route struct {
	from, to string
	port     int
}

// New is a network without hosts. The seed decides every latency and loss, as far as goroutines do not.
func New(seed uint64) *Network {
	return &Network{
		start: time.Now(), random: newChance(seed), patience: Patience{}.withDefaults(),
		hosts: map[string]*Host{}, addresses: map[netip.Addr]*Host{}, lastIP: netip.AddrFrom4([4]byte{10, 0, 0, 0}),
		qualities: map[route]Quality{}, streams: map[*stream]struct{}{},
	}
}

// SetPatience is for before the first connection.
func (n *Network) SetPatience(p Patience) { n.patience = p.withDefaults() }

// now is the time since the network was made.
func (n *Network) now() time.Duration { return time.Since(n.start) }

// instant is a deadline in the network's time.
func (n *Network) instant(t time.Time) time.Duration {
	if t.IsZero() {
		return never
	}
	return t.Sub(n.start)
}

// Host is the host of that name, made with an address of its own when first asked for.
func (n *Network) Host(name string) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hosts[name]
	if h == nil {
		h = &Host{network: n, name: name, listeners: map[int]*listener{}, gossips: map[int]*gossipPort{}}
		h.life = &life{host: h}
		h.settle(n.freshIP())
		n.hosts[name] = h
	}
	return h
}

// freshIP is an address nobody ever had; the caller holds mu.
func (n *Network) freshIP() netip.Addr {
	for {
		n.lastIP = n.lastIP.Next()
		if n.addresses[n.lastIP] == nil {
			return n.lastIP
		}
	}
}

// Set gives one direction between two hosts a quality, at once and for open streams too. It does not change what SetPort set for
// a port.
func (n *Network) Set(from, to string, q Quality) { n.SetPort(from, to, 0, q) }

// SetPort is Set for the streams and packets of one service alone: streams whose listener has the port, whichever of the two
// hosts listens, and packets to it. It goes before what Set said.
func (n *Network) SetPort(from, to string, port int, q Quality) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.qualities[route{from, to, port}] = q
	n.apply(func(r route) bool { return r.from == from && r.to == to && (port == 0 || r.port == port) })
}

// Heal gives every direction the Normal quality again.
func (n *Network) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.qualities)
	n.apply(func(route) bool { return true })
}

// apply gives the open streams of the routes concerned their quality; the caller holds mu.
func (n *Network) apply(concerned func(route) bool) {
	now := n.now()
	for s := range n.streams {
		there := route{s.ends[0].life.host.name, s.ends[1].life.host.name, s.service}
		back := route{there.to, there.from, there.port}
		if !concerned(there) && !concerned(back) {
			continue
		}
		forth, home := n.quality(there), n.quality(back)
		s.mu.Lock()
		s.change(now, func(w *half) {
			w.quality = home
			if w == &s.ways[0] {
				w.quality = forth
			}
		})
		s.mu.Unlock()
	}
}

// quality is what holds for a route now; the caller holds mu.
func (n *Network) quality(r route) Quality {
	for _, known := range [...]route{r, {r.from, r.to, 0}} {
		if q, ok := n.qualities[known]; ok {
			return q
		}
	}
	if r.from == r.to {
		return Quality{}
	}
	return Normal
}

// forget is for streams that are over.
func (n *Network) forget(s *stream) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.streams, s)
}

// Streams is how many connections are open at one end at least.
func (n *Network) Streams() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.streams)
}

// Close crashes every host. Nothing of the network runs afterwards.
func (n *Network) Close() {
	n.mu.Lock()
	hosts := slices.Collect(maps.Values(n.hosts))
	n.mu.Unlock()
	for _, h := range hosts {
		h.Crash()
	}
}
