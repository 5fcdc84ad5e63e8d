package cluster

import (
	"sort"
	"time"

	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"

	"tinyurl/cluster/member"
)

// maxVoters is how many nodes vote at most; the others are standbys. More voters make every write wait for more disks and
// add little safety past five.
const maxVoters = 5

// promoter decides who votes: healthy, stable nodes that are no replicas, at most maxVoters, spread over zones. It never
// demotes: a vote is taken away only by removal.
type promoter struct {
	// describe tells what gossip says of a node.
	describe func(member.ID) (member.Member, bool)
	// voters are those of raft's latest configuration.
	voters func() []member.ID
	now    func() time.Time
}

var _ autopilot.Promoter = (*promoter)(nil)

// GetServerExt keeps nothing beside the state.
func (p *promoter) GetServerExt(*autopilot.Config, *autopilot.ServerState) any { return nil }

// GetStateExt keeps nothing beside the state.
func (p *promoter) GetStateExt(*autopilot.Config, *autopilot.State) any { return nil }

// GetNodeTypes says that every node could vote; replicas are kept out by CalculatePromotionsAndDemotions.
func (p *promoter) GetNodeTypes(_ *autopilot.Config, s *autopilot.State) map[raft.ServerID]autopilot.NodeType {
	types := make(map[raft.ServerID]autopilot.NodeType, len(s.Servers))
	for id := range s.Servers {
		types[id] = autopilot.NodeVoter
	}
	return types
}

// IsPotentialVoter accepts the one type there is.
func (p *promoter) IsPotentialVoter(t autopilot.NodeType) bool { return t == autopilot.NodeVoter }

// FilterFailedServerRemovals keeps everybody: removal has rules of its own (replace.go).
func (p *promoter) FilterFailedServerRemovals(*autopilot.Config, *autopilot.State, *autopilot.FailedServers) *autopilot.FailedServers {
	return &autopilot.FailedServers{}
}

// CalculatePromotionsAndDemotions names at most one newcomer a round: each promotion changes the quorum, and the next one
// should see its effect.
func (p *promoter) CalculatePromotionsAndDemotions(c *autopilot.Config, s *autopilot.State) autopilot.RaftChanges {
	voters := map[member.ID]bool{}
	perZone := map[string]int{}
	var candidates []member.ID
	for id, server := range s.Servers {
		m, known := p.describe(member.ID(id))
		switch {
		case server.HasVotingRights():
			voters[member.ID(id)] = server.Health.Healthy
			perZone[m.Zone]++
		case !known || m.Replica || server.State != autopilot.RaftNonVoter:
		case server.Health.IsStable(p.now(), s.ServerStabilizationTime(c)):
			candidates = append(candidates, member.ID(id))
		}
	}
	if !p.current(voters) {
		return autopilot.RaftChanges{}
	}
	sort.Slice(candidates, func(i, j int) bool {
		a, b := p.zone(candidates[i]), p.zone(candidates[j])
		if perZone[a] != perZone[b] {
			return perZone[a] < perZone[b]
		}
		return candidates[i] < candidates[j]
	})
	for _, id := range candidates {
		if len(voters) < maxVoters || succeeds(id, voters) {
			return autopilot.RaftChanges{Promotions: []raft.ServerID{raft.ServerID(id)}}
		}
	}
	return autopilot.RaftChanges{}
}

// current reports whether a state knows all voters there are now. Autopilot makes its state and its changes side by side, so a state may
// be from before the last promotion, and would have one node too many promoted.
func (p *promoter) current(voters map[member.ID]bool) bool {
	now := p.voters()
	for _, id := range now {
		if _, known := voters[id]; !known {
			return false
		}
	}
	return len(now) == len(voters)
}

func (p *promoter) zone(id member.ID) string {
	m, _ := p.describe(id)
	return m.Zone
}

// succeeds reports whether id is the new life of a voter that is gone: the same name, a wiped disk. It is promoted though
// the seats are taken, and the old one is removed after.
func succeeds(id member.ID, voters map[member.ID]bool) bool {
	for old, healthy := range voters {
		if !healthy && old != id && old.Name() == id.Name() {
			return true
		}
	}
	return false
}
