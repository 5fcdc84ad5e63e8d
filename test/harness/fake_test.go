package harness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tinyurl/api/v1"
)

// service is what all nodes of a fake cluster share: the links.
type service struct {
	mu    sync.Mutex
	links map[string]string // long URL by code
	once  map[string]string // code by idempotency key
	made  int
	// twice makes every create give out one and the same code.
	twice bool
	// forgetful makes a retry under a known key give a new code.
	forgetful bool
}

func newService() *service {
	return &service{links: make(map[string]string), once: make(map[string]string)}
}

func (s *service) create(key, target string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code, ok := s.once[key]; ok && !s.forgetful {
		return code
	}
	if s.made++; s.twice {
		s.made = 1
	}
	code := fmt.Sprintf("c%06d", s.made)
	s.links[code], s.once[key] = target, code
	return code
}

func (s *service) target(code string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	target, ok := s.links[code]
	return target, ok
}

// fakeNode is one node of a fake cluster. visit and post, where set, answer in place of the truth.
type fakeNode struct {
	*httptest.Server
	name    string
	stretch atomic.Uint64
	down    atomic.Bool
	visit   func(w http.ResponseWriter, code, target string) (done bool)
	post    func(w http.ResponseWriter, r *http.Request) (done bool)
}

func (n *fakeNode) Name() string            { return n.name }
func (n *fakeNode) URL() string             { return n.Server.URL }
func (n *fakeNode) Serving() (uint64, bool) { return n.stretch.Load(), !n.down.Load() }

func newFakeNode(t *testing.T, name string, s *service) *fakeNode {
	t.Helper()
	n := &fakeNode{name: name}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/links", func(w http.ResponseWriter, r *http.Request) {
		if n.post != nil && n.post(w, r) {
			return
		}
		var in v1.CreateLink
		_ = json.NewDecoder(r.Body).Decode(&in)
		code := s.create(r.Header.Get("Idempotency-Key"), in.LongURL)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(v1.Link{ShortCode: code, LongURL: in.LongURL})
	})
	mux.HandleFunc("POST /api/v1/links/bulk", func(w http.ResponseWriter, r *http.Request) {
		if n.post != nil && n.post(w, r) {
			return
		}
		var in v1.CreateLinks
		_ = json.NewDecoder(r.Body).Decode(&in)
		var out v1.Results
		for i, row := range in.Links {
			code := s.create(fmt.Sprintf("%s/%d", r.Header.Get("Idempotency-Key"), i), row.LongURL)
			out.Results = append(out.Results, v1.Result{Status: http.StatusCreated, Link: &v1.Link{ShortCode: code, LongURL: row.LongURL}})
		}
		_ = json.NewEncoder(w).Encode(out)
	})
	mux.HandleFunc("GET /{code}", func(w http.ResponseWriter, r *http.Request) {
		code := r.PathValue("code")
		target, ok := s.target(code)
		if n.visit != nil && n.visit(w, code, target) {
			return
		}
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header()["Location"] = []string{target}
		w.WriteHeader(http.StatusFound)
	})
	n.Server = httptest.NewServer(mux)
	t.Cleanup(n.Close)
	return n
}

// status makes a visit that answers with one status, and a Location if there is one.
func status(code int, header ...string) func(http.ResponseWriter, string, string) bool {
	return func(w http.ResponseWriter, _, _ string) bool {
		for _, h := range header {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(code)
		return true
	}
}

// refusal makes a post that refuses the first times with a problem of that status, and then lets all through.
func refusal(times int64, code int, word v1.Code, header ...string) func(http.ResponseWriter, *http.Request) bool {
	var seen atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) bool {
		if seen.Add(1) > times {
			return false
		}
		for _, h := range header {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		w.Header().Set("Content-Type", v1.ProblemType)
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(v1.Problem{Status: code, Code: word})
		return true
	}
}

func endpoints(nodes ...*fakeNode) Endpoints {
	return func() []Endpoint {
		all := make([]Endpoint, len(nodes))
		for i, n := range nodes {
			all[i] = n
		}
		return all
	}
}
