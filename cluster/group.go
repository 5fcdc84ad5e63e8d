package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/cluster/transport"
	"tinyurl/fsm"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// Group is one raft instance with its state machine: the links, and all that writes and reads them.
type Group struct {
	id    uint32
	self  member.ID
	env   Environment
	store *storage
	fsm   *fsm.FSM
	raft  *answeringRaft
	trans *transport.Raft
	disk  *diskWatch

	leader   *leaderWatch
	proposer *proposer
	reads    *reads
	stale    *staleness
	metrics  *metrics
	life     *lifetime
	office
}

// office is this node's part as the leader, in use while it leads.
type office struct {
	leadership *leadership
	stamps     stampClock
	intake     *intake
	confirms   *rounds // of this leader's leadership
	members    *membership
	duties     *duties
	boots      *boots
	probes     atomic.Uint64 // the sequences of the leader's own commands
}

// neighbours is what a group needs of its node: what gossip knows and how to ask others.
type neighbours interface {
	describe(member.ID) (member.Member, bool)
	askStats(context.Context, member.ID) (Stats, error)
	askIndex(ctx context.Context, leader member.ID) (uint64, error)
	sendBatch(ctx context.Context, leader member.ID, batch []byte) (uint64, []command.Result, error)
}

// groupConfig is what openGroup needs beside the node's own Config.
type groupConfig struct {
	id   uint32
	self member.ID
	boot uint64
	// laterBoot gives a boot number above one, and keeps it for the next start.
	laterBoot func(above uint64) (uint64, error)
	store     *storage
	stream    *transport.Stream
	disk      *diskWatch
	others    neighbours
	founders  []member.ID // non-empty only at the very first start of a founding node
}

// openGroup starts raft on an open storage. The group owns the storage from here on, also when it fails.
func openGroup(c Config, gc groupConfig) (*Group, error) {
	log := c.Environment.Logger
	g := &Group{
		id: gc.id, self: gc.self, env: c.Environment, store: gc.store, fsm: gc.store.fsm, disk: gc.disk, life: newLifetime(),
	}
	g.trans = transport.NewRaft(transport.RaftConfig{
		Stream: gc.stream, Logger: newHCLogger(log, "raft-net"), Stalled: g.stalled, Synced: gc.store.entries.synced,
	})
	var err error
	if g.metrics, err = newMetrics(c.Environment.Registerer, gc.id); err == nil {
		g.raft, err = startRaft(c, gc, g.trans)
	}
	if err != nil {
		g.metrics.unregister()
		return nil, errors.Join(err, g.trans.Close(), gc.store.close())
	}
	// From here on raft runs: it may lead, apply and be asked before the rest stands. Nothing it calls is missing yet, as what leads begins
	// with leadership.open, and others reach this group only when the node has stored it.
	g.leader = newLeaderWatch(g.raft.Raft)
	g.leadership = newLeadership(g.raft.Raft, log, g.lead)
	g.intake = newIntake(g.raft, g.stamps.now, g.metrics.operations.Observe, log)
	g.wire(c, gc)
	if err := g.metrics.gauges(g); err != nil {
		log.Warn("some metrics are missing", "error", err)
	}
	g.leadership.open()
	g.life.Go(func() { g.disk.run(g.life.ctx, g.handOverDisk) })
	g.life.Go(func() { g.stale.run(g.life.ctx) })
	slow := &slowness{limit: c.Tuning.Heartbeat / 3, now: c.Environment.Now, log: g.logger(), underWay: g.underWay()}
	g.life.Go(func() { slow.run(g.life.ctx) })
	g.life.Go(func() { g.duties.audit.run(g.life.ctx, c.Tuning.DigestExchange) })
	return g, nil
}

// wire connects the parts that write and read.
func (g *Group) wire(c Config, gc groupConfig) {
	log := c.Environment.Logger
	g.boots = newBoots(gc.boot, gc.self, g.fsm.Store().Boot, gc.laterBoot, log)
	g.proposer = newProposer(g.boots, c.Tuning.Propose, g.submitTo(gc.others), g.leader.current, g.fsm.WaitApplied, log)
	confirm := &confirmer{
		self: gc.self, raft: g.raft.Raft, synced: gc.store.entries.synced, acks: g.trans.Acks(), leadership: g.leadership,
	}
	g.confirms = newRounds(c.Tuning.Read, confirm.confirm)
	g.reads = &reads{
		local:   g.fsm.Store(),
		indexes: newRounds(c.Tuning.Read, g.indexFrom(gc.others)),
		applied: g.fsm.WaitApplied,
		now:     c.Environment.Now,
		timeout: c.Tuning.Read,
	}
	ask := func(ctx context.Context, id member.ID) (Stats, error) {
		if id == g.self {
			return g.stats(), nil
		}
		return measured(func() (Stats, error) { return gc.others.askStats(ctx, id) }, c.Environment.Now)
	}
	g.stale = &staleness{
		heard: g.trans.LeaderCommit, applied: g.fsm.AppliedIndex,
		leads: func() bool { _, ready := g.leadership.ready(); return ready },
	}
	g.members = &membership{
		self: gc.self, raft: g.raft, leadership: g.leadership, ask: ask, describe: gc.others.describe,
		fits: g.fits(gc.others.describe), log: log, removing: make(chan struct{}, 1),
	}
	g.duties = newDuties(g, c, gc.others.describe, ask)
}

// submitTo brings a batch to the leader: here or over the network.
func (g *Group) submitTo(others neighbours) submitter {
	return func(ctx context.Context, leader member.ID, batch parcel) (uint64, []command.Result, error) {
		if leader == g.self {
			return g.take(ctx, batch)
		}
		return others.sendBatch(ctx, leader, batch.encoded)
	}
}

// indexFrom asks the leader, wherever it is, for an index that covers every acknowledged write; while no leader is known it
// waits for one.
func (g *Group) indexFrom(others neighbours) func(context.Context) (uint64, error) {
	return func(ctx context.Context) (uint64, error) {
		pause := retryFirst
		for {
			leader, changed := g.leader.current()
			err := ErrNotLeader
			if leader != "" {
				var index uint64
				index, err = g.askLeader(ctx, leader, others)
				g.metrics.asked(err)
				if err == nil {
					return index, nil
				}
			}
			select {
			case <-changed:
				pause = retryFirst
			case <-time.After(pause):
				pause = min(2*pause, retryMost)
			case <-ctx.Done():
				return 0, err
			}
		}
	}
}

// askLeader asks one node that is believed to lead.
func (g *Group) askLeader(ctx context.Context, leader member.ID, others neighbours) (uint64, error) {
	ctx, cancel := whileLeading(ctx, leader, g.leader.current)
	defer cancel()
	if leader == g.self {
		return g.confirms.join(ctx)
	}
	return others.askIndex(ctx, leader)
}

// takeEncoded takes a batch that another node sent; it is decoded once, before it is in everybody's log.
func (g *Group) takeEncoded(ctx context.Context, from member.ID, encoded []byte) (uint64, []command.Result, error) {
	batch, err := readBatch(from, encoded)
	if err != nil {
		return 0, nil, err
	}
	return g.take(ctx, parcel{encoded: encoded, operations: len(batch.Operations)})
}

// take takes a batch in at the leader; see intake.submit for the errors. The node it came from waits until it has applied the entry, so
// it is told of the commit at once.
func (g *Group) take(ctx context.Context, batch parcel) (uint64, []command.Result, error) {
	term, ready := g.leadership.ready()
	if !ready {
		return 0, nil, ErrNotLeader
	}
	if g.disk.full() {
		return 0, nil, link.ErrDiskFull
	}
	index, results, err := g.intake.submit(ctx, batch)
	if err == nil {
		g.trans.TellCommitted(term, index)
	}
	return index, results, err
}

// index returns an index that covers every write acknowledged before the call, if this node leads.
func (g *Group) index(ctx context.Context) (uint64, error) { return g.confirms.join(ctx) }

// Propose puts commands through the log and returns a result for each, in order. The call fails as a whole only when nothing
// happened (link.ErrOverloaded). The actor is the API key that asks, see command.Operation.
func (g *Group) Propose(ctx context.Context, actor string, commands []command.Command) ([]command.Result, error) {
	began := time.Now()
	results, err := g.proposer.propose(ctx, actor, commands)
	g.metrics.wrote(time.Since(began), results, err)
	return results, err
}

// proposeOne is Propose for one command of the cluster's own; a refusal is its error.
func (g *Group) proposeOne(ctx context.Context, c command.Command) (command.Result, error) {
	results, err := g.Propose(ctx, "", []command.Command{c})
	if err != nil {
		return command.Result{}, err
	}
	return results[0], results[0].Err
}

// Resolve is the read of a redirect; see reads.resolve.
func (g *Group) Resolve(ctx context.Context, code link.Code) (link.Route, error) {
	return g.reads.resolve(ctx, code)
}

// Look is what this node says of a code by itself; see reads.look.
func (g *Group) Look(code link.Code) (found link.Route, settled bool, err error) {
	return g.reads.look(code)
}

// Lookup looks a link up in this node's own view.
func (g *Group) Lookup(code link.Code) (link.Link, error) { return g.reads.local.Lookup(code) }

// Consume counts a visit of a link that has only so many, and gives the route that it may take: link.ErrGone if the link is used up
// or does not redirect any more, link.ErrNotFound if it does not yet. When the outcome is unknown (link.ErrNoLeader) the visit may
// have been counted: a link may be followed less often than it might be, and never more often.
func (g *Group) Consume(ctx context.Context, code link.Code) (link.Route, error) {
	counted, err := g.proposeOne(ctx, command.Consume{Code: code})
	if err != nil {
		return link.Route{}, err
	}
	return counted.Link.Route(), nil
}

// View gives the state for reading: with every write in it that was acknowledged before the call, or as this node knows it when
// local is set.
func (g *Group) View(ctx context.Context, local bool) (*store.Store, error) {
	if !local {
		if err := g.reads.catchUp(ctx); err != nil {
			return nil, err
		}
	}
	return g.fsm.Store(), nil
}

// Staleness is how old this node's view may be: 0 when it is current, -1 when it was never current in this process.
func (g *Group) Staleness() time.Duration { return g.stale.age() }

// stalled says why this node must not act as a leader towards others: its disk or its state machine hangs. Replication's own
// empty messages would keep followers loyal to it for ever (raft#503).
func (g *Group) stalled() error {
	for what, since := range g.underWay() {
		if began := since(); !began.IsZero() && g.env.Now().Sub(began) > stallLimit {
			return fmt.Errorf("a %s has been under way since %s", what, began.Format(time.TimeOnly))
		}
	}
	return nil
}

// underWay is what heartbeats wait behind.
func (g *Group) underWay() map[string]func() time.Time {
	return map[string]func() time.Time{"log write": g.store.log.WritingSince, "apply": g.fsm.ApplyingSince}
}

// halt stops taking part, at once and without waiting: for a node that must not go on. The transport goes too, since a raft that
// has shut down answers nobody, and others would wait for its answers until their time-outs. Redirects go on.
func (g *Group) halt(background func(func()) bool) {
	g.raft.Shutdown()
	background(func() { _ = g.trans.Close() }) // close closes it again, and has its error
}

// close stops the group. Nothing acknowledged is lost by it; leadership should have been handed over before.
func (g *Group) close() error {
	g.life.end()
	// First the writes of this node's callers, while there is still somebody to answer them.
	g.proposer.close()
	// Before all that waits for raft's answers: it answers everything now.
	down := g.raft.Shutdown()
	g.reads.indexes.close()
	g.confirms.close()
	g.leadership.close()
	g.leader.close()
	// A restore under way breaks off, before it has changed anything, and is repeated at the next start.
	broken := g.store.snapshots.Close()
	closed := g.trans.Close() // ends the calls to nodes that do not answer, which the shutdown would wait for
	err := down.Error()       // nothing applies an entry after this, so the state may be closed
	g.intake.close()
	g.metrics.unregister()
	return errors.Join(err, broken, closed, g.store.close())
}

// logger is the node's logger, for messages of this group.
func (g *Group) logger() *slog.Logger { return g.env.Logger.With("group", g.id) }
