package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api/v1"
)

// threeNodes is a cluster of which the third node is down.
func threeNodes() v1.Cluster {
	return v1.Cluster{
		ClusterID: "c0ffee", Node: v1.Node{Name: "n2"},
		Groups: []v1.Group{{Quorum: true, Links: 7, Leader: &v1.Leader{Name: "n1"}}},
		Members: []v1.Member{
			{
				ID: "n1-3f9c2a", Name: "n1", Address: "10.0.0.1:7000", HTTPURL: "http://10.0.0.1:8080", Status: "alive", Voter: true,
				Role: "leader", Healthy: true, Version: "v1", Zone: "a",
			},
			{
				ID: "n2-90b1d4", Name: "n2", Address: "10.0.0.2:7000", HTTPURL: "http://10.0.0.2:8080", Status: "alive", Voter: true,
				Role: "follower", Healthy: true, Version: "v1", Progress: v1.Progress{LastContactMs: 31, TrailsBy: 2},
			},
			{ID: "n3-000001", Name: "n3", Status: "failed", Voter: true, Role: "follower", Error: "no\nanswer", Progress: v1.Progress{LastContactMs: -1}},
		},
		Warnings: []string{"voter n3 does not answer"},
	}
}

func TestStatusIsATableForPeople(t *testing.T) {
	want := `cluster c0ffee, seen from n2: degraded, leader n1, 7 links, tolerates the loss of 0 voters

NAME  ID         ROLE      VOTER  STATUS  HEALTHY  TRAILS  CONTACT  ADDRESS        HTTP                  VERSION  ZONE  ERROR
n1    n1-3f9c2a  leader    yes    alive   yes      0       0s       10.0.0.1:7000  http://10.0.0.1:8080  v1       a     -
n2    n2-90b1d4  follower  yes    alive   yes      2       31ms     10.0.0.2:7000  http://10.0.0.2:8080  v1       -     -
n3    n3-000001  follower  yes    failed  no       0       never    -              -                     -        -     no answer
warning: voter n3 does not answer
`
	var got strings.Builder
	if err := writeStatus(&got, threeNodes()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestTheExitCodeOfStatusTellsHealthyFromDegradedFromLost(t *testing.T) {
	healthy, lost := threeNodes(), threeNodes()
	healthy.Healthy = true
	lost.Healthy, lost.Groups[0].Quorum, lost.Groups[0].Leader = true, false, nil
	for name, tc := range map[string]struct {
		status  v1.Cluster
		want    error
		summary string
	}{
		"healthy":    {healthy, nil, "healthy, leader n1"},
		"degraded":   {threeNodes(), exitDegraded, "degraded, leader n1"},
		"no quorum":  {lost, exitNoQuorum, "no quorum: nothing can be written"},
		"not formed": {v1.Cluster{Healthy: true}, exitNoQuorum, "not formed yet"},
		"no leader":  {v1.Cluster{Healthy: true, Groups: []v1.Group{{Quorum: true}}}, nil, "leader unknown"},
	} {
		if got := verdict(tc.status); !errors.Is(got, tc.want) {
			t.Errorf("%s: exit %v, want %v", name, got, tc.want)
		}
		if got := summary(tc.status); !strings.Contains(got, tc.summary) {
			t.Errorf("%s: %q does not say %q", name, got, tc.summary)
		}
	}
}
