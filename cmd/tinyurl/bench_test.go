package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tinyurl/api/v1"
)

// benchFake is a cluster of nodes that share a map, as far as bench can tell.
type benchFake struct {
	servers []*httptest.Server
	asked   []atomic.Int64 // requests by node, of every kind
	creates atomic.Int64

	mu    sync.Mutex
	links map[string]string // owned by mu; code to target

	// refuse, when set, may answer a request in place of the node; then it returns true.
	refuse func(w http.ResponseWriter, r *http.Request) bool
}

func newBenchFake(t *testing.T, nodes int) *benchFake {
	f := &benchFake{links: make(map[string]string), asked: make([]atomic.Int64, nodes)}
	for i := range nodes {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f.asked[i].Add(1)
			f.serve(w, r)
		}))
		t.Cleanup(server.Close)
		f.servers = append(f.servers, server)
	}
	return f
}

func (f *benchFake) serve(w http.ResponseWriter, r *http.Request) {
	if f.refuse != nil && f.refuse(w, r) {
		return
	}
	switch {
	case r.URL.Path == "/api/v1/cluster":
		status := v1.Cluster{Members: []v1.Member{{Name: "gone", HTTPURL: "http://127.0.0.1:1", Status: "failed"}}}
		for _, s := range f.servers {
			status.Members = append(status.Members, v1.Member{HTTPURL: s.URL, Status: "alive"})
		}
		_ = json.NewEncoder(w).Encode(status)
	case r.Header.Get("Authorization") != "Bearer right" && r.Method == http.MethodPost:
		problem(w, 401, v1.Unauthorized)
	case r.URL.Path == "/api/v1/links":
		var wanted v1.CreateLink
		if !read(w, r, &wanted) {
			return
		}
		f.creates.Add(1)
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(f.make(wanted))
	case r.URL.Path == "/api/v1/links/bulk":
		var wanted v1.CreateLinks
		if !read(w, r, &wanted) {
			return
		}
		var made v1.Results
		for _, one := range wanted.Links {
			l := f.make(one)
			made.Results = append(made.Results, v1.Result{Status: 201, Link: &l})
		}
		_ = json.NewEncoder(w).Encode(made)
	default:
		f.mu.Lock()
		target, ok := f.links[strings.TrimPrefix(r.URL.Path, "/")]
		f.mu.Unlock()
		if !ok {
			problem(w, 404, v1.NotFound)
			return
		}
		w.Header().Set("Location", target)
		w.WriteHeader(http.StatusFound)
	}
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil || int64(len(body)) != r.ContentLength {
		problem(w, 422, v1.InvalidJSON)
		return false
	}
	return true
}

func problem(w http.ResponseWriter, status int, code v1.Code) {
	w.Header().Set("Content-Type", v1.ProblemType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v1.Problem{Status: status, Code: code, Title: string(code)})
}

// make makes a link; two for one target are a fault of bench.
func (f *benchFake) make(wanted v1.CreateLink) v1.Link {
	f.mu.Lock()
	defer f.mu.Unlock()
	code := fmt.Sprintf("c%06d", len(f.links))
	f.links[code] = wanted.LongURL
	return v1.Link{ShortCode: code, LongURL: wanted.LongURL, Version: 1}
}

// repeated is a target that two links have.
func (f *benchFake) repeated() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := make(map[string]bool)
	for _, target := range f.links {
		if seen[target] {
			return target
		}
		seen[target] = true
	}
	return ""
}

// bench runs the command and gives its exit code, its report and what it said on stderr.
func (f *benchFake) bench(t *testing.T, args ...string) (int, benchReport, string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args = append([]string{"bench", "--server", f.servers[0].URL, "--key", "right", "-o", "json"}, args...)
	code := run(process{args: args, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr})
	var report benchReport
	if stdout.Len() > 0 {
		if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
			t.Fatalf("%v in %s", err, &stdout)
		}
	}
	return code, report, stderr.String()
}

func TestBenchFillsCreatesAndFollowsOnAllNodes(t *testing.T) {
	f := newBenchFake(t, 3)
	code, report, said := f.bench(t, "--duration", "200ms", "--concurrency", "6", "--fill", "12345")
	// Of a member that has failed nothing is said: nobody expects it to answer.
	if code != 0 || len(report.Phases) != 3 || len(report.Nodes) != 3 || report.Interrupted || strings.Contains(said, "left out") {
		t.Fatalf("exit %d, %+v, %s", code, report, said)
	}
	fill, creates, redirects := report.Phases[0], report.Phases[1], report.Phases[2]
	if fill.Name != "fill" || fill.Count != 12345 || fill.Requests != 13 {
		t.Errorf("fill %+v", fill)
	}
	// One more was made to see whether the key is right.
	if creates.Name != "creates" || creates.Count == 0 || int64(creates.Count) != f.creates.Load()-1 || creates.Requests != creates.Count {
		t.Errorf("%d creates arrived, report %+v", f.creates.Load(), creates)
	}
	if redirects.Name != "redirects" || redirects.Count == 0 {
		t.Errorf("redirects %+v", redirects)
	}
	for _, ph := range report.Phases {
		if len(ph.Errors) > 0 || ph.Waited > 0 || ph.PerSecond <= 0 || ph.P50Ms <= 0 || ph.P99Ms < ph.P50Ms || ph.MaxMs < ph.P99Ms {
			t.Errorf("phase %+v", ph)
		}
	}
	if got := f.repeated(); got != "" {
		t.Errorf("%s was asked for twice", got)
	}
	for i := range f.asked {
		if f.asked[i].Load() < 10 {
			t.Errorf("node %d was asked %d times", i, f.asked[i].Load())
		}
	}
}

func TestBenchOfOneNodeAsksNoOther(t *testing.T) {
	f := newBenchFake(t, 2)
	code, report, said := f.bench(t, "--duration", "100ms", "--concurrency", "2", "--one-node")
	if code != 0 || len(report.Nodes) != 1 || f.asked[1].Load() != 0 || f.asked[0].Load() == 0 {
		t.Errorf("exit %d, nodes %v, the other was asked %d times; %s", code, report.Nodes, f.asked[1].Load(), said)
	}
}

func TestBenchWaitsWhenItIsAskedTo(t *testing.T) {
	f := newBenchFake(t, 1)
	var refused atomic.Int64
	f.refuse = func(w http.ResponseWriter, r *http.Request) bool {
		// The first is the trial.
		if r.URL.Path != "/api/v1/links" || f.creates.Load() == 0 {
			return false
		}
		refused.Add(1)
		w.Header().Set("Retry-After", "7")
		problem(w, 503, v1.NoLeader)
		return true
	}
	code, report, _ := f.bench(t, "--duration", "300ms", "--concurrency", "3")
	creates := report.Phases[0]
	if code != 0 || refused.Load() != 3 || creates.Count != 0 || creates.Errors["no_leader"] != 3 || creates.Waited != 3 || creates.P99Ms != 0 {
		t.Errorf("exit %d, refused %d, report %+v", code, refused.Load(), creates)
	}
	if creates.Seconds > 5 {
		t.Errorf("waited beyond its time: %v s", creates.Seconds)
	}
}

func TestBenchCountsFailuresByTheirWord(t *testing.T) {
	for want, refuse := range map[string]func(http.ResponseWriter){
		"gone": func(w http.ResponseWriter) { problem(w, 410, v1.Gone) },
		"status 502": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, `<p class="code":"x!">`)
		},
		"status 200": func(http.ResponseWriter) {},
	} {
		f := newBenchFake(t, 1)
		f.refuse = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet || r.URL.Path == "/api/v1/cluster" {
				return false
			}
			refuse(w)
			return true
		}
		code, report, _ := f.bench(t, "--duration", "100ms", "--concurrency", "1")
		if redirects := report.Phases[1]; code != 0 || redirects.Count != 0 || redirects.Errors[want] == 0 || len(redirects.Errors) != 1 {
			t.Errorf("%s: exit %d, %+v", want, code, redirects)
		}
	}
}

func TestBenchGoesOnWithoutANodeThatDies(t *testing.T) {
	f := newBenchFake(t, 2)
	f.refuse = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Host == f.servers[1].Listener.Addr().String() && r.URL.Path != "/api/v1/cluster" {
			panic(http.ErrAbortHandler) // breaks the connection
		}
		return false
	}
	code, report, _ := f.bench(t, "--duration", "400ms", "--concurrency", "2")
	if creates := report.Phases[0]; code != 0 || creates.Errors[unreached] != 1 || creates.Count == 0 {
		t.Errorf("exit %d, %+v", code, creates)
	}
}

func TestBenchFillAsksAgainForWhatWasRefused(t *testing.T) {
	f := newBenchFake(t, 1)
	var bulks atomic.Int64
	f.refuse = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v1/links/bulk" || bulks.Add(1)%3 != 2 {
			return false
		}
		if bulks.Load() == 2 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Retry-After", "1")
		problem(w, 503, v1.Overloaded)
		return true
	}
	code, report, said := f.bench(t, "--duration", "100ms", "--concurrency", "1", "--fill", "3500")
	fill := report.Phases[0]
	if code != 0 || fill.Count != 3500 || fill.Errors["overloaded"] != 1 || fill.Errors[unreached] != 1 || fill.Waited != 1 {
		t.Errorf("exit %d, %+v; %s", code, fill, said)
	}
}

func TestBenchFillEndsAtWhatNoWaitMends(t *testing.T) {
	f := newBenchFake(t, 1)
	f.refuse = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v1/links/bulk" {
			return false
		}
		problem(w, 507, v1.DiskFull)
		return true
	}
	code, report, said := f.bench(t, "--fill", "5000")
	if code != 1 || len(report.Phases) != 1 || !strings.Contains(said, "fill: refused: disk_full") {
		t.Errorf("exit %d, %+v; %s", code, report, said)
	}
}

func TestBenchSaysAtOnceWhatIsWrong(t *testing.T) {
	f := newBenchFake(t, 1)
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--key", "wrong"}, 1, "unauthorized"},
		{[]string{"--server", "http://127.0.0.1:1"}, 1, "no node answers"},
		{[]string{"--server", "ftp://x"}, 2, "--server"},
		{[]string{"--duration", "1ms"}, 2, "--duration is 1ms"},
		{[]string{"--duration", "25h"}, 2, "--duration is 25h"},
		{[]string{"--concurrency", "0"}, 2, "--concurrency is 0"},
		{[]string{"--concurrency", "4097"}, 2, "--concurrency is 4097"},
		{[]string{"--fill", "-1"}, 2, "--fill is -1"},
		{[]string{"--fill", "1000000001"}, 2, "--fill is 1000000001"},
		{[]string{"-o", "xml"}, 2, "table"},
		{[]string{"extra"}, 2, "unknown command"},
	} {
		code, report, said := f.bench(t, tc.args...)
		if code != tc.code || len(report.Phases) != 0 || !strings.Contains(said, tc.want) {
			t.Errorf("%q: exit %d, %q does not say %q", tc.args, code, said, tc.want)
		}
	}
	// Members that cannot be reached from here are no reason to measure nothing, if another can.
	unreachable := benchFake{servers: []*httptest.Server{{URL: "http://127.0.0.1:1"}}}
	f.refuse = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/api/v1/cluster" {
			unreachable.serve(w, r)
		}
		return r.URL.Path == "/api/v1/cluster"
	}
	code, _, said := f.bench(t)
	if code != 1 || !strings.Contains(said, "--one-node") {
		t.Errorf("exit %d: %s", code, said)
	}
}
