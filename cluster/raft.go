package cluster

import (
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/fsm/command"
)

const (
	// maxAppendEntries is how many entries travel in one message; with command.MaxBytes an entry, 8 MiB at the worst, which
	// an RPC must carry within its time-out.
	maxAppendEntries = 32
	// stallLimit is how long a log write or an apply may take before this node stops acting as a leader.
	stallLimit = 5 * time.Second
)

// What raft may hold in memory at once: the log cache, and one message to each of maxVoters-1 followers. The conversion does
// not compile when the limits grow past the budget.
const (
	raftMemory = 96 << 20 // bytes
	_          = uint(raftMemory - (logCacheEntries+maxAppendEntries*(maxVoters-1))*command.MaxEntryBytes)
)

// raftConfig is raft's configuration; DESIGN section 7 has the reasons.
func raftConfig(c Config, self raft.ServerID) *raft.Config {
	conf := raft.DefaultConfig()
	conf.LocalID = self
	// Heartbeats wait behind a follower's fsync, as they take no path of their own (raft#695). No safety rests on the lease.
	conf.HeartbeatTimeout = c.Tuning.Heartbeat + haste
	conf.ElectionTimeout = c.Tuning.Heartbeat + haste
	conf.LeaderLeaseTimeout = c.Tuning.Heartbeat
	conf.CommitTimeout = c.Tuning.Commit
	conf.MaxAppendEntries = maxAppendEntries
	conf.SnapshotThreshold = c.Tuning.SnapshotThreshold
	conf.SnapshotInterval = c.Tuning.SnapshotInterval
	conf.TrailingLogs = c.Tuning.TrailingLogs
	conf.ShutdownOnRemove = false
	// The state machine is durable and decides by its own position whether to restore (fsm.Open).
	conf.NoSnapshotRestoreOnStart = true
	conf.NoLegacyTelemetry = true
	// Two entries at most are in flight, so a buffered channel gains nothing.
	conf.BatchApplyCh = false
	conf.Logger = newHCLogger(c.Environment.Logger, "raft")
	return conf
}

// startRaft starts raft, founding the cluster first where this node is a founder and has no state yet.
func startRaft(c Config, gc groupConfig, trans raft.Transport) (_ *answeringRaft, err error) {
	conf := raftConfig(c, raft.ServerID(gc.self))
	s := gc.store
	if len(gc.founders) > 0 {
		if err := s.found(founding(gc)); err != nil {
			return nil, fmt.Errorf("found the cluster: %w", err)
		}
	}
	defer func() {
		if p := recover(); p != nil { // a damaged log makes NewRaft panic
			err = fmt.Errorf("%v", p)
		}
		if err != nil {
			err = fmt.Errorf("raft cannot start on the log in %s: %w; if it is damaged, %s", groupDir(c.DataDir, gc.id), err, wayOut)
		}
	}()
	r, err := raft.NewRaft(conf, behind{s.fsm, s.entries}, s.entries, s.votes, s.snapshots, trans)
	if err != nil {
		return nil, err
	}
	s.entries.follow(r)
	if err := standIfAlone(r, gc.self); err != nil {
		return nil, errors.Join(err, r.Shutdown().Error())
	}
	return newAnsweringRaft(r), nil
}

// founding is the first configuration: every founder votes, and every founder writes the very same.
func founding(gc groupConfig) raft.Configuration {
	var conf raft.Configuration
	for _, id := range gc.founders {
		conf.Servers = append(conf.Servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(id), Suffrage: raft.Voter})
	}
	return conf
}
