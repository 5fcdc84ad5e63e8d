package server

import (
	"context"
	"errors"
	"fmt"

	"tinyurl/api"
	"tinyurl/api/v1"
	"tinyurl/cluster"
	"tinyurl/cluster/member"
	"tinyurl/fsm/link"
)

// Leave takes the node out of its cluster for good; Run ends once it is out.
func (a *App) Leave(ctx context.Context) error {
	// Who has left can send nothing any more.
	if err := a.recording.flush(ctx); err != nil {
		a.log.Warn("visits were not sent before leaving", "cause", err)
	}
	err := a.node.Leave(ctx)
	if errors.Is(err, cluster.ErrRefused) {
		a.log.Warn("this node must not leave", "cause", err)
	}
	return operatorsError(err)
}

// Remove takes a member out of the cluster for good, this node included.
func (a *App) Remove(ctx context.Context, id string) error {
	err := a.node.Remove(ctx, member.ID(id))
	if errors.Is(err, cluster.ErrRefused) {
		a.log.Warn("a member must not be removed", "cause", err)
	}
	return operatorsError(err)
}

// Transfer has another node lead.
func (a *App) Transfer(ctx context.Context, to string) (v1.Leader, error) {
	leader, err := a.node.Transfer(ctx, member.ID(to))
	return v1.Leader{ID: string(leader.ID), Name: leader.Name, HTTPURL: leader.HTTPURL}, operatorsError(err)
}

// Autopilot is what the leader makes of the members.
func (a *App) Autopilot(ctx context.Context) (v1.Autopilot, error) {
	judged, err := a.node.Autopilot(ctx)
	if err != nil {
		return v1.Autopilot{}, operatorsError(err)
	}
	return autopilotDocument(judged), nil
}

// operatorsError puts the cluster's refusals into the words of the API.
func operatorsError(err error) error {
	switch {
	case errors.Is(err, cluster.ErrNotFormed):
		return fmt.Errorf("%w: %w", link.ErrNoLeader, err)
	case errors.Is(err, cluster.ErrNoMember):
		return fmt.Errorf("%w: %w", link.ErrNotFound, err)
	case errors.Is(err, cluster.ErrRefused):
		return fmt.Errorf("%w: %w", api.ErrPrecondition, err)
	}
	return err
}

// autopilotDocument puts autopilot's judgement into the words of the API.
func autopilotDocument(j cluster.Judgement) v1.Autopilot {
	document := v1.Autopilot{Healthy: j.Healthy, FailureTolerance: j.FailureTolerance, Leader: string(j.Leader)}
	for _, s := range j.Servers {
		contact := milliseconds(s.LastContact)
		if s.LastIndex == 0 { // it has never told
			contact = -1
		}
		document.Servers = append(document.Servers, v1.AutopilotServer{
			ID: string(s.ID), Name: s.Name, Version: s.Version, Status: s.Status, Voter: s.Voter, Healthy: s.Healthy,
			StableSince: v1.Time{Time: s.StableSince}, LastContactMs: contact, LastTerm: s.LastTerm, LastIndex: s.LastIndex,
		})
	}
	return document
}
