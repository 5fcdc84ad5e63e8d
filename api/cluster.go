package api

import (
	"context"
	"errors"
	"net/http"

	"tinyurl/api/v1"
)

// getCluster serves GET /cluster. It never fails for want of a leader: this is the page one looks at when there is none.
func (s *Server) getCluster(ctx context.Context, _ *call) (reply, error) {
	status := s.config.Cluster.Status(ctx)
	// Lists are lists also when they are empty.
	if status.Groups == nil {
		status.Groups = []v1.Group{}
	}
	if status.Members == nil {
		status.Members = []v1.Member{}
	}
	if status.Warnings == nil {
		status.Warnings = []string{}
	}
	return reply{status: http.StatusOK, body: status}, nil
}

// leaveCluster serves POST /cluster/leave. The answer goes out before the process ends: ending it is up to whoever runs the
// server, which drains requests first.
func (s *Server) leaveCluster(ctx context.Context, _ *call) (reply, error) {
	err := s.config.Cluster.Leave(ctx)
	if errors.Is(err, ErrPrecondition) {
		return reply{}, invalid(err, err.Error()) // the operator has to know the reason
	}
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, nil
}
