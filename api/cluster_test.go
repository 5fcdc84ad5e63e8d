package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

const (
	clusterPath  = "/api/v1/cluster"
	removePath   = clusterPath + "/members/n2-90b1d4/remove"
	transferPath = clusterPath + "/transfer"
)

func TestRemovalIsHandedOn(t *testing.T) {
	f := newFixture(t)
	if w := f.do("POST", removePath, ""); w.Code != http.StatusNoContent || !slices.Equal(f.service.removed, []string{"n2-90b1d4"}) {
		t.Errorf("status %d, removed %v", w.Code, f.service.removed)
	}
	f.refused(f.do("POST", removePath+"?force", ""), 422, v1.InvalidField, "force")
	f.refused(f.do("DELETE", removePath, ""), 405, v1.MethodNotAllowed)
	if len(f.service.removed) != 1 {
		t.Errorf("removed %v", f.service.removed)
	}
}

func TestLeadershipIsHandedOn(t *testing.T) {
	f := newFixture(t)
	for body, want := range map[string]string{"": "", "{}": "", `{"to":null}`: "", `{"to":"n2-90b1d4"}`: "n2-90b1d4", ` {"t\u006f" : "n2"} `: "n2"} {
		f.service.heirs = nil
		got := decode[v1.Leader](t, f.do("POST", transferPath, body), http.StatusOK)
		if got != (v1.Leader{ID: want, Name: "n2", HTTPURL: "http://n2"}) || !slices.Equal(f.service.heirs, []string{want}) {
			t.Errorf("%q: %+v, heirs %q", body, got, f.service.heirs)
		}
	}
}

func TestABadTransferHandsNothingOn(t *testing.T) {
	f := newFixture(t)
	for _, test := range []struct {
		body     string
		code     v1.Code
		elements []string
	}{
		{" ", v1.InvalidJSON, nil},
		{"n2", v1.InvalidJSON, nil},
		{`"n2"`, v1.InvalidJSON, nil},
		{`[]`, v1.InvalidJSON, nil},
		{`null`, v1.InvalidJSON, nil},
		{`{"to":1}`, v1.InvalidJSON, []string{"to"}},
		{`{"to":["n2"]}`, v1.InvalidJSON, []string{"to"}},
		{`{"to":"n2"`, v1.InvalidJSON, nil},
		{`{"to":"n2"}{}`, v1.InvalidJSON, nil},
		{`{"to":"n2","to":"n3"}`, v1.InvalidJSON, []string{"to"}},
		{`{"To":"n2"}`, v1.InvalidJSON, []string{"To"}},
		{`{"id":"n2"}`, v1.InvalidJSON, []string{"id"}},
		{"{\"to\":\"\xff\"}", v1.InvalidJSON, nil},
		{`{"to":""}`, v1.InvalidField, []string{"to"}},
	} {
		f.refused(f.do("POST", transferPath, test.body), 422, test.code, test.elements...)
	}
	if len(f.service.heirs) != 0 {
		t.Errorf("heirs %q", f.service.heirs)
	}
}

func TestOperatorsAreToldWhy(t *testing.T) {
	f := newFixture(t)
	f.forced = true
	for _, path := range []string{removePath, transferPath} {
		f.service.fail = fmt.Errorf("%w: only two of five would be left", ErrPrecondition)
		if p := f.refused(f.do("POST", path, ""), 412, v1.PreconditionFailed); !strings.Contains(p.Detail, "only two of five would be left") {
			t.Errorf("detail %q", p.Detail)
		}
		f.service.fail = fmt.Errorf("%w: 10.0.0.1", link.ErrNotFound)
		if p := f.refused(f.do("POST", path, ""), 404, v1.NotFound); strings.Contains(p.Detail, "10.0.0.1") || !strings.Contains(p.Detail, clusterPath) {
			t.Errorf("detail %q", p.Detail)
		}
		f.service.fail = link.ErrNoLeader
		f.refused(f.do("POST", path, ""), 503, v1.NoLeader)
	}
	f.refused(f.do("GET", clusterPath+"/autopilot", ""), 503, v1.NoLeader)
}

func TestTheAutopilotDocumentIsWhole(t *testing.T) {
	f := newFixture(t)
	f.service.autopilot = v1.Autopilot{Healthy: true, FailureTolerance: 1, Leader: "n1-3f9c2a", Servers: []v1.AutopilotServer{{
		ID: "n2-90b1d4", Name: "n2", Version: "v", Status: "alive", Voter: true, Healthy: true, StableSince: v1.Time{Time: noon},
		LastContactMs: 31, LastTerm: 7, LastIndex: 91,
	}}}
	want := `{"healthy":true,"failureTolerance":1,"leader":"n1-3f9c2a","servers":[{"id":"n2-90b1d4","name":"n2","version":"v","status":"alive",` +
		`"voter":true,"healthy":true,"stableSince":"2030-01-31T12:00:00.123Z","lastContactMs":31,"lastTerm":7,"lastIndex":91}]}` + "\n"
	if w := f.do("GET", clusterPath+"/autopilot", ""); w.Code != 200 || w.Body.String() != want {
		t.Errorf("status %d, body\n%swant\n%s", w.Code, w.Body, want)
	}
	f.service.autopilot = v1.Autopilot{}
	if w := f.do("GET", clusterPath+"/autopilot", ""); !strings.Contains(w.Body.String(), `"servers":[]`) {
		t.Errorf("%s", w.Body)
	}
}

func TestClientsAndOperatorsVerbsUnderstandEachOther(t *testing.T) {
	f := newFixture(t)
	f.service.autopilot = v1.Autopilot{Leader: "n1-3f9c2a", Servers: []v1.AutopilotServer{{ID: "n1-3f9c2a", LastContactMs: -1}}}
	c, ctx := f.newClient(t, testKey), t.Context()
	for _, id := range []string{"n2-90b1d4", "../leave", "a/b?c"} {
		err := c.RemoveMember(ctx, id)
		if id == "n2-90b1d4" && err != nil || id != "n2-90b1d4" && !errors.Is(err, v1.NotFound) {
			t.Errorf("remove %s: %v", id, err)
		}
	}
	for _, to := range []string{"", "n2-90b1d4"} {
		if leader, err := c.TransferLeadership(ctx, to); err != nil || leader.ID != to {
			t.Errorf("transfer: %+v, %v", leader, err)
		}
	}
	if judged, err := c.Autopilot(ctx); err != nil || judged.Servers[0].LastContactMs != -1 {
		t.Errorf("autopilot: %+v, %v", judged, err)
	}
	if f.service.left != 0 || !slices.Equal(f.service.removed, []string{"n2-90b1d4"}) {
		t.Errorf("left %d times, removed %q", f.service.left, f.service.removed)
	}
	f.service.fail = fmt.Errorf("%w: too few", ErrPrecondition)
	if _, err := c.TransferLeadership(ctx, ""); !errors.Is(err, v1.PreconditionFailed) {
		t.Errorf("%v", err)
	}
}
