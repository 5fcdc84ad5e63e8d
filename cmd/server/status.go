package server

import (
	"context"
	"time"

	"tinyurl/api/v1"
	"tinyurl/cluster"
	"tinyurl/cluster/member"
)

// Status is the document of GET /api/v1/cluster.
func (a *App) Status(ctx context.Context) v1.Cluster {
	return statusDocument(a.node.Status(ctx))
}

// statusDocument puts the cluster's status into the words of the API.
func statusDocument(s cluster.Status) v1.Cluster {
	known := make(map[member.ID]member.Member, len(s.Members))
	for _, m := range s.Members {
		known[m.ID] = m.Member
	}
	document := v1.Cluster{
		ClusterVersion: s.ClusterVersion,
		Node: v1.Node{
			ID: string(s.Node.ID), Name: s.Node.Name, Version: s.Node.Version,
			UptimeSeconds: int64(s.Node.Uptime / time.Second), HTTPURL: s.Node.HTTPURL,
		},
		Healthy: s.Healthy, FailureTolerance: s.FailureTolerance, Warnings: s.Warnings,
	}
	if !s.ClusterID.IsZero() {
		document.ClusterID = s.ClusterID.String()
	}
	leaders := make(map[member.ID]bool)
	for _, g := range s.Groups {
		leaders[g.Leader] = true
		document.Groups = append(document.Groups, groupDocument(g, known))
	}
	for _, m := range s.Members {
		document.Members = append(document.Members, memberDocument(m, leaders[m.ID]))
	}
	return document
}

func groupDocument(g cluster.GroupStatus, known map[member.ID]member.Member) v1.Group {
	document := v1.Group{
		ID: g.ID, State: g.State, Term: g.Term, Quorum: g.Quorum,
		LastIndex: g.LastIndex, CommitIndex: g.CommitIndex, AppliedIndex: g.AppliedIndex,
		LastContactMs: milliseconds(g.LastContact), StalenessMs: milliseconds(g.Staleness),
		Snapshot: v1.Snapshot{Index: g.SnapshotIndex, Term: g.SnapshotTerm},
		Links:    g.Links, Counter: g.Counter,
		Digest: v1.Digest{Index: g.DigestIndex, Value: g.Digest},
	}
	if g.Leader != "" {
		leader := known[g.Leader]
		document.Leader = &v1.Leader{ID: string(g.Leader), Name: g.Leader.Name(), HTTPURL: leader.HTTPURL}
	}
	return document
}

func memberDocument(m cluster.MemberStatus, leads bool) v1.Member {
	document := v1.Member{
		ID: string(m.ID), Name: m.Name, Address: m.ClusterAddr, HTTPURL: m.HTTPURL, Status: m.Status.String(),
		Voter: m.Voter, Role: roleOf(m, leads), Healthy: m.Healthy, Reachable: m.Reachable, Version: m.Version,
		Progress: v1.Progress{LastContactMs: milliseconds(m.LastContact), LastIndex: m.LastIndex, TrailsBy: m.TrailsBy},
		Zone:     m.Zone, Error: m.Error,
	}
	if !m.StableSince.IsZero() {
		document.StableSince = &v1.Time{Time: m.StableSince}
	}
	return document
}

// roleOf is the member's part: a voter leads or follows, whether it answers just now or not; another is a replica for
// good, or on its way to a vote.
func roleOf(m cluster.MemberStatus, leads bool) string {
	switch {
	case leads:
		return "leader"
	case m.Voter:
		return "follower"
	case m.Replica:
		return "replica"
	}
	return "joining"
}

// milliseconds rounds down and keeps "never", which is negative, at -1.
func milliseconds(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return d.Milliseconds()
}
