package api

import (
	"context"
	"net/http"

	"tinyurl/api/v1"
)

// getCluster serves GET /cluster.
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

// leaveCluster serves POST /cluster/leave.
func (s *Server) leaveCluster(ctx context.Context, _ *call) (reply, error) {
	if err := s.config.Cluster.Leave(ctx); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, nil
}
