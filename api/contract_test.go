package api

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api/openapi/openapitest"
	"tinyurl/fsm/access"
)

// contract is the description of the API. What the tests ask of fixtures, and what they are answered, is held against it, and it counts
// over all tests.
var contract = sync.OnceValues(openapitest.New)

// TestMain fails whole runs in which an operation was never answered with a success.
func TestMain(m *testing.M) { os.Exit(wholeRun(m)) }

func wholeRun(m *testing.M) int {
	exit := m.Run()
	for _, only := range []string{"test.run", "test.skip", "test.fuzz", "test.list"} {
		if flag.Lookup(only).Value.String() != "" {
			return exit
		}
	}
	c, err := contract()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	seen, successes := c.Seen()
	fmt.Printf("contract: %d of %d operations, %d answers other than refusals\n", seen, len(c.Operations()), successes)
	for _, operation := range c.Unseen() {
		fmt.Fprintf(os.Stderr, "contract: no test has %s answered with a success\n", operation)
		exit = max(exit, 1)
	}
	return exit
}

// ServeHTTP is the Server's. What it is asked and answers is held against the contract. Let alone are benchmarks and fuzzing, writers
// that measure, and fixtures whose service is forced to fail as no cluster would.
func (f *fixture) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	recorder, recorded := w.(*httptest.ResponseRecorder)
	connected := r.Context().Value(http.ServerContextKey) != nil
	if _, test := f.t.(*testing.T); !test || f.forced || !recorded && !connected {
		f.Server.ServeHTTP(w, r)
		return
	}
	f.t.Helper()
	if !recorded {
		recorder = httptest.NewRecorder()
		w = &copier{ResponseWriter: w, copy: recorder}
	}
	// The server may change the request, and reads as much of the body as it likes.
	x := openapitest.Exchange{Method: r.Method, URL: r.URL, Header: r.Header.Clone()}
	var body bytes.Buffer
	if r.Body != nil {
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, &body), r.Body}
	}
	f.Server.ServeHTTP(w, r)
	x.Body = body.Bytes()
	x.Status, x.Answer, x.Content = recorder.Code, w.Header(), recorder.Body.Bytes()
	f.hold(x)
}

// copier keeps a copy of what goes to a connection.
type copier struct {
	http.ResponseWriter
	copy *httptest.ResponseRecorder
}

// Unwrap gives net/http's writer, which can do more.
func (c *copier) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *copier) WriteHeader(status int) {
	c.copy.WriteHeader(status)
	c.ResponseWriter.WriteHeader(status)
}

func (c *copier) Write(p []byte) (int, error) {
	_, _ = c.copy.Write(p)
	return c.ResponseWriter.Write(p)
}

// Flush is there for gin, which asks for it by type.
func (c *copier) Flush() { _ = http.NewResponseController(c.ResponseWriter).Flush() }

// foreign are the paths of other services' clients: their manners are described by those services.
func foreign(path string) bool {
	return strings.HasSuffix(path, ".php") || path == "/rest" || strings.HasPrefix(path, "/rest/")
}

// hold checks an exchange.
func (f *fixture) hold(x openapitest.Exchange) {
	f.t.Helper()
	if foreign(x.URL.Path) {
		return
	}
	c, err := contract()
	if err == nil {
		err = c.Check(x)
	}
	if err != nil {
		f.t.Errorf("contract: %v", err)
	}
}

// described is what the description and the routes must say alike of an operation.
type described struct {
	Scope   string
	Keyless bool
	Query   map[string]bool
	Body    bool
}

// TestTheDescriptionAndTheRoutesAreTheSame: what is served is described, with its scope, its parameters and whether it takes a body; and
// nothing else is.
func TestTheDescriptionAndTheRoutesAreTheSame(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Admission.Anonymous = true })
	c, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]described)
	for _, op := range c.Operations() {
		d := described{op.Scope, op.Keyless, op.Query, op.Body}
		if !strings.HasPrefix(op.Path, base+"/") || op.Path == base+"/openapi.json" {
			d.Query, d.Body = nil, false // judged by no endpoint
		}
		want[op.Method+" "+op.Path] = d
	}
	got := f.served()
	// Both are one route, and one more method.
	for _, method := range []string{"GET", "POST"} {
		got[method+" /{code}"+previewMark] = got[method+" /{code}"]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the description and the routes differ (-described +served):\n%s", diff)
	}
}

// served are the operations of the routes, by method and path.
func (f *fixture) served() map[string]described {
	variable := regexp.MustCompile(`:([a-z]+)`)
	found := make(map[string]described)
	for _, route := range f.engine.Routes() {
		// HEAD comes with GET, and some paths are there only to be refused.
		if route.Method != http.MethodHead && !strings.Contains(route.Handler, "noRoute") && !foreign(route.Path) {
			found[route.Method+" "+variable.ReplaceAllString(route.Path, "{$1}")] = described{}
		}
	}
	describe := func(e endpoint) {
		d := described{Scope: strings.Join(e.scope.Names(), " "), Keyless: e.keyless == keyOptional, Query: make(map[string]bool), Body: e.takesBody}
		switch {
		case e.keyless == keyIgnored:
			d.Scope = ""
		case e.scope == access.AnyKey:
			d.Scope = "any"
		}
		for _, p := range e.query {
			d.Query[p.name] = p.most > 1
		}
		found[e.method+" "+variable.ReplaceAllString(e.path, "{$1}")] = d
	}
	for _, e := range f.endpoints() {
		describe(e)
	}
	for _, e := range f.streams() {
		describe(endpoint{method: e.method, path: e.path, scope: e.scope, query: e.query, takesBody: e.method == http.MethodPost})
	}
	found["GET "+base+"/openapi.json"] = described{}
	return found
}
