package cluster

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"

	"tinyurl/cluster/member"
)

// maxTrailing is how many entries behind the leader a newcomer may be and still count as caught up.
const maxTrailing = 500

// pilot gives raft-autopilot what it needs to know of this cluster. It only promotes; removal is in replace.go.
type pilot struct {
	self          member.ID
	raft          *answeringRaft
	describe      func(member.ID) (member.Member, bool)
	ask           func(context.Context, member.ID) (Stats, error)
	stabilization time.Duration
	heartbeat     time.Duration
}

var _ autopilot.ApplicationIntegration = (*pilot)(nil)

// newAutopilot returns an autopilot that its owner starts while this node leads. It goes by time.Now, not by the environment's wall
// clock: it measures how long nodes are well, and makes deadlines of what it is told.
func newAutopilot(p *pilot, reconcile time.Duration, logger hclog.Logger) *autopilot.Autopilot {
	return autopilot.New(p.raft, p,
		autopilot.WithLogger(logger),
		autopilot.WithUpdateInterval(reconcile),
		autopilot.WithReconcileInterval(reconcile),
		autopilot.WithPromoter(&promoter{describe: p.describe, voters: func() []member.ID { return voters(p.raft) }, now: time.Now}))
}

// AutopilotConfig never lets autopilot remove a server by itself.
func (p *pilot) AutopilotConfig() *autopilot.Config {
	return &autopilot.Config{
		CleanupDeadServers:      false,
		LastContactThreshold:    p.heartbeat,
		MaxTrailingLogs:         maxTrailing,
		MinQuorum:               minVoters,
		ServerStabilizationTime: p.stabilization,
	}
}

// NotifyState needs nothing done: the status document asks for the state.
func (p *pilot) NotifyState(*autopilot.State) {}

// RemoveFailedServer is never called, as cleaning up is off.
func (p *pilot) RemoveFailedServer(*autopilot.Server) {}

// KnownServers is the configuration in the eyes of gossip.
func (p *pilot) KnownServers() map[raft.ServerID]*autopilot.Server {
	known := map[raft.ServerID]*autopilot.Server{}
	for _, s := range p.raft.GetConfiguration().Configuration().Servers {
		server := &autopilot.Server{
			ID: s.ID, Address: s.Address, Name: member.ID(s.ID).Name(), NodeStatus: autopilot.NodeUnknown,
			RaftVersion: int(raft.ProtocolVersionMax), IsLeader: member.ID(s.ID) == p.self,
		}
		if m, ok := p.describe(member.ID(s.ID)); ok {
			server.Version, server.NodeStatus = m.Version, nodeStatus(m.Status)
		}
		if server.IsLeader {
			server.NodeStatus = autopilot.NodeAlive
		}
		known[s.ID] = server
	}
	return known
}

func nodeStatus(s member.Status) autopilot.NodeStatus {
	switch s {
	case member.Alive:
		return autopilot.NodeAlive
	case member.Left:
		return autopilot.NodeLeft
	default:
		return autopilot.NodeFailed
	}
}

// FetchServerStats asks every server for the end of its log.
func (p *pilot) FetchServerStats(ctx context.Context, servers map[raft.ServerID]*autopilot.Server) map[raft.ServerID]*autopilot.ServerStats {
	ids := make([]member.ID, 0, len(servers))
	for id := range servers {
		ids = append(ids, member.ID(id))
	}
	got, _ := askAll(ctx, ids, p.ask)
	stats := make(map[raft.ServerID]*autopilot.ServerStats, len(got))
	for id, s := range got {
		stats[raft.ServerID(id)] = &autopilot.ServerStats{LastContact: s.LastContact, LastTerm: s.LastTerm, LastIndex: s.LastIndex}
	}
	return stats
}
