package cluster

import (
	"fmt"
	"slices"
	"strings"
	"time"

	autopilot "github.com/hashicorp/raft-autopilot"

	"tinyurl/cluster/member"
)

// Judgement is what a leader's autopilot makes of the members. It travels as JSON.
type Judgement struct {
	// Healthy: every member is.
	Healthy bool `json:"healthy"`
	// FailureTolerance is how many more voters may fail before nothing can be written.
	FailureTolerance int            `json:"failureTolerance"`
	Leader           member.ID      `json:"leader"`
	Servers          []JudgedMember `json:"servers"` // in the order of their ids
}

// JudgedMember is one member of the configuration. LastContact, LastTerm and LastIndex are from the last time that it answered; all
// are 0 if it never has.
type JudgedMember struct {
	ID      member.ID `json:"id"`
	Name    string    `json:"name"`
	Version string    `json:"version"`
	// Status is gossip's word: alive, failed, left or unknown.
	Status  string `json:"status"`
	Voter   bool   `json:"voter"`
	Healthy bool   `json:"healthy"`
	// StableSince is since when it has been healthy, or has not been.
	StableSince time.Time     `json:"stableSince"`
	LastContact time.Duration `json:"lastContact"`
	LastTerm    uint64        `json:"lastTerm"`
	LastIndex   uint64        `json:"lastIndex"`
}

// judgement is this leader's; ErrNotLeader if it has none yet.
func (g *Group) judgement() (Judgement, error) {
	_, ready := g.leadership.ready()
	state := g.duties.pilot.GetState()
	if !ready || len(state.Servers) == 0 {
		return Judgement{}, fmt.Errorf("%w, or has not judged the members yet", ErrNotLeader)
	}
	return judgementOf(state), nil
}

// judgementOf is autopilot's state in our words.
func judgementOf(state *autopilot.State) Judgement {
	j := Judgement{Healthy: state.Healthy, FailureTolerance: state.FailureTolerance, Leader: member.ID(state.Leader)}
	for _, s := range state.Servers {
		j.Servers = append(j.Servers, JudgedMember{
			ID: member.ID(s.Server.ID), Name: member.ID(s.Server.ID).Name(), Version: s.Server.Version, Status: string(s.Server.NodeStatus),
			Voter: s.HasVotingRights(), Healthy: s.Health.Healthy, StableSince: s.Health.StableSince,
			LastContact: s.Stats.LastContact, LastTerm: s.Stats.LastTerm, LastIndex: s.Stats.LastIndex,
		})
	}
	slices.SortFunc(j.Servers, func(a, b JudgedMember) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return j
}
