package partition

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/test/harness"
	"tinyurl/test/history"
)

// fake is a node that answers as it should, from its memory, until lie says otherwise: lie may answer a request itself, and
// returns false if it does not.
type fake struct {
	server *httptest.Server
	lie    func(w http.ResponseWriter, r *http.Request, code string) bool

	mu    sync.Mutex
	next  int
	links map[string]fakeLink
	keys  map[string]string
	gone  map[string]bool
	held  map[string]bool // API keys, and whether they hold
}

// fakeLink is a link of a fake.
type fakeLink struct {
	target                 string
	version, limit, visits uint64
}

// fakeKey begins the secret of an API key; the rest is its id.
const fakeKey = "secret-of-"

func newFake(t *testing.T) *fake {
	f := &fake{links: make(map[string]fakeLink), keys: make(map[string]string), gone: make(map[string]bool), held: make(map[string]bool)}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	return f
}

func (f *fake) Name() string            { return "fake" }
func (f *fake) URL() string             { return f.server.URL }
func (f *fake) Serving() (uint64, bool) { return 1, true }

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	code := path.Base(r.URL.Path)
	if f.lie != nil && f.lie(w, r, code) {
		return
	}
	api := path.Dir(r.URL.Path) != "/"
	id, keyed := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "+fakeKey)
	l, found := f.links[code]
	switch {
	case keyed && !f.held[id]:
		problem(w, http.StatusUnauthorized, v1.Unauthorized)
	case strings.HasPrefix(r.URL.Path, "/api/v1/keys"):
		f.key(w, r, code)
	case r.Method == http.MethodPost:
		f.create(w, r)
	case f.gone[code]:
		problem(w, http.StatusGone, v1.Gone)
	case !found:
		problem(w, http.StatusNotFound, v1.NotFound)
	case r.Method == http.MethodDelete:
		f.gone[code] = true
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPatch:
		f.edit(w, r, code, l)
	case api:
		answer(w, http.StatusOK, v1.Link{ShortCode: code, LongURL: l.target, Version: l.version})
	case l.limit != 0 && l.visits >= l.limit:
		problem(w, http.StatusGone, v1.Gone)
	default:
		l.visits++
		f.links[code] = l
		redirect(w, l.target)
	}
}

// key makes or ends an API key.
func (f *fake) key(w http.ResponseWriter, r *http.Request, id string) {
	switch {
	case r.Method == http.MethodPost:
		f.next++
		id = fmt.Sprintf("k%06d", f.next)
		f.held[id] = true
		answer(w, http.StatusCreated, v1.Key{ID: id, Key: fakeKey + id})
	case !f.held[id]:
		problem(w, http.StatusNotFound, v1.NotFound)
	default:
		f.held[id] = false
		w.WriteHeader(http.StatusNoContent)
	}
}

func (f *fake) edit(w http.ResponseWriter, r *http.Request, code string, l fakeLink) {
	var change struct{ LongURL string }
	if err := json.NewDecoder(r.Body).Decode(&change); err != nil {
		problem(w, http.StatusUnprocessableEntity, v1.InvalidJSON)
		return
	}
	if match := r.Header.Get("If-Match"); match != "" && match != fmt.Sprintf("%q", fmt.Sprint(l.version)) {
		problem(w, http.StatusPreconditionFailed, v1.PreconditionFailed)
		return
	}
	l.version, l.target = l.version+1, change.LongURL
	f.links[code] = l
	answer(w, http.StatusOK, v1.Link{ShortCode: code, LongURL: l.target, Version: l.version})
}

func (f *fake) create(w http.ResponseWriter, r *http.Request) {
	var want v1.CreateLink
	if err := json.NewDecoder(r.Body).Decode(&want); err != nil {
		problem(w, http.StatusUnprocessableEntity, v1.InvalidJSON)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	code := f.keys[key]
	switch {
	case key != "" && code != "":
	case want.CustomSlug != "" && (f.links[want.CustomSlug].target != "" || f.gone[want.CustomSlug]):
		problem(w, http.StatusConflict, v1.SlugTaken)
		return
	case want.CustomSlug != "":
		code = want.CustomSlug
	default:
		f.next++
		code = fmt.Sprintf("c%06d", f.next)
	}
	if _, again := f.links[code]; !again {
		f.links[code] = fakeLink{target: want.LongURL, version: 1, limit: want.MaxVisits}
	}
	if key != "" {
		f.keys[key] = code
	}
	answer(w, http.StatusCreated, v1.Link{ShortCode: code, LongURL: want.LongURL, Version: 1})
}

func redirect(w http.ResponseWriter, target string) {
	w.Header()["Location"] = []string{target} // as it is
	w.WriteHeader(http.StatusFound)
}

func problem(w http.ResponseWriter, status int, code v1.Code) {
	w.Header().Set("Content-Type", v1.ProblemType)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	answer(w, status, v1.Problem{Status: status, Code: code})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// loadOn starts the clients of a row on a fake and stops them after a while, or when they have seen enough.
func loadOn(t *testing.T, f *fake, length time.Duration) (*Load, history.History) {
	t.Helper()
	began := time.Now()
	recorder := history.NewRecorder(func() time.Duration { return time.Since(began) })
	l := StartLoad(LoadOptions{
		Nodes: func() []harness.Endpoint { return []harness.Endpoint{f} }, Key: "key", Recorder: recorder, Book: &Book{},
		Name: "test", Seed: 1, Client: new(atomic.Int64),
	})
	select {
	case <-l.Broken():
	case <-time.After(length):
	}
	l.Stop()
	h := recorder.History()
	if err := h.Check(); err != nil {
		t.Errorf("the record: %v", err)
	}
	return l, h
}
