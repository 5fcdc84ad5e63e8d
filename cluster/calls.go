package cluster

import (
	"context"

	"tinyurl/cluster/gossip"
	"tinyurl/cluster/member"
	"tinyurl/cluster/peer"
	"tinyurl/fsm/command"
)

// calls is what a node asks of others.
type calls struct {
	client *peer.Client
	gossip *gossip.Gossip
}

var _ neighbours = calls{}

func (c calls) describe(id member.ID) (member.Member, bool) { return c.gossip.Member(id) }

func (c calls) sendBatch(ctx context.Context, leader member.ID, batch []byte) (uint64, []command.Result, error) {
	p, err := peer.Call(ctx, c.client, leader, callPropose, proposeCodec(), batch, peer.WithMaxBytes(maxReply))
	return p.index, p.results, err
}

func (c calls) askIndex(ctx context.Context, leader member.ID) (uint64, error) {
	reply, err := peer.Call(ctx, c.client, leader, callIndex, peer.JSON[nothing, indexReply](), nothing{})
	return reply.Index, err
}

func (c calls) askStats(ctx context.Context, id member.ID) (Stats, error) {
	return peer.Call(ctx, c.client, id, callStats, peer.JSON[nothing, Stats](), nothing{})
}

// join asks any member to have this node admitted.
func (c calls) join(ctx context.Context, to member.ID) (joinReply, error) {
	return peer.Call(ctx, c.client, to, callJoin, peer.JSON[nothing, joinReply](), nothing{}, peer.AcrossClusters())
}

// admit asks the leader to admit a node.
func (c calls) admit(ctx context.Context, leader, id member.ID) error {
	_, err := peer.Call(ctx, c.client, leader, callAdmit, peer.JSON[memberRequest, nothing](), memberRequest{id})
	return err
}

// remove asks the leader to remove a node.
func (c calls) remove(ctx context.Context, leader, id member.ID) error {
	_, err := peer.Call(ctx, c.client, leader, callRemove, peer.JSON[memberRequest, nothing](), memberRequest{id})
	return err
}

// expel asks the leader to remove a node as an operator wants; runs says that the node has to leave by itself.
func (c calls) expel(ctx context.Context, leader, id member.ID) (runs bool, err error) {
	reply, err := peer.Call(ctx, c.client, leader, callExpel, peer.JSON[memberRequest, expelReply](), memberRequest{id})
	return reply.Runs, err
}

// leave asks a node to leave, and waits until it has.
func (c calls) leave(ctx context.Context, id member.ID) error {
	_, err := peer.Call(ctx, c.client, id, callLeave, peer.JSON[nothing, nothing](), nothing{})
	return err
}

// handOver asks the leader to hand over, to anybody if to is empty; it gives the term that ended.
func (c calls) handOver(ctx context.Context, leader, to member.ID) (uint64, error) {
	reply, err := peer.Call(ctx, c.client, leader, callHand, peer.JSON[memberRequest, handReply](), memberRequest{to})
	return reply.Term, err
}

// judgement asks the leader what its autopilot makes of the members.
func (c calls) judgement(ctx context.Context, leader member.ID) (Judgement, error) {
	return peer.Call(ctx, c.client, leader, callJudge, peer.JSON[nothing, Judgement](), nothing{})
}
