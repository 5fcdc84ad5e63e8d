package server

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api"
	"tinyurl/api/redirect"
	"tinyurl/api/v1"
	"tinyurl/cluster"
	"tinyurl/cluster/member"
)

// fakeNode answers what it is told to.
type fakeNode struct {
	redirect.Resolver
	staleness               time.Duration
	opened, ready, writable error
}

func (f *fakeNode) Staleness() time.Duration       { return f.staleness }
func (f *fakeNode) Opened() error                  { return f.opened }
func (f *fakeNode) Ready() error                   { return f.ready }
func (f *fakeNode) Writable(context.Context) error { return f.writable }

func TestANodeThatWasNeverCurrentIsBehindByItsWholeLife(t *testing.T) {
	for in, want := range map[time.Duration]time.Duration{0: 0, time.Second: time.Second, -1: time.Hour} {
		v := resolver{&fakeNode{staleness: in}, func() time.Duration { return time.Hour }}
		if got := v.Staleness(); got != want {
			t.Errorf("staleness %v is shown as %v", in, got)
		}
	}
}

func TestReadinessNamesWhatFails(t *testing.T) {
	broken := errors.New("broken")
	for name, tc := range map[string]struct {
		node     fakeNode
		stopping bool
		// The names that fail for every need.
		all, write, redirect string
	}{
		"well":          {},
		"no leader now": {node: fakeNode{writable: broken}, write: "leader"},
		"not caught up": {node: fakeNode{ready: broken}, all: "raft", write: "raft"},
		"not formed":    {node: fakeNode{opened: broken, ready: broken, writable: broken}, all: "store raft", write: "store raft leader", redirect: "store"},
		"stopping":      {stopping: true, all: "process", write: "process", redirect: "process"},
	} {
		h := &health{node: &tc.node}
		h.stopping.Store(tc.stopping)
		for need, want := range map[api.Need]string{api.NeedAll: tc.all, api.NeedWrite: tc.write, api.NeedRedirect: tc.redirect} {
			if got := failing(h.Ready(t.Context(), need)); got != want {
				t.Errorf("%s, need %d: %q fails, want %q", name, need, got, want)
			}
		}
		if got := failing(h.Live(t.Context())); got != "" {
			t.Errorf("%s: not alive for %q", name, got)
		}
	}
}

func failing(checks []api.Check) string {
	var names []string
	for _, c := range checks {
		if c.Err != nil {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, " ")
}

func TestTheStatusDocumentSpeaksTheWordsOfTheAPI(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	mate := func(id, url string, status member.Status, replica bool) member.Member {
		return member.Member{ID: member.ID(id), Name: member.ID(id).Name(), HTTPURL: url, ClusterAddr: "c", Status: status, Replica: replica, Version: "v", Zone: "z"}
	}
	got := statusDocument(cluster.Status{
		ClusterVersion: 1,
		Node:           cluster.NodeStatus{ID: "n2-000002", Name: "n2", Version: "v", Uptime: 90 * time.Second, HTTPURL: "u2"},
		Groups: []cluster.GroupStatus{{
			State: "follower", Term: 7, Leader: "n1-000001", Quorum: true, LastIndex: 5, CommitIndex: 4, AppliedIndex: 3,
			LastContact: 20 * time.Millisecond, Staleness: -1, SnapshotIndex: 2, SnapshotTerm: 1, Links: 8, Counter: 9, DigestIndex: 4096, Digest: "d",
		}},
		Members: []cluster.MemberStatus{
			{Member: mate("n1-000001", "u1", member.Alive, false), Voter: true, Healthy: true, Reachable: true, StableSince: since, LastIndex: 5},
			{Member: mate("n2-000002", "u2", member.Failed, false), Voter: true, LastContact: -1, TrailsBy: 4, Error: "no answer"},
			{Member: mate("n3-000003", "u3", member.Alive, true)},
			{Member: mate("n4-000004", "u4", member.Alive, false)},
		},
		FailureTolerance: 1, Warnings: []string{"w"},
	})
	want := v1.Cluster{
		ClusterVersion: 1,
		Node:           v1.Node{ID: "n2-000002", Name: "n2", Version: "v", UptimeSeconds: 90, HTTPURL: "u2"},
		Groups: []v1.Group{{
			State: "follower", Term: 7, Leader: &v1.Leader{ID: "n1-000001", Name: "n1", HTTPURL: "u1"}, Quorum: true,
			LastIndex: 5, CommitIndex: 4, AppliedIndex: 3, LastContactMs: 20, StalenessMs: -1, Snapshot: v1.Snapshot{Index: 2, Term: 1},
			Links: 8, Counter: 9, Digest: v1.Digest{Index: 4096, Value: "d"},
		}},
		Members: []v1.Member{
			{
				ID: "n1-000001", Name: "n1", Address: "c", HTTPURL: "u1", Status: "alive", Voter: true, Role: "leader", Healthy: true, Reachable: true,
				Version: "v", Zone: "z", StableSince: &v1.Time{Time: since}, Progress: v1.Progress{LastIndex: 5},
			},
			{
				ID: "n2-000002", Name: "n2", Address: "c", HTTPURL: "u2", Status: "failed", Voter: true, Role: "follower", Version: "v", Zone: "z",
				Error: "no answer", Progress: v1.Progress{LastContactMs: -1, TrailsBy: 4},
			},
			{ID: "n3-000003", Name: "n3", Address: "c", HTTPURL: "u3", Status: "alive", Role: "replica", Version: "v", Zone: "z"},
			{ID: "n4-000004", Name: "n4", Address: "c", HTTPURL: "u4", Status: "alive", Role: "joining", Version: "v", Zone: "z"},
		},
		FailureTolerance: 1, Warnings: []string{"w"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
}

func TestANodeWithoutAClusterHasNoLeaderAndNoClusterID(t *testing.T) {
	got := statusDocument(cluster.Status{Groups: []cluster.GroupStatus{{State: "follower"}}})
	if got.ClusterID != "" || got.Groups[0].Leader != nil {
		t.Errorf("document %+v", got)
	}
}

func TestOwnHostsAreThoseThatLeadBackHere(t *testing.T) {
	got := ownHosts("https://s.example.org/x", "http://10.0.0.1:8080", "http://[fd00::1]:80", "::bad")
	want := []string{"s.example.org:80", "s.example.org:443", "10.0.0.1:8080", "[fd00::1]:80", "[fd00::1]:443"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("own hosts (-want +got):\n%s", diff)
	}
}
