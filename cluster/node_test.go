package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/fsm/link"
	"tinyurl/test/sim/links"
)

func TestALinkMadeOnAnyNodeIsFollowedOnEveryOtherAtOnce(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	for _, at := range c.nodes {
		made := c.create(at, link.Draft{Fields: link.Fields{Target: "https://example.com/from-" + link.Target(at.config.Name)}})
		for _, n := range c.nodes {
			got, err := n.Resolve(t.Context(), made.Code)
			if err != nil || got.Target != made.Target {
				t.Fatalf("made on %s, followed on %s: %+v, %v", at.config.Name, n.config.Name, got, err)
			}
		}
	}
}

func TestALoneNodeFoundsItsClusterAndKeepsItsLinks(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	n := c.nodes[0]
	made := c.create(n, link.Draft{Fields: link.Fields{Target: "https://example.com/"}})
	id := n.ID()
	c.stop(n)
	c.start(n)
	c.writable(n)
	if n.ID() != id {
		t.Fatalf("the node came back as %s, was %s", n.ID(), id)
	}
	if got, err := n.Resolve(t.Context(), made.Code); err != nil || got != made.Route() {
		t.Fatalf("after a restart: %+v, %v", got, err)
	}
}

func TestTheClusterSurvivesTheLossOfItsLeader(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	made := c.create(c.nodes[0], link.Draft{Fields: link.Fields{Target: "https://example.com/before"}})
	c.agreed() // two nodes are enough to acknowledge it, and one that does not know it would say 503
	lost := c.leader()
	c.stop(lost)
	for _, n := range c.others(lost) {
		if got, err := n.Resolve(t.Context(), made.Code); err != nil || got.Target != made.Target {
			t.Fatalf("on %s while no leader is known: %+v, %v", n.config.Name, got, err)
		}
	}
	survivor := c.others(lost)[0]
	after := c.create(survivor, link.Draft{Fields: link.Fields{Target: "https://example.com/after"}})
	c.start(lost)
	c.writable(lost)
	if got, err := lost.Resolve(t.Context(), after.Code); err != nil || got.Target != after.Target {
		t.Fatalf("on the returned node: %+v, %v", got, err)
	}
	c.agreed()
}

func TestWithoutAQuorumKnownLinksRedirectAndNothingElseIsClaimed(t *testing.T) {
	t.Parallel() // it waits more than it works
	c := newTestCluster(t, 3, func(c *Config) { c.Tuning.Propose = 2 * time.Second })
	made := c.create(c.nodes[0], link.Draft{Fields: link.Fields{Target: "https://example.com/"}})
	alone := c.nodes[2]
	c.agreed()
	c.stop(c.nodes[0])
	c.stop(c.nodes[1])
	unknown := func() link.Code { // a code that was never given out, hence not provably absent
		codec, _ := alone.group.Load().fsm.Store().Codec()
		return codec.Encode(1 << 40)
	}
	check := func() {
		t.Helper()
		if got, err := alone.Resolve(t.Context(), made.Code); err != nil || got.Target != made.Target {
			t.Fatalf("a known link: %+v, %v", got, err)
		}
		start := time.Now()
		if _, err := alone.Resolve(t.Context(), unknown()); !errors.Is(err, link.ErrNoLeader) {
			t.Fatalf("an unknown code: %v, want no leader", err)
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Fatalf("that took %v", took)
		}
	}
	check()
	start := time.Now()
	results, err := links.Create(t.Context(), alone, link.Draft{Fields: link.Fields{Target: "https://example.com/lost"}})
	if err != nil || !errors.Is(results[0].Err, link.ErrNoLeader) || time.Since(start) > 3*time.Second {
		t.Fatalf("a create without a leader: %+v, %v after %v", results, err, time.Since(start))
	}
	// The same holds after its own restart, with nobody to hear.
	c.stop(alone)
	c.start(alone)
	check()
}

func TestAFollowerThatWasAwayTooLongComesBackBySnapshot(t *testing.T) {
	for _, kept := range logStores() {
		t.Run(string(kept), func(t *testing.T) { comesBackBySnapshot(t, kept) })
	}
}

func comesBackBySnapshot(t *testing.T, kept LogStore) {
	c := newTestCluster(t, 3, func(c *Config) {
		c.Environment.OpenLog = kept.Open
		c.Tuning.SnapshotThreshold, c.Tuning.TrailingLogs, c.Tuning.SnapshotInterval = 20, 5, 50*time.Millisecond
	})
	away := c.others(c.leader())[0]
	c.stop(away)
	leader := c.leader()
	var made []link.Link
	create := func(n int) {
		for i := range n {
			made = append(made, c.create(leader, link.Draft{Fields: link.Fields{Target: link.Target(fmt.Sprintf("https://example.com/%d/%d", len(made), i))}}))
		}
	}
	create(100)
	first := func() uint64 { i, _ := leader.group.Load().store.log.FirstIndex(); return i }
	c.eventually("the log is cut", func() bool { create(5); return first() > 60 })
	c.start(away)
	create(50) // creates go on meanwhile
	c.writable(away)
	c.agreed()
	if metas, err := away.group.Load().store.snapshots.List(); err != nil || len(metas) == 0 {
		t.Fatalf("it has no snapshot: %v, %v", metas, err)
	}
	for _, l := range made {
		if got, err := away.Resolve(t.Context(), l.Code); err != nil || got.Target != l.Target {
			t.Fatalf("%s: %+v, %v", l.Code, got, err)
		}
	}
}

func TestANewcomerBecomesAVoterAndCanLeave(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	made := c.create(c.nodes[0], link.Draft{Fields: link.Fields{Target: "https://example.com/"}})
	newcomer := c.add("n4", 0)
	c.writable(newcomer)
	votes := func() bool {
		for _, m := range c.nodes[0].Status(t.Context()).Members {
			if m.Name == "n4" && m.Voter && m.Healthy {
				return true
			}
		}
		return false
	}
	c.eventually("n4 votes", votes)
	if got, err := newcomer.Resolve(t.Context(), made.Code); err != nil || got.Target != made.Target {
		t.Fatalf("on the newcomer: %+v, %v", got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := newcomer.Leave(ctx); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if _, err := links.Create(ctx, newcomer, link.Draft{Fields: link.Fields{Target: "https://example.com/"}}); !errors.Is(err, link.ErrNoLeader) || time.Since(start) > time.Second {
		t.Fatalf("a create on a node that has left: %v after %v", err, time.Since(start))
	}
	select {
	case <-newcomer.Left():
	default:
		t.Fatal("Left is not closed after Leave")
	}
	c.stop(newcomer)
	c.eventually("n4 is gone", func() bool {
		s := c.nodes[0].Status(t.Context())
		return len(s.Members) == 3 && s.Healthy && s.FailureTolerance == 1
	})
}

func TestTheLeaderCanLeave(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	leader := c.leader()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := leader.Leave(ctx); err != nil {
		t.Fatal(err)
	}
	c.stop(leader)
	c.create(c.others(leader)[0], link.Draft{Fields: link.Fields{Target: "https://example.com/"}})
}

func TestTheLastVoterCannotLeave(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	if err := c.nodes[0].Leave(t.Context()); !errors.Is(err, ErrRefused) {
		t.Fatalf("err = %v", err)
	}
}

func TestAReplicaRedirectsAndNeverVotes(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	made := c.create(c.nodes[0], link.Draft{Fields: link.Fields{Target: "https://example.com/"}})
	c.tune = func(c *Config) { c.Replica = true }
	replica := c.add("r1", 0)
	c.writable(replica)
	if got, err := replica.Resolve(t.Context(), made.Code); err != nil || got.Target != made.Target {
		t.Fatalf("on the replica: %+v, %v", got, err)
	}
	c.create(replica, link.Draft{Fields: link.Fields{Target: "https://example.com/through-a-replica"}})
	deadline := time.Now().Add(time.Second) // several times what a promotion takes here
	for time.Now().Before(deadline) {
		for _, m := range c.nodes[0].Status(t.Context()).Members {
			if m.Name == "r1" && m.Voter {
				t.Fatal("the replica votes")
			}
		}
	}
}

func TestAWipedNodeComesBackAsANewMemberAndReplacesItsOldSelf(t *testing.T) {
	c := newTestCluster(t, 3, func(c *Config) { c.Tuning.ReplaceAfter = time.Second })
	wiped := c.others(c.leader())[0]
	old := wiped.ID()
	c.comesBackWiped(wiped)
	if wiped.ID() == old {
		t.Fatal("the wiped node has its old id: an old voter without memory")
	}
	c.eventually("the new one votes and the old one is gone", func() bool {
		members := c.leader().Status(t.Context()).Members
		for _, m := range members {
			if m.ID == old || !m.Voter {
				return false
			}
		}
		return len(members) == 3
	})
}

// Nobody could take the place of what the wiped disk was, once the node that has its name is gone.
func TestAWipedNodeThatLeavesTakesItsOldSelfWithIt(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	wiped := c.others(c.leader())[0]
	old := wiped.ID()
	c.comesBackWiped(wiped)
	c.eventually("its old self is known to be dead", func() bool {
		m, known := c.leader().plane.gossip.Member(old)
		return !known || m.Status != member.Alive
	})
	c.eventually("it votes beside its old self", func() bool {
		votes := 0
		for _, m := range c.leader().Status(t.Context()).Members {
			if m.Voter {
				votes++
			}
		}
		return votes == 4
	})
	if err := wiped.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.stop(wiped)
	c.eventually("nobody of its name is left", func() bool {
		status := c.leader().Status(t.Context())
		for _, m := range status.Members {
			if m.ID.Name() == wiped.config.Name {
				return false
			}
		}
		return status.Healthy
	})
}

func TestANodeWithoutItsVotesRefusesToStart(t *testing.T) {
	for _, kept := range logStores() {
		t.Run(string(kept), func(t *testing.T) { refusesWithoutVotes(t, kept) })
	}
}

func refusesWithoutVotes(t *testing.T, kept LogStore) {
	c := newTestCluster(t, 3, func(c *Config) { c.Environment.OpenLog = kept.Open })
	_, log := kept.place()
	c.create(c.nodes[0], link.Draft{Fields: link.Fields{Target: "https://example.com/"}})
	n := c.nodes[0]
	c.eventually("it remembers that it voted", func() bool { return n.cluster.Load().HasState })
	c.stop(n)
	group := groupDir(n.config.DataDir, mainGroup)
	for _, lost := range [][]string{{log}, {log, "state", "snapshots"}} {
		for _, name := range lost {
			if err := os.RemoveAll(filepath.Join(group, name)); err != nil {
				t.Fatal(err)
			}
		}
		err := c.tryStart(n)
		if err == nil || !strings.Contains(err.Error(), "new member") {
			t.Fatalf("without %v: %v", lost, err)
		}
	}
}

func TestManyClientsOnAllNodesGetDistinctCodesAndReadTheirWrites(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	const clients, each = 30, 20
	var mu sync.Mutex
	codes := map[link.Code]bool{}
	var all sync.WaitGroup
	for i := range clients {
		n := c.nodes[i%3]
		all.Go(func() {
			for j := range each {
				target := link.Target(fmt.Sprintf("https://example.com/%d/%d", i, j))
				results, err := links.Create(t.Context(), n, link.Draft{Fields: link.Fields{Target: target}})
				if err != nil || results[0].Err != nil {
					t.Error(results, err)
					return
				}
				code := results[0].Link.Code
				if got, err := links.Get(t.Context(), n, code, true); err != nil || got.Target != target {
					t.Errorf("own write read locally: %+v, %v", got, err)
				}
				mu.Lock()
				if codes[code] {
					t.Errorf("code %s was given twice", code)
				}
				codes[code] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(codes) != clients*each {
		t.Fatalf("%d codes", len(codes))
	}
	c.agreed()
}

func TestOneKeySentToAllNodesAtOnceMakesOneLink(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	once := &link.Once{Scope: "root", Key: "order-17", Body: [32]byte{1}}
	var mu sync.Mutex
	codes := map[link.Code]int{}
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			l := c.create(c.nodes[i%3], link.Draft{Fields: link.Fields{Target: "https://example.com/"}, Once: once})
			mu.Lock()
			defer mu.Unlock()
			codes[l.Code]++
		})
	}
	all.Wait()
	if len(codes) != 1 {
		t.Fatalf("one key made %v", codes)
	}
}

func TestADeletedLinkIsGoneOnEveryNodeAtOnceForReadsThatAsk(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	made := c.create(c.nodes[0], link.Draft{Fields: link.Fields{Target: "https://example.com/"}, Slug: "promo"})
	if err := links.Delete(t.Context(), c.nodes[1], made.Code); err != nil {
		t.Fatal(err)
	}
	for _, n := range c.nodes {
		if _, err := links.Get(t.Context(), n, "promo", false); !errors.Is(err, link.ErrGone) {
			t.Fatalf("on %s: %v", n.config.Name, err)
		}
	}
	results, err := links.Create(t.Context(), c.nodes[2], link.Draft{Fields: link.Fields{Target: "https://example.com/"}, Slug: "promo"})
	if err != nil || !errors.Is(results[0].Err, link.ErrSlugTaken) {
		t.Fatalf("the slug of a deleted link: %+v, %v", results, err)
	}
}

func TestANodeOfAnotherSecretStaysOutside(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	c.tune = func(c *Config) { c.Secret = otherSecret(t) }
	stranger := c.add("stranger", 0)
	c.eventually("the stranger says why", func() bool {
		data, _ := os.ReadFile(stranger.log.Name())
		return strings.Contains(string(data), "secret")
	})
	c.eventually("the seed says why", func() bool {
		data, _ := os.ReadFile(c.nodes[0].log.Name())
		return strings.Contains(string(data), "secret")
	})
	if s := c.nodes[0].Status(t.Context()); len(s.Members) != 1 {
		t.Fatalf("members: %+v", s.Members)
	}
	if stranger.group.Load() != nil {
		t.Fatal("the stranger has joined")
	}
}

func TestStatusIsAnsweredWithinASecondWithoutALeader(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	c.stop(c.nodes[0])
	c.stop(c.nodes[1])
	start := time.Now()
	s := c.nodes[2].Status(t.Context())
	if took := time.Since(start); took > 1200*time.Millisecond {
		t.Fatalf("the status took %v", took)
	}
	if len(s.Members) != 3 || s.Healthy || s.Groups[0].Quorum {
		t.Fatalf("status: %+v", s)
	}
	reachable := 0
	for _, m := range s.Members {
		if m.Reachable {
			reachable++
		}
	}
	if reachable != 1 {
		t.Fatalf("%d members answer", reachable)
	}
}

// A wiped node that is started by a command line that names nobody founds a cluster of its own, if it hears of none in time.
func TestAWipedLoneNodeFindsItsOldClusterOrStops(t *testing.T) {
	for name, listen := range map[string]time.Duration{"it listens first": 20 * time.Second, "it founds at once": 0} {
		t.Run(name, func(t *testing.T) {
			c := newTestCluster(t, 1, nil)
			first := c.nodes[0]
			for _, name := range []string{"n2", "n3"} {
				c.writable(c.add(name, 0))
			}
			made := c.create(first, link.Draft{Fields: link.Fields{Target: "https://example.com/"}, Slug: "keepme"})
			c.eventually("all three vote", func() bool { return first.Status(t.Context()).FailureTolerance == 1 })
			c.agreed()
			bind := first.plane.gossip.Addr()
			c.stop(first)
			if err := os.RemoveAll(first.config.DataDir); err != nil {
				t.Fatal(err)
			}
			first.config.Network.GossipBind, first.config.Tuning.Listen = bind, listen
			c.start(first)
			if listen > 0 {
				c.writable(first)
				if got, err := first.Resolve(t.Context(), "keepme"); err != nil || got.Target != made.Target {
					t.Fatalf("it is in another cluster: %+v, %v", got, err)
				}
				return
			}
			select {
			case err := <-first.fatal:
				if !strings.Contains(err.Error(), "--join") {
					t.Fatal(err)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("two clusters live side by side in silence")
			}
			if first.Ready() == nil {
				t.Fatal("it is still ready")
			}
		})
	}
}

func TestALoneNodeDoesNotWaitForALeader(t *testing.T) {
	c := newTestCluster(t, 1, func(c *Config) { c.Tuning.Heartbeat = time.Hour })
	n := c.nodes[0]
	c.stop(n)
	c.start(n)
	c.writable(n) // in far less than a heartbeat
}
