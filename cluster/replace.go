package cluster

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/member"
)

// minVoters is the number of voters below which a dead one is never removed: a cluster of three that shrank to two could
// lose no further node.
const minVoters = 3

// replacer removes members that are dead for good: those whose name has come back under a new id (a wiped disk), once the
// successor votes, and only after they have been dead for a long time.
type replacer struct {
	self     member.ID
	raft     configured
	members  *membership
	describe func(member.ID) (member.Member, bool)
	// heard asks a node directly: gossip alone does not make a node dead.
	ask   func(context.Context, member.ID) (Stats, error)
	after time.Duration
	now   func() time.Time
	log   *slog.Logger

	silentSince map[member.ID]time.Time // owned by run
}

// run looks every interval, while this node leads.
func (p *replacer) run(ctx context.Context, every time.Duration) {
	p.silentSince = map[member.ID]time.Time{}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.look(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// look removes at most one dead member: each removal changes the quorum. For the same reason it looks only while nobody else is being
// removed, and nobody is while it looks: together they could take a member and its successor.
func (p *replacer) look(ctx context.Context) {
	release, alone := p.members.beginRemoving()
	if !alone {
		return // the next look is soon
	}
	defer release()
	servers := p.servers()
	// Silence is counted anew by every leader: one that has just been elected knows nothing of how long it lasted, and waits.
	p.listen(ctx, servers)
	if !slices.Equal(servers, p.servers()) {
		return // what was heard is of others
	}
	for _, s := range servers {
		if id := member.ID(s.ID); p.dead(id) && p.replaceable(s, servers) {
			p.log.Warn("removing a dead member whose successor has taken its place", "id", id)
			if err := p.members.removeWith(ctx, id, id); err != nil {
				p.log.Warn("could not remove the dead member", "id", id, "error", err)
			}
			return
		}
	}
}

func (p *replacer) servers() []raft.Server { return p.raft.GetConfiguration().Configuration().Servers }

// listen keeps since when each member is silent on both planes.
func (p *replacer) listen(ctx context.Context, servers []raft.Server) {
	ids := make([]member.ID, 0, len(servers))
	for _, s := range servers {
		if member.ID(s.ID) != p.self {
			ids = append(ids, member.ID(s.ID))
		}
	}
	ctx, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	got, _ := askAll(ctx, ids, p.ask)
	silent := map[member.ID]time.Time{}
	for _, id := range ids {
		m, known := p.describe(id)
		_, answered := got[id]
		if answered || (known && m.Status == member.Alive) {
			continue
		}
		silent[id] = p.now()
		if since, ok := p.silentSince[id]; ok {
			silent[id] = since
		}
	}
	p.silentSince = silent
}

func (p *replacer) dead(id member.ID) bool {
	since, silent := p.silentSince[id]
	return silent && p.now().Sub(since) >= p.after
}

// replaceable reports whether a successor already fills the place of s, so that removing s leaves no fewer living voters
// than the cluster is meant to have.
func (p *replacer) replaceable(s raft.Server, servers []raft.Server) bool {
	voters, successor := 0, false
	for _, o := range servers {
		if o.Suffrage == raft.Voter {
			voters++
		}
		id := member.ID(o.ID)
		if id == member.ID(s.ID) || id.Name() != member.ID(s.ID).Name() {
			continue
		}
		if s.Suffrage == raft.Voter && o.Suffrage != raft.Voter {
			continue // its successor has to vote first
		}
		if _, silent := p.silentSince[id]; !silent {
			successor = true
		}
	}
	return successor && (s.Suffrage != raft.Voter || voters > minVoters)
}
