package cluster

import (
	"context"
	"fmt"

	"tinyurl/cluster/forming"
	"tinyurl/cluster/member"
	"tinyurl/cluster/peer"
)

// handlers answer the calls of other nodes.
type handlers struct {
	// group is nil while this node belongs to no cluster.
	group   func() *Group
	cluster func() member.ClusterID
	// admit makes a node a member, wherever the leader is.
	admit func(context.Context, member.ID) error
	// leave takes this node out of the cluster.
	leave func(context.Context) error
}

// newMux answers the calls of other nodes to n.
func newMux(n *Node, f *forming.Former) (*peer.Mux, error) {
	mux, err := peer.NewMux(peer.MuxConfig{
		ClusterID: n.clusterID, Codes: wireErrors(), Logger: n.log(), Registerer: n.config.Environment.Registerer,
	})
	if err != nil {
		return nil, err
	}
	h := handlers{group: n.group.Load, cluster: n.clusterID, admit: n.admitAtLeader, leave: n.Leave}
	peer.Handle(mux, callPropose, proposeCodec(), h.propose, peer.WithMaxBytes(maxReply))
	peer.Handle(mux, callIndex, peer.JSON[nothing, indexReply](), h.index)
	peer.Handle(mux, callStats, peer.JSON[nothing, Stats](), h.stats)
	peer.Handle(mux, callJoin, peer.JSON[nothing, joinReply](), h.join, peer.AcrossClusters())
	peer.Handle(mux, callAdmit, peer.JSON[memberRequest, nothing](), h.admitMember)
	peer.Handle(mux, callRemove, peer.JSON[memberRequest, nothing](), h.remove)
	peer.Handle(mux, callExpel, peer.JSON[memberRequest, expelReply](), h.expel)
	peer.Handle(mux, callLeave, peer.JSON[nothing, nothing](), h.goAway)
	peer.Handle(mux, callHand, peer.JSON[memberRequest, handReply](), h.handOver)
	peer.Handle(mux, callJudge, peer.JSON[nothing, Judgement](), h.judge)
	serveForming(mux, f)
	return mux, nil
}

func (h handlers) propose(ctx context.Context, from member.ID, batch []byte) (proposed, error) {
	g := h.group()
	if g == nil {
		return proposed{}, ErrNotLeader
	}
	index, results, err := g.takeEncoded(ctx, from, batch)
	return proposed{index: index, results: results}, err
}

func (h handlers) index(ctx context.Context, _ member.ID, _ nothing) (indexReply, error) {
	g := h.group()
	if g == nil {
		return indexReply{}, ErrNotLeader
	}
	index, err := g.index(ctx)
	return indexReply{index}, err
}

func (h handlers) stats(context.Context, member.ID, nothing) (Stats, error) {
	g := h.group()
	if g == nil {
		return Stats{}, ErrNotFormed
	}
	return g.stats(), nil
}

// join admits the caller, as its certificate names it.
func (h handlers) join(ctx context.Context, from member.ID, _ nothing) (joinReply, error) {
	if err := h.admit(ctx, from); err != nil {
		return joinReply{}, err
	}
	return joinReply{h.cluster()}, nil
}

func (h handlers) admitMember(_ context.Context, _ member.ID, r memberRequest) (nothing, error) {
	g := h.group()
	if g == nil {
		return nothing{}, ErrNotLeader
	}
	if _, err := member.ParseID(string(r.ID)); err != nil {
		return nothing{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return nothing{}, g.members.admit(r.ID)
}

func (h handlers) remove(ctx context.Context, _ member.ID, r memberRequest) (nothing, error) {
	g := h.group()
	if g == nil {
		return nothing{}, ErrNotLeader
	}
	return nothing{}, g.members.remove(ctx, r.ID)
}

func (h handlers) expel(ctx context.Context, _ member.ID, r memberRequest) (expelReply, error) {
	g := h.group()
	if g == nil {
		return expelReply{}, ErrNotLeader
	}
	runs, err := g.members.expel(ctx, r.ID)
	return expelReply{runs}, err
}

// goAway has this node leave, as an operator asked of another node.
func (h handlers) goAway(ctx context.Context, _ member.ID, _ nothing) (nothing, error) {
	return nothing{}, h.leave(ctx)
}

func (h handlers) handOver(ctx context.Context, _ member.ID, r memberRequest) (handReply, error) {
	g := h.group()
	if g == nil {
		return handReply{}, ErrNotLeader
	}
	term, err := g.members.handOver(ctx, r.ID)
	return handReply{term}, err
}

func (h handlers) judge(context.Context, member.ID, nothing) (Judgement, error) {
	g := h.group()
	if g == nil {
		return Judgement{}, ErrNotLeader
	}
	return g.judgement()
}
