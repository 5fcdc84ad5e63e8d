package cluster

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"tinyurl/cluster/member"
)

// silentTwin is a cluster of three, a fourth voter, and one that has the name of a follower; that follower is silent from now on.
func silentTwin(v *virtualCluster) (old, successor *virtualNode) {
	v.t.Helper()
	v.founded()
	v.add("n4", 0)
	old, successor = v.twins()
	v.isolate(old, true)
	return old, successor
}

// The replacer's removal and an operator's could together take a member and its successor.
func TestADeadMemberIsNotReplacedWhileAnotherIsRemoved(t *testing.T) {
	inVirtualTime(t, 0, func(v *virtualCluster) {
		v.tune = func(c *Config) { c.Tuning.ReplaceAfter = 10 * time.Second }
		for _, name := range []string{"n1", "n2", "n3"} {
			v.add(name, 3)
		}
		v.founded()
		release, ok := v.leader().group.Load().members.beginRemoving()
		if !ok {
			t.Fatal("somebody is being removed")
		}
		leader := v.leader()
		old, _ := silentTwin(v)
		time.Sleep(2 * time.Minute)
		if now := v.leader(); now != leader {
			t.Fatal("another leads, with nobody to remove")
		}
		if !slices.Contains(v.members(), old.ID()) {
			t.Error("it was removed beside the other")
		}
		release()
		v.within(time.Minute, "it is removed", func() bool { return !slices.Contains(v.members(), old.ID()) })
	})
}

// A member comes back when two others go: it has been dead for long enough, and nothing can be decided without it.
func TestADeadMemberIsNotReplacedWhereNoQuorumWouldBeLeft(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		old, successor := silentTwin(v)
		v.isolate(old, false)
		v.writable(old)
		leader := v.leader()
		g := leader.group.Load()
		// What the leader has known of it until a moment ago.
		p := &replacer{
			self: g.self, raft: g.raft, members: g.members, now: time.Now, log: slog.New(slog.DiscardHandler),
			silentSince: map[member.ID]time.Time{old.ID(): time.Now()},
			describe:    func(member.ID) (member.Member, bool) { return member.Member{}, false },
			ask: func(ctx context.Context, id member.ID) (Stats, error) {
				if id == old.ID() {
					return Stats{}, errors.New("silent")
				}
				return g.members.ask(ctx, id)
			},
		}
		var gone []*virtualNode
		for _, n := range v.others(leader) {
			if n != old && n != successor {
				gone = append(gone, n)
				v.isolate(n, true)
			}
		}
		p.look(v.t.Context())
		v.writable(leader)
		if got := v.members(); len(gone) != 2 || !slices.Contains(got, old.ID()) {
			t.Errorf("without %d, the members are %v", len(gone), got)
		}
		for _, n := range gone {
			v.isolate(n, false)
		}
	})
}
