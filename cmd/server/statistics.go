package server

import (
	"context"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
	"tinyurl/fsm/visit"
)

// statistics is a node's api.Statistics.
type statistics struct{ node stateNode }

// Visits gives the visits of a subject.
func (s statistics) Visits(ctx context.Context, by access.Holder, q visit.Query, local bool) ([]visit.Part, error) {
	state, by, err := view(ctx, s.node, by, local)
	if err != nil {
		return nil, err
	}
	// The role may have changed since the key was looked at.
	if by.OwnOnly && q.Of.Kind != visit.OfLink {
		return nil, link.ErrForbidden
	}
	return state.Visits(ctx, q)
}

// Totals gives how many visits subjects ever had.
func (s statistics) Totals(ctx context.Context, by access.Holder, of []visit.Subject, local bool) ([]visit.Counts, error) {
	state, _, err := view(ctx, s.node, by, local)
	if err != nil {
		return nil, err
	}
	return state.VisitTotals(ctx, of)
}
