// Package gossip finds the other nodes of the cluster and tells which of them
// are alive, by hashicorp/memberlist, always encrypted.
//
// Each start of a node gossips under a name of its own, id and boot number;
// the highest boot of an id is the node. What memberlist forgets within
// minutes, failed members, is kept for days. Nothing here decides who belongs
// to the raft group: gossip finds and describes, it does not admit.
package gossip

import (
	"context"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"tinyurl/cluster/member"
)

// announceFor is how long a change of one's own metadata waits to be on its
// way: not at all, it spreads by itself.
const announceFor = time.Millisecond

// Gossip is this node's part in the gossip. All methods are safe for
// concurrent use.
type Gossip struct {
	table     *table
	meta      *metaDelegate
	engine    *memberlist.Memberlist
	joiner    *joiner
	seeker    *seeker
	addr      string // as the others see it
	conflict  chan error
	strangers chan member.Member

	cancel context.CancelFunc // ends the goroutines in running
	work   sync.WaitGroup

	mu     sync.Mutex // held across every call that must not meet Close
	left   bool       // guarded by mu
	closed bool       // guarded by mu
}

// Open starts to listen and to look for the others. It fails only for reasons
// of this machine: an unreachable seed is tried again for as long as it takes.
// Ctx bounds the look-up of the advertised address alone.
func Open(ctx context.Context, c Config) (*Gossip, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	seeds, err := parseSeeds(c.Seeds)
	if err != nil {
		return nil, err
	}
	advertise, err := advertised(ctx, c)
	if err != nil {
		return nil, err
	}
	self := peer{Member: c.Self, started: c.Now().UnixMilli()}
	g := &Gossip{table: newTable(self, c.Now), conflict: make(chan error, 1), strangers: make(chan member.Member, 1)}
	if g.meta, err = newMetaDelegate(self); err != nil {
		return nil, err
	}
	metrics, err := newMetrics(c.Registerer, g.table)
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.Background())
	g.cancel = cancel
	quiet := newQuietLogger(c.Logger, c.Now)
	conflicts := &conflictDelegate{self: self, log: quiet, report: g.conflict}
	if err := g.start(running, c, advertise, quiet, conflicts, metrics); err != nil {
		cancel()
		return nil, err
	}

	peers, err := loadKnown(c.Known)
	if err != nil {
		quiet.Warn("starting without the addresses of the last run", "error", err)
	}
	g.joiner = &joiner{
		seeds: seeds, known: peers, table: g.table, resolver: c.Resolver, random: c.Random,
		tuning: c.Tuning, log: quiet, metrics: metrics, now: c.Now, join: g.engine.Join, own: g.addr,
	}
	g.seeker = newSeeker(g.table, c.Now, c.Random, c.Tuning.RetryMax, g.engine.Join)
	greeter := &greeter{table: g.table, random: c.Random, pause: c.Tuning.RetryMax, join: g.engine.Join}
	twins := &twinWatch{table: g.table, conflict: conflicts, tuning: c.Tuning, now: c.Now, ping: g.engine.Ping}
	g.work.Go(func() { peers.run(running, g.table, quiet) })
	g.work.Go(func() { g.joiner.run(running) })
	g.work.Go(func() { g.seeker.run(running) })
	g.work.Go(func() { greeter.run(running) })
	g.work.Go(func() { twins.run(running) })
	return g, nil
}

// start opens the sockets and begins to gossip.
func (g *Gossip) start(running context.Context, c Config, advertise netAddr, quiet *quietLogger, conflicts *conflictDelegate, metrics *metrics) error {
	// Memberlist's lines, which strangers can cause, must not crowd out ours.
	engineQuiet := newQuietLogger(c.Logger, c.Now)
	streams := newGate(2*c.Tuning.StreamTimeout, metrics.streamDropped, quiet) // one to ask, one to answer
	conf, err := c.engine(running, advertise, log.New(engineLog{engineQuiet}, "", 0), streams)
	if err != nil {
		return err
	}
	conf.Delegate = g.meta
	conf.Events = &eventDelegate{table: g.table, log: c.Logger}
	conf.Alive = &aliveDelegate{table: g.table, self: c.Self.ID, log: quiet, strangers: g.strangers}
	conf.Conflict = conflicts
	if g.engine, err = memberlist.Create(conf); err != nil {
		if c.Transport == nil {
			_ = conf.Transport.Shutdown() // memberlist leaves it open
		}
		return fmt.Errorf("start gossip: %w", err)
	}
	g.addr = g.engine.LocalNode().Address()
	return nil
}

// Members lists every node known, by id: this one, the others, and those that
// failed or left within the last days. Of each node it is the highest boot.
// Members of other clusters are not listed once this node belongs to one.
func (g *Gossip) Members() []member.Member { return g.table.members() }

// Member returns what is known of one node.
func (g *Gossip) Member(id member.ID) (member.Member, bool) { return g.table.member(id) }

// Addr is the host:port this node gossips from, as the others see it.
func (g *Gossip) Addr() string { return g.addr }

// Changes returns a channel that holds a token after any change of Members, as
// an edge: several changes may leave one token, so read Members again. Each
// call makes another channel; they are never closed.
func (g *Gossip) Changes() <-chan struct{} { return g.table.watch() }

// Changed returns a channel that is closed at the next change of Members. Take it
// first, then read Members: in this order nothing is missed.
func (g *Gossip) Changed() <-chan struct{} { return g.table.next() }

// Seek tells that a node could not be reached where it is believed to be, or
// that nothing is known of it. The others are asked for it in the background,
// every two seconds (Tuning.RetryMax) at most. It does not wait.
func (g *Gossip) Seek(id member.ID) { g.seeker.seek(id) }

// Twins lists the boots of this node's id that gossip believes alive, this one
// included, if there are others. After a restart the last boot is among them
// for some seconds; Conflict tells when it is real.
func (g *Gossip) Twins() []member.Member {
	var list []member.Member
	for _, p := range g.table.twins() {
		list = append(list, p.Member)
	}
	return list
}

// Conflict delivers one error, wrapping ErrCopied, when another process runs
// on a copy of this node's data directory and this process is the one that
// must stop. The other keeps running.
func (g *Gossip) Conflict() <-chan error { return g.conflict }

// Strangers delivers nodes that were refused because they belong to another
// cluster with the same secret. Not each time, but again and again while they
// are there.
func (g *Gossip) Strangers() <-chan member.Member { return g.strangers }

// SilentSeeds lists the addresses of seeds that have not answered in this
// process: behind each there may be a cluster. Known is false until the seeds
// were looked up once. A name that cannot be looked up is listed as it is.
func (g *Gossip) SilentSeeds() (addrs []string, known bool) { return g.joiner.silent() }

// SetMeta changes what the others are told about this node; id and boot stay
// what they are. The change spreads in the background, within a second or two
// where the network is well. It fails with ErrMetaTooLong, changing nothing.
func (g *Gossip) SetMeta(edit func(*member.Member)) error {
	return g.announce(announceFor, func(p *peer) { edit(&p.Member) })
}

// announce changes what is told about this node and waits, for so long at
// most, until the change is on its way.
func (g *Gossip) announce(wait time.Duration, edit func(*peer)) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.left {
		return nil
	}
	self, err := g.meta.change(edit)
	if err != nil {
		return err
	}
	g.table.joinCluster(self.ClusterID)
	// The error can only be that the news is not on its way yet.
	_ = g.engine.UpdateNode(wait)
	return nil
}

// Leave says goodbye, so that the others list this node as left and do not
// wait for it to fail. It returns when the word is out, or with an error after
// the timeout. The node does not come back: Close follows.
func (g *Gossip) Leave(timeout time.Duration) error {
	// Memberlist's goodbye would replace a change that is still waiting.
	if err := g.announce(timeout/2, func(p *peer) { p.leaving = true }); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.left {
		return nil
	}
	g.left = true
	if err := g.engine.Leave(timeout / 2); err != nil {
		return fmt.Errorf("say goodbye to the other nodes: %w", err)
	}
	return nil
}

// Close stops. Without Leave the others see this node fail.
func (g *Gossip) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	g.cancel()
	err := g.engine.Shutdown()
	g.work.Wait()
	if err != nil {
		return fmt.Errorf("stop gossip: %w", err)
	}
	return nil
}
