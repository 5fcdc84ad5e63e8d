package server

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api"
	"tinyurl/api/v1"
	"tinyurl/cluster"
	"tinyurl/fsm/link"
)

func TestOperatorsAreToldInTheWordsOfTheAPI(t *testing.T) {
	other := errors.New("other")
	for from, want := range map[error]error{
		cluster.ErrNotFormed: link.ErrNoLeader,
		cluster.ErrNoMember:  link.ErrNotFound,
		cluster.ErrRefused:   api.ErrPrecondition,
		link.ErrNoLeader:     link.ErrNoLeader,
		other:                other,
	} {
		got := operatorsError(fmt.Errorf("n1: %w", from))
		if !errors.Is(got, want) || !errors.Is(got, from) {
			t.Errorf("%v is %v, want %v", from, got, want)
		}
	}
	if err := operatorsError(nil); err != nil {
		t.Error(err)
	}
}

func TestAutopilotIsShownInTheWordsOfTheAPI(t *testing.T) {
	since := time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)
	got := autopilotDocument(cluster.Judgement{Healthy: true, FailureTolerance: 1, Leader: "n1-3f9c2a", Servers: []cluster.JudgedMember{
		{
			ID: "n1-3f9c2a", Name: "n1", Version: "v", Status: "alive", Voter: true, Healthy: true, StableSince: since,
			LastContact: 1500 * time.Microsecond, LastTerm: 7, LastIndex: 91,
		},
		{ID: "n2-90b1d4", Name: "n2", Status: "failed", StableSince: since},
	}})
	want := v1.Autopilot{Healthy: true, FailureTolerance: 1, Leader: "n1-3f9c2a", Servers: []v1.AutopilotServer{
		{
			ID: "n1-3f9c2a", Name: "n1", Version: "v", Status: "alive", Voter: true, Healthy: true, StableSince: v1.Time{Time: since},
			LastContactMs: 1, LastTerm: 7, LastIndex: 91,
		},
		{ID: "n2-90b1d4", Name: "n2", Status: "failed", StableSince: v1.Time{Time: since}, LastContactMs: -1},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("autopilot (-want +got):\n%s", diff)
	}
}
