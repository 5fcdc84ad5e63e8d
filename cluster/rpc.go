package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"

	"tinyurl/cluster/member"
	"tinyurl/cluster/peer"
	"tinyurl/fsm/command"
)

// The calls between nodes. Those of forming and joining are taken from any node that holds the secret; all others only from
// members of the same cluster.
const (
	callPropose = "propose" // a batch of operations, at the leader
	callIndex   = "index"   // a read index, at the leader
	callStats   = "stats"   // what a node says of itself
	callJoin    = "join"    // a newcomer, at any member
	callAdmit   = "admit"   // a newcomer, at the leader
	callRemove  = "remove"  // a member leaves, at the leader
	callExpel   = "expel"   // an operator has a member removed, at the leader
	callLeave   = "leave"   // at the member that runs and has to go
	callHand    = "hand"    // an operator has leadership handed over, at the leader
	callJudge   = "judge"   // what autopilot makes of the members, at the leader
	callPromise = "promise"
	callRelease = "release"
	callForm    = "form"
)

// maxReply bounds the answer to a batch: every result carries its target, so it may be longer than the batch.
const maxReply = 16 << 20

// proposed is the answer to a batch.
type proposed struct {
	index   uint64
	results []command.Result
}

type joinReply struct {
	ClusterID member.ClusterID `json:"clusterId"`
}

type memberRequest struct {
	ID member.ID `json:"id"`
}

type expelReply struct {
	Runs bool `json:"runs"`
}

type handReply struct {
	Term uint64 `json:"term"`
}

type indexReply struct {
	Index uint64 `json:"index"`
}

type nothing struct{}

// proposeCodec carries an encoded batch one way, and the index before the encoded results the other.
func proposeCodec() peer.Codec[[]byte, proposed] {
	bytes := peer.Bytes()
	return peer.Codec[[]byte, proposed]{
		EncodeRequest: bytes.EncodeRequest,
		DecodeRequest: bytes.DecodeRequest,
		EncodeResponse: func(p proposed) ([]byte, error) {
			results, err := command.EncodeResults(p.results)
			return append(binary.BigEndian.AppendUint64(nil, p.index), results...), err
		},
		DecodeResponse: func(b []byte) (proposed, error) {
			if len(b) < 8 {
				return proposed{}, fmt.Errorf("an answer of %d bytes", len(b))
			}
			results, err := command.DecodeResults(b[8:])
			return proposed{index: binary.BigEndian.Uint64(b), results: results}, err
		},
	}
}

// notProcessed reports whether an error says for sure that a request had no effect.
func notProcessed(err error) bool {
	if errors.Is(err, ErrUnknownOutcome) {
		return false
	}
	return errors.Is(err, ErrNotLeader) || errors.Is(err, ErrNotFormed) || peer.Unprocessed(err)
}
