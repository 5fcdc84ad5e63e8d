package sim

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"tinyurl/cluster"
	"tinyurl/cluster/gossip"
	"tinyurl/test/sim/disk"
)

// process is one life of a node on its machine.
type process struct {
	machine *machine
	number  uint64
	disk    *disk.Disk
	opened  chan struct{} // closed when node is set, or never will be
	node    *cluster.Node // set before opened is closed

	ending sync.Once
	over   chan struct{} // closed when nobody hears from it any more
	paused gate

	closing sync.Once
	leaving atomic.Bool // told to stop
	excuse  atomic.Pointer[excuse]
	broken  atomic.Bool // Fatal was called
	counter counter     // of visits
}

// excuse is why a process may fail.
type excuse struct {
	why   string
	error error     // what the failure has to say; nil for anything
	until time.Time // zero while it lasts
}

// covers reports whether an error, nil for any, is excused now.
func (e *excuse) covers(err error) bool {
	return e != nil && (e.until.IsZero() || time.Now().Before(e.until)) && (err == nil || e.error == nil || errors.Is(err, e.error))
}

// end is the moment of death: no answer leaves after it.
func (p *process) end() {
	p.ending.Do(func() {
		close(p.over)
		p.machine.world.visits.died(p)
	})
	p.paused.open()
}

// dead reports whether answers of this process can still reach anybody.
func (p *process) dead() bool {
	select {
	case <-p.over:
		return true
	default:
		return false
	}
}

// mayFail reports whether a process may say that it cannot do what it is asked for.
func (p *process) mayFail() bool {
	return p.dead() || p.leaving.Load() || p.broken.Load() || p.excuse.Load().covers(nil)
}

// forgive says why this process may fail from now on; blame ends that soon: what a node noticed of its disk may take it a moment to act
// upon, no more.
func (p *process) forgive(e excuse) { p.excuse.Store(&e) }

func (p *process) blame() {
	if e := p.excuse.Load(); e != nil {
		ending := *e
		ending.until = time.Now().Add(excuseLasts)
		p.excuse.Store(&ending)
	}
}

// excuseLasts is how long after the end of a disk's trouble a process may stop for it.
const excuseLasts = 5 * time.Second

// close closes the node. Its goroutines must all end, dead or alive; what hangs is noted.
func (p *process) close(ctx context.Context) {
	p.leaving.Store(true)
	p.closing.Do(func() {
		began := time.Now()
		watch := time.AfterFunc(closePatience, func() {
			p.machine.world.problem("close", "%s, process %d, has not closed in %v", p.machine.name, p.number, closePatience)
		})
		defer watch.Stop()
		if err := p.node.Close(ctx); err != nil {
			p.machine.world.book.say(p.machine.name + " closed with: " + err.Error())
		}
		if took := time.Since(began); took > 10*time.Second {
			p.machine.world.book.say(p.machine.name + " took " + took.String() + " to close")
		}
	})
}

// closePatience is how long a node may take to close, with a disk that works.
const closePatience = 2 * time.Minute

// config is the node's, on this machine as it is now.
func (m *machine) config(p *process) (cluster.Config, error) {
	listener, err := m.host.Listen(clusterPort)
	if err != nil {
		return cluster.Config{}, err
	}
	w := m.world
	c := cluster.Config{
		Name: m.name, DataDir: "/data", Version: "sim", Secret: w.secret, Join: w.seeds(m), CacheBytes: 1 << 20,
		Network: cluster.Network{
			Listener: listener, Advertise: m.host.Addr(clusterPort), GossipAdvertise: m.host.Addr(gossipPort),
			Dial: m.host.Dialer(), GossipTransport: m.host.Gossip(gossipPort),
		},
		Environment: cluster.Environment{
			FS: p.disk.FS(), OpenLog: p.disk.OpenLog, Now: m.now, Logger: w.book.of(m.name), Fatal: p.fatal,
			Rand: &chance{from: rand.NewChaCha8(keyOf(w.plan.seed, m.name, p.number))},
		},
		Tuning: w.plan.tuning(),
	}
	if m.founder {
		c.BootstrapExpect = w.plan.machines
	}
	return c, nil
}

// tuning is near the product's own, but for what would take too long to happen at all, and what would cost most of the processor's
// time while nothing happens.
func (p plan) tuning() cluster.Tuning {
	return cluster.Tuning{
		Heartbeat: p.heartbeat, Reconcile: 5 * time.Second,
		Gossip:            gossip.Tuning{GossipInterval: 500 * time.Millisecond},
		SnapshotThreshold: p.snapshotEvery, TrailingLogs: p.trailing, SnapshotInterval: p.snapshotLook,
		Commit: p.commit, ReplaceAfter: 40 * time.Second,
	}
}

// fatal is the node's Environment.Fatal.
func (p *process) fatal(err error) {
	p.broken.Store(true)
	go p.fail(err)
}

// fail treats a node that cannot go on as a process that has ended, and starts another one.
func (p *process) fail(err error) {
	<-p.opened
	m, w := p.machine, p.machine.world
	if p.node == nil || p.dead() {
		return
	}
	if excuse := p.excuse.Load(); excuse.covers(err) {
		w.fault("fatal", "%s: %v (%s)", m.name, err, excuse.why)
	} else {
		w.problem("fatal", "%s stopped without cause: %v", m.name, err)
	}
	m.mu.Lock()
	mine := m.process == p
	if mine {
		m.process = nil
		m.disk = p.disk.Kill()
	}
	m.mu.Unlock()
	p.end()
	if mine {
		m.host.Kill()
		m.abandon(p)
		w.restartSoon(m)
	}
}

// chance is a source of random bytes for many goroutines.
type chance struct {
	mu   sync.Mutex
	from io.Reader // owned by mu
}

func (c *chance) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.from.Read(b)
}

// keyOf makes the key of one process's randomness.
func keyOf(seed uint64, name string, number uint64) (key [32]byte) {
	r := rand.New(rand.NewPCG(seed, streamCrypto+number<<8))
	for i := range key {
		key[i] = byte(r.Uint32()) ^ name[i%len(name)]
	}
	return key
}

// gate is passed while it is open; the requests that meet it closed wait.
type gate struct {
	mu   sync.Mutex
	wait chan struct{} // owned by mu: closed while the gate is open
}

func (g *gate) init() {
	g.wait = make(chan struct{})
	close(g.wait)
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.wait:
		g.wait = make(chan struct{})
	default:
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.wait:
	default:
		close(g.wait)
	}
}

func (g *gate) passage() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.wait
}
