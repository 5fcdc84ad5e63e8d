package cluster

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"

	"tinyurl/cluster/member"
	"tinyurl/test/bubble"
)

// answers asks what a test has written down; who is not in it does not answer.
func answers(all map[member.ID]Stats) func(context.Context, member.ID) (Stats, error) {
	return func(_ context.Context, id member.ID) (Stats, error) {
		if s, ok := all[id]; ok {
			return s, nil
		}
		return Stats{}, errors.New("no answer")
	}
}

func TestAReplicaComparesItselfAndStopsItselfAlone(t *testing.T) {
	at := func(index uint64, digest string) Stats { return Stats{DigestIndex: index, Digest: digest} }
	for name, c := range map[string]struct {
		mine   Stats
		others map[member.ID]Stats
		stops  bool
		logs   bool
	}{
		"nothing to compare yet":         {at(0, ""), map[member.ID]Stats{"b": at(4096, "y"), "c": at(4096, "y")}, false, false},
		"equal":                          {at(4096, "x"), map[member.ID]Stats{"b": at(4096, "x"), "c": at(4096, "x")}, false, false},
		"the others differ":              {at(4096, "x"), map[member.ID]Stats{"b": at(4096, "y"), "c": at(4096, "y")}, true, false},
		"one of the others differs":      {at(4096, "x"), map[member.ID]Stats{"b": at(4096, "y"), "c": at(4096, "x")}, false, true},
		"the only one that answers":      {at(4096, "x"), map[member.ID]Stats{"b": at(4096, "y")}, false, true},
		"a stranger's word is not asked": {at(4096, "x"), map[member.ID]Stats{"x": at(4096, "y"), "z": at(4096, "y")}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var said bytes.Buffer
			var reason error
			a := &auditor{
				self: "a", voters: func() []member.ID { return []member.ID{"a", "b", "c"} }, mine: func() Stats { return c.mine },
				ask: answers(c.others), fatal: func(err error) { reason = err }, log: slog.New(slog.NewTextHandler(&said, nil)),
			}
			a.compare(t.Context())
			if (reason != nil) != c.stops || strings.Contains(said.String(), "a replica differs") != c.logs {
				t.Errorf("stopped: %v; said: %s", reason, &said)
			}
		})
	}
}

func TestAuditsGoOnUntilTheNodeStops(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		asked := 0
		a := &auditor{
			self: "a", voters: func() []member.ID { return []member.ID{"a", "b"} }, mine: func() Stats { return Stats{DigestIndex: 1} },
			ask:   func(context.Context, member.ID) (Stats, error) { asked++; return Stats{DigestIndex: 1}, nil },
			fatal: func(err error) { t.Error(err) }, log: slog.New(slog.DiscardHandler),
		}
		ctx, cancel := context.WithTimeout(t.Context(), 65*time.Second)
		defer cancel()
		if a.run(ctx, 10*time.Second); asked != 6 {
			t.Errorf("asked %d times in 65 seconds", asked)
		}
	})
}

// A member counts as silent only while it is silent on both planes: gossip alone may be cut, and so may the direct way.
func TestOnlySilenceOnBothPlanesCounts(t *testing.T) {
	now := time.Unix(1000, 0)
	gossip := map[member.ID]member.Status{"b-1": member.Failed, "c-1": member.Alive, "d-1": member.Failed, "e-1": member.Left}
	direct := map[member.ID]Stats{"d-1": {}}
	p := &replacer{
		self: "a-1", ask: answers(direct), now: func() time.Time { return now },
		describe: func(id member.ID) (member.Member, bool) {
			s, known := gossip[id]
			return member.Member{Status: s}, known
		},
	}
	servers := []raft.Server{{ID: "a-1"}, {ID: "b-1"}, {ID: "c-1"}, {ID: "d-1"}, {ID: "e-1"}, {ID: "f-1"}}
	silent := func() (ids []member.ID) {
		for id := range p.silentSince {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		return ids
	}
	p.listen(t.Context(), servers)
	if got := silent(); !slices.Equal(got, []member.ID{"b-1", "e-1", "f-1"}) {
		t.Fatalf("silent: %v", got)
	}
	began := now
	now = now.Add(time.Minute)
	direct["f-1"] = Stats{} // it speaks once
	p.listen(t.Context(), servers)
	if !p.silentSince["b-1"].Equal(began) {
		t.Errorf("b is silent since %v, began at %v", p.silentSince["b-1"], began)
	}
	delete(direct, "f-1")
	now = now.Add(time.Minute)
	p.listen(t.Context(), servers)
	if !p.silentSince["f-1"].Equal(now) {
		t.Errorf("f spoke, and counts as silent since %v, now is %v", p.silentSince["f-1"], now)
	}
	p.listen(t.Context(), servers[:1]) // who is no member any more is forgotten
	if len(p.silentSince) != 0 {
		t.Errorf("still counted: %v", p.silentSince)
	}
}

func TestTheLeadersChecksAskNobodyButTheOtherVoters(t *testing.T) {
	var asked []member.ID
	k := &timekeeper{
		self: "a", voters: func() []member.ID { return []member.ID{"a", "b"} }, wall: time.Now, stamps: &stampClock{}, log: slog.New(slog.DiscardHandler),
		ask: func(_ context.Context, id member.ID) (Stats, error) {
			asked = append(asked, id)
			return Stats{}, nil
		},
	}
	k.begin(t.Context())
	k.check(t.Context())
	if !slices.Equal(asked, []member.ID{"b", "b"}) {
		t.Errorf("asked %v", asked)
	}
}

// A new term must not wait for voters that may just have died: all writes wait for its first stamp.
func TestTheFirstStampOfATermWaitsOnlyAMoment(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		k := &timekeeper{
			self: "a", voters: func() []member.ID { return []member.ID{"a", "b", "c"} }, wall: time.Now, stamps: &stampClock{}, log: slog.New(slog.DiscardHandler),
			ask: func(ctx context.Context, _ member.ID) (Stats, error) {
				<-ctx.Done()
				return Stats{}, ctx.Err()
			},
		}
		start := time.Now()
		if k.begin(t.Context()); time.Since(start) > firstCheckTimeout {
			t.Errorf("the first check took %v", time.Since(start))
		}
		if off := time.Until(k.stamps.now()); off.Abs() > time.Millisecond {
			t.Errorf("and gave a stamp that is %v off", off)
		}
	})
}

func TestAutopilotSeesTheConfigurationInTheEyesOfGossip(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		leader := v.leader()
		lost := v.others(leader)[0]
		v.stop(lost)
		g := leader.group.Load()
		p := &pilot{self: g.self, raft: g.raft, describe: leader.plane.calls().describe, ask: g.members.ask, stabilization: time.Minute, heartbeat: time.Second}
		v.within(time.Minute, "gossip has noticed", func() bool {
			return p.KnownServers()[raft.ServerID(idOnDisk(v, lost))].NodeStatus == autopilot.NodeFailed
		})
		known := p.KnownServers()
		if len(known) != 3 || !known[raft.ServerID(leader.ID())].IsLeader || known[raft.ServerID(leader.ID())].NodeStatus != autopilot.NodeAlive {
			t.Errorf("known: %+v", known)
		}
		stats := p.FetchServerStats(v.t.Context(), known)
		if len(stats) != 2 || stats[raft.ServerID(leader.ID())].LastIndex == 0 {
			t.Errorf("stats of those that answer: %+v", stats)
		}
		if c := p.AutopilotConfig(); c.CleanupDeadServers || c.MinQuorum < minVoters {
			t.Errorf("autopilot might remove servers: %+v", c)
		}
	})
}

// idOnDisk is the id of a node that is stopped.
func idOnDisk(v *virtualCluster, n *virtualNode) member.ID {
	record, err := (dataDir{n.disk, n.config.DataDir}).node(n.config.Name, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return record.ID
}

func TestAutopilotsPromoterNeverRemovesOrDemotes(t *testing.T) {
	p := &promoter{
		describe: func(member.ID) (member.Member, bool) { return member.Member{}, false }, now: time.Now,
		voters: func() []member.ID { return []member.ID{"a-000000"} },
	}
	state := &autopilot.State{Servers: map[raft.ServerID]*autopilot.ServerState{
		"a-000000": {State: autopilot.RaftVoter, Health: autopilot.ServerHealth{Healthy: false}},
		"b-000000": {State: autopilot.RaftNonVoter, Health: autopilot.ServerHealth{Healthy: true}}, // gossip knows nothing of it
	}}
	changes := p.CalculatePromotionsAndDemotions(&autopilot.Config{}, state)
	if len(changes.Promotions)+len(changes.Demotions) > 0 || changes.Leader != "" {
		t.Errorf("changes: %+v", changes)
	}
	failed := p.FilterFailedServerRemovals(nil, state, &autopilot.FailedServers{FailedVoters: []*autopilot.Server{{ID: "a-000000"}}})
	if len(failed.FailedVoters)+len(failed.FailedNonVoters)+len(failed.StaleVoters)+len(failed.StaleNonVoters) > 0 {
		t.Errorf("autopilot may remove %+v", failed)
	}
	for id, kind := range p.GetNodeTypes(nil, state) {
		if !p.IsPotentialVoter(kind) {
			t.Errorf("%s can never vote", id)
		}
	}
}

func TestTheLibrariesMessagesKeepTheirLevelsAndArguments(t *testing.T) {
	var said bytes.Buffer
	log := newHCLogger(slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelInfo})), "raft")
	log.With("term", 7).Named("sub").Warn("lost", "peer", hclog.Fmt("%s-%d", "n", 1))
	log.Debug("not shown")
	log.Log(hclog.Error, "bad")
	log.StandardLogger(nil).Println("a line")
	log.Error("failed to take snapshot", "error", raft.ErrNothingNewToSnapshot) // raft's error, and no failure
	for _, want := range []string{"level=WARN msg=lost", "term=7", "peer=n-1", "part=sub", "level=ERROR msg=bad", `msg="a line"`} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("%q is not in\n%s", want, &said)
		}
	}
	for _, unwanted := range []string{"not shown", "failed to take snapshot"} {
		if strings.Contains(said.String(), unwanted) {
			t.Errorf("%q is in\n%s", unwanted, &said)
		}
	}
	if log.IsDebug() || !log.IsInfo() || log.Name() != "raft" {
		t.Errorf("debug %v, info %v, name %q", log.IsDebug(), log.IsInfo(), log.Name())
	}
}
