package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

func TestReadyzShowsEveryCheckAndNamesTheFailing(t *testing.T) {
	f := newFixture(t)
	f.service.checks = []Check{{Name: "store"}, {Name: "raft", Detail: "leader n2"}}
	w := f.do("GET", "/readyz", "", "Authorization", "")
	if want := "[+]store ok\n[+]raft ok: leader n2\nreadyz check passed\n"; w.Code != 200 || w.Body.String() != want {
		t.Errorf("status %d, body %q", w.Code, w.Body)
	}
	f.service.checks[0].Err = errors.New("damaged\nblock 7")
	w = f.do("GET", "/readyz", "", "Authorization", "")
	if want := "[-]store failed: damaged block 7\n[+]raft ok: leader n2\nreadyz check failed\n"; w.Code != 503 || w.Body.String() != want {
		t.Errorf("status %d, body %q", w.Code, w.Body)
	}
	if w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("header %v", w.Header())
	}
}

func TestReadyzAsksForWhatIsNeeded(t *testing.T) {
	for query, need := range map[string]Need{
		"": NeedAll, "?write": NeedWrite, "?write=1": NeedWrite, "?redirect": NeedRedirect, "?redirect&write": NeedWrite, "?x=%zz": NeedAll,
	} {
		f := newFixture(t)
		f.service.need = -1
		if w := f.do("GET", "/readyz"+query, ""); w.Code != 200 || f.service.need != need {
			t.Errorf("%q: status %d, need %d, want %d", query, w.Code, f.service.need, need)
		}
	}
}

func TestHealthzAnswersWhateverTheServiceDoes(t *testing.T) {
	f := newFixture(t)
	f.service.fail = link.ErrNoLeader
	if w := f.do("GET", "/healthz", "", "Authorization", ""); w.Code != 200 || w.Body.String() != "[+]process ok\nhealthz check passed\n" {
		t.Errorf("status %d, body %q", w.Code, w.Body)
	}
}

func TestTheClusterDocumentIsWhole(t *testing.T) {
	f := newFixture(t)
	stable := v1.Time{Time: noon}
	f.service.status = v1.Cluster{
		ClusterID: "c1", ClusterVersion: 1, Node: v1.Node{ID: "n1-3f9c2a", Name: "n1", Version: "v", UptimeSeconds: 12, HTTPURL: "http://n1"},
		Groups: []v1.Group{{
			State: "leader", Term: 7, Leader: &v1.Leader{ID: "n1-3f9c2a", Name: "n1", HTTPURL: "http://n1"}, Quorum: true,
			LastIndex: 91, CommitIndex: 91, AppliedIndex: 91, Snapshot: v1.Snapshot{Index: 64, Term: 6}, Links: 5, Counter: 6,
			Digest: v1.Digest{Index: 4096, Value: "ab"},
		}},
		Members: []v1.Member{{
			ID: "n2-90b1d4", Name: "n2", Address: "n2:7000", HTTPURL: "http://n2", Status: "alive", Voter: true, Role: "follower", Healthy: true,
			Reachable: true, Version: "v", Progress: v1.Progress{LastContactMs: 31, LastIndex: 91}, StableSince: &stable,
		}},
		Healthy: true, FailureTolerance: 1, Warnings: []string{"disk 91% full"},
	}
	want := `{"clusterId":"c1","clusterVersion":1,"node":{"id":"n1-3f9c2a","name":"n1","version":"v","uptimeSeconds":12,"httpUrl":"http://n1"},` +
		`"groups":[{"id":0,"state":"leader","term":7,"leader":{"id":"n1-3f9c2a","name":"n1","httpUrl":"http://n1"},"quorum":true,` +
		`"lastIndex":91,"commitIndex":91,"appliedIndex":91,"lastContactMs":0,"stalenessMs":0,"snapshot":{"index":64,"term":6},"links":5,"counter":6,` +
		`"digest":{"index":4096,"value":"ab"}}],"members":[{"id":"n2-90b1d4","name":"n2","address":"n2:7000","httpUrl":"http://n2","status":"alive",` +
		`"voter":true,"role":"follower","healthy":true,"reachable":true,"version":"v","lastContactMs":31,"lastIndex":91,"trailsBy":0,` +
		`"stableSince":"2030-01-31T12:00:00.123Z","zone":"","error":""}],"healthy":true,"failureTolerance":1,"warnings":["disk 91% full"]}` + "\n"
	if w := f.do("GET", "/api/v1/cluster", ""); w.Code != 200 || w.Body.String() != want {
		t.Errorf("status %d, body\n%swant\n%s", w.Code, w.Body, want)
	}
	f.service.status = v1.Cluster{}
	w := f.do("GET", "/api/v1/cluster", "")
	for _, empty := range []string{`"groups":[]`, `"members":[]`, `"warnings":[]`} {
		if !strings.Contains(w.Body.String(), empty) {
			t.Errorf("no %s in %s", empty, w.Body)
		}
	}
}

func TestAnAnswerThatCannotBeWrittenIsInternal(t *testing.T) {
	f := newFixture(t)
	f.add("abc", "https://example.com", func(l *link.Link) { l.CreatedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) })
	w := f.do("GET", links+"/abc", "")
	f.refused(w, 500, v1.Internal)
	if w.Header().Get("ETag") != "" {
		t.Error("a refusal has an ETag")
	}
}

func TestLeaveIsHandedOn(t *testing.T) {
	f := newFixture(t)
	if w := f.do("POST", "/api/v1/cluster/leave", ""); w.Code != http.StatusNoContent || f.service.left != 1 {
		t.Errorf("status %d, left %d times", w.Code, f.service.left)
	}
}

func TestANodeThatMustNotLeaveSaysWhy(t *testing.T) {
	f := newFixture(t)
	f.service.fail = fmt.Errorf("%w: only two of five would be left", ErrPrecondition)
	p := f.refused(f.do("POST", "/api/v1/cluster/leave", ""), 412, v1.PreconditionFailed)
	if !strings.Contains(p.Detail, "only two of five would be left") {
		t.Errorf("detail %q", p.Detail)
	}
}

func TestMetricsAreCleanAndHoldNoCodes(t *testing.T) {
	f := newFixture(t)
	f.add("abc", "https://example.com/secret")
	for _, path := range []string{"/abc", "/missing", "/a/b", links + "/abc", "/healthz", "/api"} {
		f.do("GET", path, "")
	}
	f.do("POST", links, oneLink)
	f.do("BREW", "/abc", "")
	families, err := f.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) != 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	routes := []string{otherRoute}
	for _, route := range f.engine.Routes() {
		routes = append(routes, route.Path)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "route" && !slices.Contains(routes, l.GetValue()) {
					t.Errorf("%s has the route %q", family.GetName(), l.GetValue())
				}
			}
		}
	}
	for _, test := range []struct {
		labels []string
		want   float64
	}{
		{[]string{"route", "/:code", "method", "GET", "status", "3xx"}, 1},
		{[]string{"route", "/:code", "method", "GET", "status", "4xx"}, 1},
		{[]string{"route", links, "method", "POST", "status", "2xx"}, 1},
		{[]string{"route", links + "/:code", "status", "2xx"}, 1},
		{[]string{"route", "other", "status", "4xx"}, 3},
		{[]string{"route", "/healthz"}, 1},
	} {
		if got := f.metric("tinyurl_http_requests_total", test.labels...); got != test.want {
			t.Errorf("%v: %v requests, want %v", test.labels, got, test.want)
		}
	}
	if got := f.metric("tinyurl_http_request_seconds", "route", "/:code"); got != 2 {
		t.Errorf("%v visits measured", got)
	}
	page := f.do("GET", "/metrics", "", "Authorization", "").Body.String()
	if !strings.Contains(page, `tinyurl_redirects_total{outcome="redirected"} 1`) || strings.Contains(page, "secret") || strings.Contains(page, "missing") {
		t.Errorf("page\n%s", page)
	}
}

func TestWithoutAGathererThereIsNoMetricsPage(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Gatherer = nil })
	if w := f.do("GET", "/metrics", ""); w.Code != http.StatusNotFound {
		t.Errorf("status %d", w.Code)
	}
}
