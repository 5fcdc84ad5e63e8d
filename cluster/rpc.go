package cluster

import (
	"context"
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

// serveMux answers the calls of other nodes.
func (n *Node) serveMux() (*peer.Mux, error) {
	mux, err := peer.NewMux(peer.MuxConfig{
		ClusterID: n.clusterID, Codes: wireErrors(), Logger: n.log(), Registerer: n.config.Environment.Registerer,
	})
	if err != nil {
		return nil, err
	}
	peer.Handle(mux, callPropose, proposeCodec(), n.handlePropose, peer.WithMaxBytes(maxReply))
	peer.Handle(mux, callIndex, peer.JSON[nothing, indexReply](), n.handleIndex)
	peer.Handle(mux, callStats, peer.JSON[nothing, Stats](), n.handleStats)
	peer.Handle(mux, callJoin, peer.JSON[nothing, joinReply](), n.handleJoin, peer.AcrossClusters())
	peer.Handle(mux, callAdmit, peer.JSON[memberRequest, nothing](), n.handleAdmit)
	peer.Handle(mux, callRemove, peer.JSON[memberRequest, nothing](), n.handleRemove)
	n.serveForming(mux)
	return mux, nil
}

func (n *Node) handlePropose(ctx context.Context, _ member.ID, batch []byte) (proposed, error) {
	g := n.group.Load()
	if g == nil {
		return proposed{}, ErrNotLeader
	}
	index, results, err := g.takeEncoded(ctx, batch)
	return proposed{index: index, results: results}, err
}

func (n *Node) handleIndex(ctx context.Context, _ member.ID, _ nothing) (indexReply, error) {
	g := n.group.Load()
	if g == nil {
		return indexReply{}, ErrNotLeader
	}
	index, err := g.index(ctx)
	return indexReply{index}, err
}

func (n *Node) handleStats(context.Context, member.ID, nothing) (Stats, error) {
	g := n.group.Load()
	if g == nil {
		return Stats{}, ErrNotFormed
	}
	return g.stats(), nil
}

// handleJoin admits the caller, as its certificate names it, wherever the leader is.
func (n *Node) handleJoin(ctx context.Context, from member.ID, _ nothing) (joinReply, error) {
	if err := n.admitAtLeader(ctx, from); err != nil {
		return joinReply{}, err
	}
	return joinReply{n.clusterID()}, nil
}

func (n *Node) handleAdmit(_ context.Context, _ member.ID, r memberRequest) (nothing, error) {
	g := n.group.Load()
	if g == nil {
		return nothing{}, ErrNotLeader
	}
	if _, err := member.ParseID(string(r.ID)); err != nil {
		return nothing{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return nothing{}, g.members.admit(r.ID)
}

func (n *Node) handleRemove(ctx context.Context, _ member.ID, r memberRequest) (nothing, error) {
	g := n.group.Load()
	if g == nil {
		return nothing{}, ErrNotLeader
	}
	return nothing{}, g.members.remove(ctx, r.ID)
}

// openClient opens this node's end of the calls.
func (n *Node) openClient() (*peer.Client, error) {
	return peer.NewClient(peer.ClientConfig{
		Dial: n.dialer.DialRPC, ClusterID: n.clusterID, Codes: wireErrors(),
	})
}

func (n *Node) sendBatch(ctx context.Context, leader member.ID, batch []byte) (uint64, []command.Result, error) {
	p, err := peer.Call(ctx, n.peers, leader, callPropose, proposeCodec(), batch, peer.WithMaxBytes(maxReply))
	return p.index, p.results, err
}

func (n *Node) askIndex(ctx context.Context, leader member.ID) (uint64, error) {
	reply, err := peer.Call(ctx, n.peers, leader, callIndex, peer.JSON[nothing, indexReply](), nothing{})
	return reply.Index, err
}

func (n *Node) askStats(ctx context.Context, id member.ID) (Stats, error) {
	return peer.Call(ctx, n.peers, id, callStats, peer.JSON[nothing, Stats](), nothing{})
}

func (n *Node) describe(id member.ID) (member.Member, bool) { return n.gossip.Member(id) }

func (n *Node) callJoin(ctx context.Context, to member.ID) (joinReply, error) {
	return peer.Call(ctx, n.peers, to, callJoin, peer.JSON[nothing, joinReply](), nothing{}, peer.AcrossClusters())
}

func (n *Node) callAdmit(ctx context.Context, leader, id member.ID) error {
	_, err := peer.Call(ctx, n.peers, leader, callAdmit, peer.JSON[memberRequest, nothing](), memberRequest{id})
	return err
}

func (n *Node) callRemove(ctx context.Context, leader, id member.ID) error {
	_, err := peer.Call(ctx, n.peers, leader, callRemove, peer.JSON[memberRequest, nothing](), memberRequest{id})
	return err
}

// notProcessed reports whether an error says for sure that a request had no effect.
func notProcessed(err error) bool {
	if errors.Is(err, ErrUnknownOutcome) {
		return false
	}
	return errors.Is(err, ErrNotLeader) || errors.Is(err, ErrNotFormed) || peer.Unprocessed(err)
}
