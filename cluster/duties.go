package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	autopilot "github.com/hashicorp/raft-autopilot"

	"tinyurl/cluster/member"
	"tinyurl/fsm"
	"tinyurl/fsm/command"
)

// duties is what goes on beside writing and reading: what a leader does for the cluster, and what each node checks.
type duties struct {
	clock   *timekeeper
	replace *replacer
	pilot   *autopilot.Autopilot
	audit   *auditor
	watch   *watchdog
	sweep   chore
	roll    chore
	every   time.Duration
}

func newDuties(g *Group, c Config, describe func(member.ID) (member.Member, bool), ask func(context.Context, member.ID) (Stats, error)) *duties {
	log := g.logger()
	return &duties{
		clock: &timekeeper{
			self: g.self, voters: func() []member.ID { return voters(g.raft) }, ask: ask,
			wall: g.env.Now, stamps: &g.stamps, transfer: g.members.transfer, fatal: g.env.Fatal, log: log,
		},
		replace: &replacer{
			self: g.self, raft: g.raft, members: g.members, describe: describe, ask: ask,
			after: c.Tuning.ReplaceAfter, now: g.env.Now, log: log,
		},
		pilot: newAutopilot(&pilot{
			self: g.self, raft: g.raft, describe: describe, ask: ask,
			stabilization: c.Tuning.Stabilization, heartbeat: c.Tuning.Heartbeat,
		}, c.Tuning.Reconcile, newHCLogger(log, "autopilot")),
		audit: &auditor{
			self: g.self, voters: func() []member.ID { return voters(g.raft) }, mine: g.stats,
			ask: ask, fatal: g.env.Fatal, log: log,
		},
		watch: &watchdog{transferring: g.intake.transferringSince, probe: g.probe, fatal: g.env.Fatal},
		sweep: newSweeper(g.fsm.Store().Ended, g.fsm.Store().Stamp, g.proposeOne, log),
		roll:  newRoller(g.fsm.Store().VisitsDue, g.fsm.Store().Stamp, c.VisitsKept, g.proposeOne, log),
		every: c.Tuning.Reconcile,
	}
}

// lead serves one term. The clock is checked before the first stamp; the first entry makes this leader know everything that
// was committed before it (raft's own no-op never reaches the state machine).
func (g *Group) lead(ctx context.Context, term uint64, ready func()) {
	g.duties.clock.begin(ctx)
	// Until it succeeds: without an entry of its own this leader knows of nothing that was committed before it, and may answer nobody.
	for g.leadership.leading() == term {
		err := g.probe()
		if err == nil {
			ready()
			g.logger().Info("ready to write", "term", term)
			g.serve(ctx)
			return
		}
		g.logger().Warn("the first entry of the term was not applied", "term", term, "error", err)
		select {
		case <-time.After(retryMost):
		case <-ctx.Done():
			return
		}
	}
}

// serve does a leader's duties until its term ends.
func (g *Group) serve(ctx context.Context) {
	d := g.duties
	d.pilot.Start(ctx)
	var all sync.WaitGroup
	all.Go(func() { d.clock.run(ctx, 5*d.every) })
	all.Go(func() { d.replace.run(ctx, d.every) })
	all.Go(func() { d.watch.run(ctx) })
	all.Go(func() { d.sweep.run(ctx) })
	all.Go(func() { d.roll.run(ctx) })
	all.Wait()
	<-d.pilot.Stop() // a promotion under way belongs to this term
}

// probe puts a leader's own command through the log. It carries a code key, which the state takes only if it has none, and
// the cluster version, which only rises. It has an identity of its own, as it does not go through the proposer.
func (g *Group) probe() error {
	lead := command.Lead{ClusterVersion: g.clusterVersion()}
	if _, err := io.ReadFull(g.env.Rand, lead.CodeKey[:]); err != nil {
		return err
	}
	sequence := g.probes.Add(1)
	batch, err := command.EncodeBatch(command.Batch{
		Origin: g.boots.leads(), Floor: sequence,
		Operations: []command.Operation{{Sequence: sequence, Command: lead}},
	})
	if err != nil {
		return err
	}
	_, results, err := g.intake.apply(batch)
	if err != nil {
		return err
	}
	if len(results) != 1 || len(results[0]) != 1 {
		return fmt.Errorf("%w: the state machine gave no answer", ErrUnknownOutcome)
	}
	if errors.Is(results[0][0].Err, command.ErrStale) {
		g.boots.outrun()
	}
	return results[0][0].Err
}

// clusterVersion is the version that every configured member can take, as far as gossip tells; never below today's.
func (g *Group) clusterVersion() uint32 {
	version := fsm.MaxClusterVersion
	// A member that gossip does not know may run any binary. The version stays where it is then: it never falls, so a rise that was too
	// early would stop that member at its first entry.
	for _, s := range g.raft.GetConfiguration().Configuration().Servers {
		m, known := g.duties.replace.describe(member.ID(s.ID))
		if !known {
			return max(g.fsm.Store().ClusterVersion(), 1)
		}
		version = min(version, m.MaxClusterVersion)
	}
	return max(version, g.fsm.Store().ClusterVersion(), 1)
}

// fits refuses a node whose binary is too old for the cluster's version: it would have to stop at the first entry it does
// not know.
func (g *Group) fits(describe func(member.ID) (member.Member, bool)) func(member.ID) error {
	return func(id member.ID) error {
		m, known := describe(id)
		if version := g.fsm.Store().ClusterVersion(); known && m.MaxClusterVersion < version {
			return fmt.Errorf("%w: the cluster is at version %d, %s knows %d at most: upgrade it first", ErrRefused, version, id, m.MaxClusterVersion)
		}
		return nil
	}
}

// handOverDisk makes a leader without disk space hand over to one that has some.
func (g *Group) handOverDisk(ctx context.Context) {
	if _, leads := g.leadership.ready(); !leads {
		return
	}
	if err := g.members.transfer(ctx); err != nil && !errors.Is(err, ErrRefused) {
		g.logger().Warn("short of disk space, and leadership could not be handed over", "error", err)
	}
}
