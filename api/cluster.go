package api

import (
	"context"
	"errors"
	"net/http"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// clusterCalls are the operations with the cluster.
type clusterCalls struct{ cluster Cluster }

// endpoints are the operations, within limits.
func (o *clusterCalls) endpoints(l Limits) []endpoint {
	return []endpoint{
		{method: http.MethodGet, path: base + "/cluster", scope: access.AnyKey, bodyLimit: l.Body, timeout: l.Status, serve: o.getCluster},
		{method: http.MethodPost, path: base + "/cluster/leave", scope: access.Admin, confirmed: true, bodyLimit: l.Body, timeout: l.Leave, serve: o.leaveCluster},
		{method: http.MethodPost, path: base + "/cluster/members/:id/remove", scope: access.Admin, confirmed: true, bodyLimit: l.Body, timeout: l.Leave, serve: o.removeMember},
		{method: http.MethodPost, path: base + "/cluster/transfer", scope: access.Admin, confirmed: true, takesBody: true, bodyLimit: l.Body, timeout: l.Leave, serve: o.transferLeadership},
		{method: http.MethodGet, path: base + "/cluster/autopilot", scope: access.Admin, confirmed: true, bodyLimit: l.Body, timeout: l.Call, serve: o.getAutopilot},
	}
}

// getCluster serves GET /cluster. It never fails for want of a leader: this is the page one looks at when there is none.
func (o *clusterCalls) getCluster(ctx context.Context, _ *call) (reply, error) {
	status := o.cluster.Status(ctx)
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
func (o *clusterCalls) leaveCluster(ctx context.Context, _ *call) (reply, error) {
	if err := o.cluster.Leave(ctx); err != nil {
		return reply{}, aboutMember(err)
	}
	return reply{status: http.StatusNoContent}, nil
}

// removeMember serves POST /cluster/members/{id}/remove. Who asks again after a lost answer may be told that there is no such member:
// nobody keeps a list of those that were removed.
func (o *clusterCalls) removeMember(ctx context.Context, c *call) (reply, error) {
	if err := o.cluster.Remove(ctx, c.id); err != nil {
		return reply{}, aboutMember(err)
	}
	return reply{status: http.StatusNoContent}, nil
}

// transferLeadership serves POST /cluster/transfer. A body is not needed. That who is named leads already is a success.
func (o *clusterCalls) transferLeadership(ctx context.Context, c *call) (reply, error) {
	to, err := heirIn(ctx, c.body)
	if err != nil {
		return reply{}, err
	}
	leader, err := o.cluster.Transfer(ctx, to)
	if err != nil {
		return reply{}, aboutMember(err)
	}
	return reply{status: http.StatusOK, body: leader}, nil
}

// heirIn reads whom a body names; empty for nobody.
func heirIn(ctx context.Context, body []byte) (string, error) {
	if len(body) == 0 {
		return "", nil
	}
	if err := wellFormed(body, &patience{ctx: ctx}); err != nil {
		return "", err
	}
	found, err := members(body, func(name string) bool { return name == "to" })
	if err != nil || len(found) == 0 || string(found[0].value) == "null" {
		return "", err
	}
	to, err := found[0].text()
	if err == nil && to == "" {
		err = invalid(link.ErrInvalidField, "to must be the id of a voter", "to")
	}
	return to, err
}

// getAutopilot serves GET /cluster/autopilot.
func (o *clusterCalls) getAutopilot(ctx context.Context, _ *call) (reply, error) {
	judged, err := o.cluster.Autopilot(ctx)
	if err != nil {
		return reply{}, err
	}
	if judged.Servers == nil {
		judged.Servers = []v1.AutopilotServer{}
	}
	return reply{status: http.StatusOK, body: judged}, nil
}

// aboutMember lets an operator know the reason.
func aboutMember(err error) error {
	switch {
	case errors.Is(err, ErrPrecondition):
		return invalid(err, err.Error())
	case errors.Is(err, link.ErrNotFound):
		return invalid(err, "the cluster has no member of this id; GET "+base+"/cluster lists them")
	}
	return err
}
