package api

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

const testKey = "tu_0123456789abcdefghijklmnopqrstuvwxyz"

// noon is the time in every test.
var noon = time.Date(2030, 1, 31, 12, 0, 0, 123_000_000, time.UTC)

// fakeService is the whole cluster in a map. It serves every interface of the api.
type fakeService struct {
	mu      sync.Mutex
	links   map[link.Code]link.Link
	deleted map[link.Code]bool
	once    map[string]link.Once
	drafts  []link.Draft
	edits   []link.Edit
	by      access.Holder // who made links last
	// listings and tagListings are those asked for; page and tagPage what they are answered.
	listings    []Listing
	tagListings []TagListing
	page        Page
	tagPage     TagPage
	// fail, when set, is what every call answers; rowFail is what the row of a slug answers.
	fail    error
	rowFail map[link.Code]error
	// wait, when set, is waited for by every call, as is the end of its context.
	wait      chan struct{}
	hashing   func(context.Context) error // what the hashing of a password ends with, when set
	hashed    int
	checked   atomic.Int64 // passwords
	checking  error        // what every check ends with
	counting  error        // what every visit that is counted ends with
	inside    atomic.Int64 // calls that came in so far
	entered   func()       // called by every call, when set
	panics    any
	late      time.Duration
	status    v1.Cluster
	left      int
	removed   []string
	heirs     []string
	autopilot v1.Autopilot
	checks    []Check
	need      Need
	local     bool
	deadlines []time.Duration
}

func newFakeService() *fakeService {
	return &fakeService{
		links:   make(map[link.Code]link.Link),
		deleted: make(map[link.Code]bool),
		once:    make(map[string]link.Once),
		rowFail: make(map[link.Code]error),
	}
}

func (f *fakeService) enter(ctx context.Context) error {
	f.inside.Add(1)
	if f.entered != nil {
		f.entered()
	}
	if f.panics != nil {
		panic(f.panics)
	}
	if deadline, ok := ctx.Deadline(); ok {
		f.mu.Lock()
		f.deadlines = append(f.deadlines, time.Until(deadline))
		f.mu.Unlock()
	}
	if f.wait != nil {
		select {
		case <-f.wait:
		case <-ctx.Done():
			return fmt.Errorf("waited: %w", ctx.Err())
		}
	}
	return f.fail
}

func (f *fakeService) Get(ctx context.Context, _ access.Holder, code link.Code, local bool) (link.Link, error) {
	f.local = local
	return f.lookup(ctx, code)
}

func (f *fakeService) Resolve(ctx context.Context, code link.Code) (link.Route, error) {
	l, err := f.lookup(ctx, code)
	return l.Route(), err
}

func (f *fakeService) lookup(ctx context.Context, code link.Code) (link.Link, error) {
	if err := f.enter(ctx); err != nil {
		return link.Link{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deleted[code] {
		return link.Link{}, link.ErrGone
	}
	if l, ok := f.links[code]; ok {
		return l, nil
	}
	return link.Link{}, link.ErrNotFound
}

func (f *fakeService) Delete(ctx context.Context, _ access.Holder, code link.Code) error {
	if _, err := f.Resolve(ctx, code); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.links, code)
	f.deleted[code] = true
	return nil
}

// Verify knows what Hash has made.
func (f *fakeService) Verify(_ context.Context, kept link.PasswordHash, password string) (bool, error) {
	f.checked.Add(1)
	return kept == link.PasswordHash("$fake$"+hex.EncodeToString([]byte(password))), f.checking
}

// Lookup is what this node knows by itself.
func (f *fakeService) Lookup(code link.Code) (link.Link, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deleted[code] {
		return link.Link{}, link.ErrGone
	}
	if l, ok := f.links[code]; ok {
		return l, nil
	}
	return link.Link{}, link.ErrNotFound
}

// Consume counts a visit as the cluster does.
func (f *fakeService) Consume(ctx context.Context, code link.Code) (link.Route, error) {
	if err := f.enter(ctx); err != nil {
		return link.Route{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	l, ok := f.links[code]
	if !ok || l.Route().State(noon) != link.Open {
		return link.Route{}, link.ErrGone
	}
	l.Visits++
	f.links[code] = l
	return l.Route(), f.counting
}

// Look knows the links there are; like a node's, it cannot prove that there is none.
func (f *fakeService) Look(code link.Code) (link.Route, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l, ok := f.links[code]; ok {
		return l.Route(), true, nil
	}
	return link.Route{}, false, link.ErrNotFound
}

func (f *fakeService) Now() time.Time           { return noon }
func (f *fakeService) Staleness() time.Duration { return f.late }

func (f *fakeService) Status(ctx context.Context) v1.Cluster {
	_ = f.enter(ctx)
	return f.status
}

func (f *fakeService) Leave(ctx context.Context) error {
	f.left++
	return f.enter(ctx)
}

func (f *fakeService) Remove(ctx context.Context, id string) error {
	f.removed = append(f.removed, id)
	return f.enter(ctx)
}

func (f *fakeService) Transfer(ctx context.Context, to string) (v1.Leader, error) {
	f.heirs = append(f.heirs, to)
	return v1.Leader{ID: to, Name: "n2", HTTPURL: "http://n2"}, f.enter(ctx)
}

func (f *fakeService) Autopilot(ctx context.Context) (v1.Autopilot, error) {
	return f.autopilot, f.enter(ctx)
}

func (f *fakeService) Live(context.Context) []Check { return []Check{{Name: "process"}} }

func (f *fakeService) Ready(_ context.Context, need Need) []Check {
	f.need = need
	return f.checks
}

// scopedKeys is an Authenticator of keys named after what they may do.
type scopedKeys map[string]access.Scopes

// Confirm believes who was let in.
func (scopedKeys) Confirm(_ context.Context, by access.Holder, _ bool) (access.Holder, error) {
	return by, nil
}

func (k scopedKeys) Authenticate(_ context.Context, key string, _ bool) (access.Holder, error) {
	scopes, ok := k[key]
	if !ok {
		return access.Holder{}, ErrUnauthorized
	}
	return access.Holder{ID: "id-of-" + key, Scopes: scopes}, nil
}

// fixture is a Server over a fakeService.
type fixture struct {
	*Server
	t        testing.TB
	service  *fakeService
	kept     *fakeAuthority
	registry *prometheus.Registry
	log      *sharedLog
	// forced says that the answers are none that the description of the API speaks of.
	forced bool
}

// sharedLog keeps what servers log, while tests read it.
type sharedLog struct {
	mu   sync.Mutex
	text []byte
}

func (l *sharedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	return len(p), nil
}

func (l *sharedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

func newFixture(t testing.TB, change ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, service: newFakeService(), registry: prometheus.NewRegistry(), log: &sharedLog{}}
	f.kept = newFakeAuthority(f.service)
	f.kept.fill()
	config := Config{
		Links: f.service, Resolver: f.service, Cluster: f.service, Health: f.service,
		Authority:   Authority{Keys: f.kept, Users: f.kept, Denials: f.kept, Reports: f.kept},
		Statistics:  &fakeStatistics{service: f.service},
		Passwords:   f.service,
		RootKey:     testKey,
		PublicURL:   "https://sho.rt",
		TargetRules: link.TargetRules{OwnHosts: []string{"sho.rt"}},
		Logger:      slog.New(slog.NewTextHandler(f.log, nil)),
		Registerer:  f.registry,
		Gatherer:    f.registry,
	}
	for _, c := range change {
		c(&config)
	}
	var err error
	if f.Server, err = New(config); err != nil {
		t.Fatalf("New: %v", err)
	}
	return f
}

// rewire has the operations ask what the config names by now.
func (f *fixture) rewire() {
	f.links = newLinkCalls(f.Server)
	f.engine = f.routes()
}

// add puts a link into the service.
func (f *fixture) add(code, target string, change ...func(*link.Link)) {
	l := link.Link{Code: link.Code(code), Fields: link.Fields{Target: link.Target(target)}, CreatedAt: noon, UpdatedAt: noon, Version: 1}
	for _, c := range change {
		c(&l)
	}
	f.service.links[l.Code] = l
}

// do sends a request with the root key. header holds names and values in turn; an empty value takes a header away.
func (f *fixture) do(method, path, body string, header ...string) *httptest.ResponseRecorder {
	f.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+testKey)
	for i := 0; i < len(header); i += 2 {
		if header[i+1] == "" {
			r.Header.Del(header[i])
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// refused checks that an answer is a whole problem with the status and code given.
func (f *fixture) refused(w *httptest.ResponseRecorder, status int, code v1.Code, elements ...string) v1.Problem {
	f.t.Helper()
	if w.Code != status {
		f.t.Fatalf("status %d, want %d %s; body %s", w.Code, status, code, w.Body)
	}
	return checkProblem(f.t, w.Header(), w.Body.Bytes(), status, code, elements...)
}

func checkProblem(t testing.TB, header http.Header, body []byte, status int, code v1.Code, elements ...string) v1.Problem {
	t.Helper()
	if got := header.Get("Content-Type"); got != v1.ProblemType {
		t.Errorf("Content-Type %q", got)
	}
	if got := header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	retries := status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests
	if retry := header.Get("Retry-After"); (retry != "") != retries {
		t.Errorf("Retry-After %q with status %d", retry, status)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	var p v1.Problem
	if err := decoder.Decode(&p); err != nil {
		t.Fatalf("problem: %v in %s", err, body)
	}
	if p.Status != status || p.Code != code {
		t.Errorf("problem says %d %s, want %d %s (%s)", p.Status, p.Code, status, code, p.Detail)
	}
	if p.Type != "urn:tinyurl:problem:"+string(code) || p.Title == "" || p.Detail == "" || p.Instance == "" {
		t.Errorf("problem is not whole: %+v", p)
	}
	if len(elements) > 0 && !slices.Equal(p.InvalidElements, elements) {
		t.Errorf("invalidElements %q, want %q", p.InvalidElements, elements)
	}
	return p
}

// decode reads a JSON answer of the status given.
func decode[T any](t testing.TB, w *httptest.ResponseRecorder, status int) T {
	t.Helper()
	var out T
	if w.Code != status {
		t.Fatalf("status %d, want %d; body %s", w.Code, status, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("answer: %v in %s", err, w.Body)
	}
	return out
}

var errUnheardOf = errors.New("disk of node n2 at 10.0.0.2 caught fire")

// doWith is do with header values that may repeat.
func (f *fixture) doWith(method, path, body string, header http.Header) *httptest.ResponseRecorder {
	f.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+testKey)
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// until polls a condition for at most ten seconds.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		runtime.Gosched()
	}
}

// metric adds up the counters of a name that have all the labels given, as names and values in turn.
func (f *fixture) metric(name string, labels ...string) float64 {
	f.t.Helper()
	families, err := f.registry.Gather()
	if err != nil {
		f.t.Fatal(err)
	}
	var sum float64
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			has := make(map[string]string)
			for _, l := range m.GetLabel() {
				has[l.GetName()] = l.GetValue()
			}
			matches := true
			for i := 0; i < len(labels); i += 2 {
				matches = matches && has[labels[i]] == labels[i+1]
			}
			if matches {
				sum += m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}
