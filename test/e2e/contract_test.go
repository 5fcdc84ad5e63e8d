package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tinyurl/api/openapi/openapitest"
	"tinyurl/api/v1"
	"tinyurl/test/harness"
)

// lotVariable repeats the nodes that a run of the contract asked.
const lotVariable = "TINYURL_E2E_LOT"

// appliedWithin is how soon every node shows what one of them has done, where it need not ask the others.
const appliedWithin = 10 * time.Second

// Every row of the contract's tables is asked of a real cluster, each of a node drawn by lot; and every answer is one that the API's
// description allows.
func TestEveryRowOfTheContract(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(lotVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%s=%d", lotVariable, seed)
	description, err := openapitest.New()
	if err != nil {
		t.Fatal(err)
	}
	k := &caller{
		t: t, c: harness.Start(t, harness.Options{}), description: description, rng: rand.New(rand.NewPCG(seed, seed)),
		http: &http.Client{Timeout: 15 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	defer k.http.CloseIdleConnections()
	for _, part := range []struct {
		name string
		rows func(k *caller)
	}{
		{"links", linkRows},
		{"bulks", bulkRows},
		{"lists", listRows},
		{"edits", editRows},
		{"deletes", deleteRows},
		{"visits", visitRows},
		{"statistics", statisticsRows},
		{"passwords", passwordRows},
		{"refusals", refusalRows},
		{"keys", keyRows},
		{"users", userRows},
		{"denied hosts", denialRows},
		{"reports", reportRows},
		{"files", fileRows},
		{"operation", operationRows},
		{"old clients", oldClientRows},
		{"CLI", verbRows},
		{"cluster", clusterRows},
		{"no quorum", lonelyRows},
	} {
		before := k.rows
		began := time.Now()
		part.rows(k)
		t.Logf("%s: %d rows in %v", part.name, k.rows-before, time.Since(began).Round(time.Millisecond))
	}
	operations, _ := description.Seen()
	t.Logf("FIGURES %s: %d rows held, %d of %d operations of the description answered", t.Name(), k.rows, operations, len(description.Operations()))
	for _, operation := range description.Unseen() {
		t.Errorf("no row has %s answered with a success", operation)
	}
}

// caller asks a cluster, and counts the rows that held.
type caller struct {
	t           *testing.T
	c           *harness.Cluster
	description *openapitest.Contract
	rng         *rand.Rand
	http        *http.Client
	rows        int
}

// request is what a row asks.
type request struct {
	method, path, body string
	// header holds names and values in turn.
	header []string
	// key is shown instead of the root key; noKey shows none.
	key string
	// at is the node that is asked; nil draws one.
	at *harness.Node
	// soon says that nodes may learn it a moment later: they are asked until they have.
	soon bool
}

const noKey = "-"

// wanted is what a row is to be answered.
type wanted struct {
	status int
	code   v1.Code // of a problem
	// header holds names and values in turn; body are parts of it, has what a JSON answer must hold.
	header, body []string
	has          map[string]any
}

// reply is what came.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// link reads a reply.
func (r reply) link(t *testing.T) v1.Link {
	t.Helper()
	var l v1.Link
	if err := json.Unmarshal(r.body, &l); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	return l
}

// field gives a field of a JSON reply as text.
func (r reply) field(name string) string {
	var all map[string]any
	_ = json.Unmarshal(r.body, &all) // a reply without it has none
	text, _ := all[name].(string)
	return text
}

// row asks, and fails the test unless the answer is the one wanted.
func (k *caller) row(what string, q request, want wanted) reply {
	k.t.Helper()
	within := time.Duration(0)
	if q.soon {
		within = appliedWithin
	}
	var got reply
	var wrong error
	began := time.Now()
	check := func(context.Context) error {
		got, wrong = k.ask(q, want)
		if wrong != nil && time.Since(began) < within {
			return wrong
		}
		return nil
	}
	harness.Eventually(k.t, within+time.Minute, what, check)
	if wrong != nil {
		k.t.Errorf("%s: %v", what, wrong)
		return got
	}
	k.rows++
	return got
}

// ask asks once.
func (k *caller) ask(q request, want wanted) (reply, error) {
	k.t.Helper()
	nodes := k.c.Nodes()
	at := q.at
	if at == nil {
		at = nodes[k.rng.IntN(len(nodes))]
	}
	r, err := http.NewRequestWithContext(k.t.Context(), cmp.Or(q.method, "GET"), at.URL()+q.path, strings.NewReader(q.body))
	if err != nil {
		k.t.Fatal(err)
	}
	if q.key != noKey {
		r.Header.Set("Authorization", "Bearer "+cmp.Or(q.key, k.c.Key()))
	}
	for i := 0; i < len(q.header); i += 2 {
		r.Header.Set(q.header[i], q.header[i+1])
	}
	asked := openapitest.Exchange{Method: r.Method, URL: r.URL, Header: r.Header.Clone(), Body: []byte(q.body)}
	response, err := k.http.Do(r)
	if err != nil {
		return reply{}, fmt.Errorf("%s: %w", at.Name(), err)
	}
	defer response.Body.Close()
	got := reply{status: response.StatusCode, header: response.Header}
	if got.body, err = io.ReadAll(response.Body); err != nil {
		return got, fmt.Errorf("%s: %w", at.Name(), err)
	}
	asked.Status, asked.Answer, asked.Content = got.status, got.header, got.body
	if err := k.description.Check(asked); err != nil && !ofOldClients(q.path) {
		return got, fmt.Errorf("%s: %w", at.Name(), err)
	}
	if err := want.judge(got); err != nil {
		return got, fmt.Errorf("%s says to %s %s: %w\n%.500s", at.Name(), r.Method, q.path, err, got.body)
	}
	return got, nil
}

// judge says what of an answer is not as it was wanted.
func (w wanted) judge(got reply) error {
	if got.status != w.status {
		return fmt.Errorf("%d, not %d", got.status, w.status)
	}
	for i := 0; i < len(w.header); i += 2 {
		if value := got.header.Get(w.header[i]); value != w.header[i+1] {
			return fmt.Errorf("%s: %q, not %q", w.header[i], value, w.header[i+1])
		}
	}
	for _, part := range w.body {
		if !bytes.Contains(got.body, []byte(part)) {
			return fmt.Errorf("there is no %q", part)
		}
	}
	if w.code == "" && w.has == nil {
		return nil
	}
	var object map[string]any
	if err := json.Unmarshal(got.body, &object); err != nil {
		return err
	}
	if w.code != "" && object["code"] != string(w.code) {
		return fmt.Errorf("%v, not %s", object["code"], w.code)
	}
	for name, value := range w.has {
		if fmt.Sprint(object[name]) != fmt.Sprint(value) {
			return fmt.Errorf("%s: %v, not %v", name, object[name], value)
		}
	}
	return nil
}

// refused is what a refusal looks like.
func refused(status int, code v1.Code) wanted { return wanted{status: status, code: code} }

// made makes a link and gives its code.
func (k *caller) made(body string) string {
	k.t.Helper()
	return k.row("make "+body, request{method: "POST", path: linksPath, body: body}, wanted{status: 201}).link(k.t).ShortCode
}

// verb runs a verb of the CLI against a node drawn by lot.
func (k *caller) verb(code int, says string, args ...string) harness.Output {
	k.t.Helper()
	nodes := k.c.Nodes()
	out := k.c.CLI(nodes[k.rng.IntN(len(nodes))], args...)
	if out.Code != code || !strings.Contains(out.Stdout, says) {
		k.t.Errorf("tinyurl %q: exit %d, not %d, or no %q\n%s%s", args, out.Code, code, says, out.Stdout, out.Stderr)
		return out
	}
	k.rows++
	return out
}
