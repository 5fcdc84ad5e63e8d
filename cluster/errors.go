package cluster

import (
	"errors"

	"tinyurl/cluster/peer"
	"tinyurl/fsm/link"
)

// Errors between nodes. They keep their identity over the peer RPC; the API sees only those of fsm/link.
var (
	// ErrNotLeader: this node does not lead, or does not yet: nothing was done, ask another.
	ErrNotLeader = errors.New("this node is not the leader")
	// ErrUnknownOutcome: a write was handed to the log and may or may not take effect; it may be retried only under the
	// same identity.
	ErrUnknownOutcome = errors.New("the outcome of the write is unknown")
	// ErrRefused: a change of membership that would endanger the cluster; the text says why.
	ErrRefused = errors.New("refused")
	// ErrNoMember: the cluster has no member of that id.
	ErrNoMember = errors.New("no such member")
	// ErrNotFormed: this node belongs to no cluster yet.
	ErrNotFormed = errors.New("this node is not part of a cluster yet")

	errClosed = errors.New("the node is stopping")
)

// wireErrors is how these and the domain's errors travel between nodes.
func wireErrors() peer.Codes {
	return peer.Codes{
		"not_leader":      ErrNotLeader,
		"unknown_outcome": ErrUnknownOutcome,
		"refused":         ErrRefused,
		"no_member":       ErrNoMember,
		"not_formed":      ErrNotFormed,
		"stopping":        errClosed,
		"no_leader":       link.ErrNoLeader,
		"overloaded":      link.ErrOverloaded,
		"disk_full":       link.ErrDiskFull,
	}
}
