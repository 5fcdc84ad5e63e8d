package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"

	"tinyurl/cluster/member"
)

// Status is what a node knows of the cluster at one moment.
type Status struct {
	ClusterID      member.ClusterID
	ClusterVersion uint32
	Node           NodeStatus
	Groups         []GroupStatus
	Members        []MemberStatus
	// Healthy: a quorum answers and every member is healthy.
	Healthy bool
	// FailureTolerance is how many more voters may fail before nothing can be written.
	FailureTolerance int
	Warnings         []string
}

// NodeStatus is the node that answers.
type NodeStatus struct {
	ID      member.ID
	Name    string
	Version string
	Uptime  time.Duration
	HTTPURL string
}

// GroupStatus is one raft group as this node sees it.
type GroupStatus struct {
	ID    uint32
	State string
	Term  uint64
	// Leader is empty when unknown.
	Leader                               member.ID
	Quorum                               bool
	LastIndex, CommitIndex, AppliedIndex uint64
	LastContact                          time.Duration // 0 at the leader, negative if never heard
	Staleness                            time.Duration
	// ClockSkew is how far this node's clock is ahead of the median of all that answer; 0 when it is right or nobody can tell.
	ClockSkew                   time.Duration
	SnapshotIndex, SnapshotTerm uint64
	Links, Counter              uint64
	DigestIndex                 uint64
	Digest                      string
}

// MemberStatus is one member: of the raft configuration, known to gossip, or both.
type MemberStatus struct {
	member.Member
	Voter       bool
	Role        string // leader, follower, candidate; "" when it does not answer
	Healthy     bool
	Reachable   bool
	LastContact time.Duration
	LastIndex   uint64
	TrailsBy    uint64
	StableSince time.Time
	Error       string
}

// status asks every member for its stats, at most statsTimeout long, and puts the answers together.
func (g *Group) status(ctx context.Context, known []member.Member) (GroupStatus, []MemberStatus) {
	ctx, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	suffrage := map[member.ID]raft.ServerSuffrage{}
	rows := map[member.ID]member.Member{}
	for _, s := range g.raft.GetConfiguration().Configuration().Servers {
		id := member.ID(s.ID)
		suffrage[id] = s.Suffrage
		rows[id] = member.Member{ID: id, Name: id.Name(), Status: member.Failed}
	}
	for _, m := range known {
		if _, configured := suffrage[m.ID]; configured || m.Status == member.Alive {
			rows[m.ID] = m
		}
	}
	ids := make([]member.ID, 0, len(rows))
	for id := range rows {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	got, failed := askAll(ctx, ids, g.members.ask)
	group := g.groupStatus()
	group.ClockSkew = ownSkew(g.self, got)
	pilot := g.duties.pilot.GetState()
	var members []MemberStatus
	for _, id := range ids {
		s, answered := got[id]
		m := MemberStatus{Member: rows[id], Voter: isVoter(suffrage, id), Reachable: answered}
		if answered {
			m.Role, m.LastContact, m.LastIndex = s.Role, s.LastContact, s.LastIndex
			m.TrailsBy = max(group.LastIndex, s.LastIndex) - s.LastIndex
		} else if err := failed[id]; err != nil {
			m.Error = err.Error()
		}
		_, configured := suffrage[id]
		m.Healthy = answered && configured && m.TrailsBy <= maxTrailing && s.LastContact >= 0 && s.LastContact <= stallLimit
		m.StableSince = stableSince(pilot, id)
		members = append(members, m)
	}
	group.Quorum = quorum(members, group.Leader)
	return group, members
}

func ownSkew(self member.ID, got map[member.ID]Stats) time.Duration {
	others := maps.Clone(got)
	delete(others, self)
	if off, ok := skew(others); ok {
		return excess(off)
	}
	return 0
}

func isVoter(suffrage map[member.ID]raft.ServerSuffrage, id member.ID) bool {
	s, configured := suffrage[id]
	return configured && s == raft.Voter
}

// stableSince is autopilot's judgement, which only the leader has.
func stableSince(state *autopilot.State, id member.ID) time.Time {
	if state == nil {
		return time.Time{}
	}
	if s, ok := state.Servers[raft.ServerID(id)]; ok && s.Health.Healthy {
		return s.Health.StableSince
	}
	return time.Time{}
}

// quorum reports whether a majority of the voters answer and follow a leader that answers.
func quorum(members []MemberStatus, leader member.ID) bool {
	voters, answering, led := 0, 0, false
	for _, m := range members {
		if m.ID == leader && m.Reachable && m.Role == roleLeader {
			led = true
		}
		if m.Voter {
			voters++
			if m.Reachable {
				answering++
			}
		}
	}
	return led && answering > voters/2
}

func (g *Group) groupStatus() GroupStatus {
	s := g.stats()
	state := g.fsm.Store()
	leader, _ := g.leader.current()
	status := GroupStatus{
		ID: g.id, State: s.Role, Term: s.Term, Leader: leader,
		LastIndex: s.LastIndex, CommitIndex: s.Commit, AppliedIndex: s.Applied,
		LastContact: s.LastContact, Staleness: g.Staleness(),
		Links: state.Links(), Counter: uint64(state.Counter()),
		DigestIndex: s.DigestIndex, Digest: s.Digest,
	}
	if metas, err := g.store.snapshots.List(); err == nil && len(metas) > 0 {
		status.SnapshotIndex, status.SnapshotTerm = metas[0].Index, metas[0].Term
	}
	return status
}

// judgeHealth fills in what follows from the members.
func (s *Status) judgeHealth() {
	voters, healthy := 0, 0
	s.Healthy = len(s.Groups) > 0 && len(s.Members) > 0
	for _, g := range s.Groups {
		s.Healthy = s.Healthy && g.Quorum
		if g.ClockSkew != 0 {
			s.Warnings = append(s.Warnings, fmt.Sprintf("the clock of %s is %v off the others'", s.Node.Name, g.ClockSkew.Round(time.Second)))
		}
	}
	for _, m := range s.Members {
		s.Healthy = s.Healthy && m.Healthy
		if m.Voter {
			voters++
			if m.Healthy {
				healthy++
			}
		}
		if m.Voter && !m.Reachable {
			s.Warnings = append(s.Warnings, "voter "+m.Name+" does not answer")
		}
	}
	s.FailureTolerance = max(0, healthy-(voters/2+1))
	s.Warnings = append(s.Warnings, namesakes(s.Members)...)
	slices.Sort(s.Warnings)
}

// namesakes warns of names that stand twice among the members.
func namesakes(members []MemberStatus) []string {
	byName := map[string][]string{}
	for _, m := range members {
		byName[m.Name] = append(byName[m.Name], string(m.ID))
	}
	var warnings []string
	for name, ids := range byName {
		if len(ids) > 1 {
			warnings = append(warnings, "several members are called "+name+": "+strings.Join(ids, ", "))
		}
	}
	return warnings
}
