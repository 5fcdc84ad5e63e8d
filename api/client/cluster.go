package client

import (
	"context"
	"net/http"
	"net/url"

	"tinyurl/api/v1"
)

const clusterPath = "/api/v1/cluster"

// Cluster reads the status document, as the node sees the cluster. It answers within a second, with or without a leader.
func (c *Client) Cluster(ctx context.Context) (v1.Cluster, error) {
	var status v1.Cluster
	err := c.call(ctx, http.MethodGet, clusterPath, header{}, nil, &status)
	return status, err
}

// Leave makes the node leave its cluster for good. It returns once the others have seen it go; the node ends soon after, so
// a second call may find nobody. It may take longer than other calls: give it a context of a minute.
func (c *Client) Leave(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, clusterPath+"/leave", header{}, nil, nil)
}

// RemoveMember takes a member out of the cluster for good, whichever node is asked. One that runs leaves and ends; a dead one is no
// member any more. Either joins again if it is started again with its data. v1.PreconditionFailed: too few living voters would be
// left, or the member is alive and does not answer the leader. After a lost answer a second call may say v1.NotFound. Like Leave it
// may take a minute.
func (c *Client) RemoveMember(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodPost, clusterPath+"/members/"+url.PathEscape(id)+"/remove", header{}, nil, nil)
}

// TransferLeadership makes the voter of an id leader, or any that can lead if to is empty, and gives the leader. That it leads
// already is a success. v1.PreconditionFailed: it must not lead, leadership went elsewhere, or there was a transfer in this term
// already.
func (c *Client) TransferLeadership(ctx context.Context, to string) (v1.Leader, error) {
	var leader v1.Leader
	err := c.call(ctx, http.MethodPost, clusterPath+"/transfer", header{}, v1.TransferLeadership{To: to}, &leader)
	return leader, err
}

// Autopilot gives what the leader makes of the members. v1.NoLeader: nobody leads, or not long enough to judge.
func (c *Client) Autopilot(ctx context.Context) (v1.Autopilot, error) {
	var judged v1.Autopilot
	err := c.call(ctx, http.MethodGet, clusterPath+"/autopilot", header{}, nil, &judged)
	return judged, err
}
