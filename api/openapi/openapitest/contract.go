// Package openapitest judges requests and answers by the API's description. Tests use it; the program does not.
package openapitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"tinyurl/api/openapi"
)

// Operation is one operation of the description.
type Operation struct {
	// Method is in upper case, Path a template such as /api/v1/links/{code}.
	Method, Path string
	// Scope is what a key must hold: a scope's name, "any" where every key will do, or "" where none is asked for.
	Scope string
	// Keyless says that a key may be shown, or none.
	Keyless bool
	// Query are the query parameters by name, and whether each may be given more than once.
	Query map[string]bool
	// Body says that a request may have a body.
	Body bool

	id         string
	parameters []parameter
	body       *content
	answers    map[int]*answer
}

// Contract is the description, ready to judge. It may be used by many goroutines at once.
type Contract struct {
	operations []*Operation
	// elsewhere are the answers to requests that no operation takes.
	elsewhere map[int]*answer

	mu   sync.Mutex
	seen map[*Operation]int
}

// New reads the description. It fails for what it would not know how to judge by.
func New() (*Contract, error) {
	decoder := json.NewDecoder(bytes.NewReader(openapi.Document()))
	decoder.UseNumber()
	var root map[string]any
	if err := decoder.Decode(&root); err != nil {
		return nil, err
	}
	r := reader{root: root, in: &compiler{root: root, known: make(map[string]*schema)}, out: &compiler{root: root, closed: true, known: make(map[string]*schema)}}
	c := &Contract{elsewhere: make(map[int]*answer), seen: make(map[*Operation]int)}
	for path, item := range r.object(root["paths"]) {
		for method, node := range r.object(item) {
			op, err := r.operation(strings.ToUpper(method), path, r.object(node))
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
			c.operations = append(c.operations, op)
		}
	}
	slices.SortFunc(c.operations, func(a, b *Operation) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	for status, name := range map[int]string{http.StatusNotFound: "VisitNotFound", http.StatusMethodNotAllowed: "MethodNotAllowed"} {
		var err error
		if c.elsewhere[status], err = r.answer(map[string]any{"$ref": "#/components/responses/" + name}); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Operations are all of them, in the order of their paths.
func (c *Contract) Operations() []Operation {
	found := make([]Operation, len(c.operations))
	for i, op := range c.operations {
		found[i] = *op
	}
	return found
}

// Seen counts the operations of which a success was judged, and those successes.
func (c *Contract) Seen() (operations, successes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.seen {
		successes += n
	}
	return len(c.seen), successes
}

// Unseen are the operations of which no success was judged.
func (c *Contract) Unseen() (found []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, op := range c.operations {
		if c.seen[op] == 0 {
			found = append(found, op.Method+" "+op.Path)
		}
	}
	return found
}

// find gives the operation that a request is for: of those whose template fits, the one with the most that is not variable.
func (c *Contract) find(method, path string) (*Operation, map[string]string) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var best *Operation
	var values map[string]string
	for _, op := range c.operations {
		if op.Method != method {
			continue
		}
		if found, ok := fill(op.Path, path); ok && (best == nil || len(found) < len(values) || len(found) == len(values) && len(op.Path) > len(best.Path)) {
			best, values = op, found
		}
	}
	return best, values
}

// fill gives the variables of a template for which it becomes a path. A variable ends with its part of the path, but for a suffix.
func fill(template, path string) (map[string]string, bool) {
	values := make(map[string]string)
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	for i := range want {
		name, suffix, variable := strings.Cut(strings.TrimPrefix(want[i], "{"), "}")
		if !variable {
			if want[i] != got[i] {
				return nil, false
			}
			continue
		}
		value, ok := strings.CutSuffix(got[i], suffix)
		if !ok || value == "" {
			return nil, false
		}
		values[name] = value
	}
	return values, true
}

// reader takes the description apart: in reads what clients send, out what the service answers.
type reader struct {
	root    map[string]any
	in, out *compiler
}

// object gives an object, with its reference followed.
func (r *reader) object(node any) map[string]any {
	object, _ := node.(map[string]any)
	if to, ok := object["$ref"].(string); ok {
		object, _ = lookup(r.root, to)
	}
	return object
}

// errNowhere: a reference leads nowhere.
var errNowhere = errors.New("a reference leads nowhere")

// lookup follows a reference within the document.
func lookup(root map[string]any, to string) (map[string]any, error) {
	at := root
	for part := range strings.SplitSeq(strings.TrimPrefix(to, "#/"), "/") {
		next, ok := at[part].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%w: %s", errNowhere, to)
		}
		at = next
	}
	return at, nil
}

func (r *reader) operation(method, path string, node map[string]any) (op *Operation, err error) {
	op = &Operation{Method: method, Path: path, answers: make(map[int]*answer), Query: make(map[string]bool)}
	op.id, _ = node["operationId"].(string)
	op.Scope, _ = node["x-scope"].(string)
	security, own := node["security"].([]any)
	if (own && len(security) == 0) != (op.Scope == "") {
		return nil, errors.New("an operation has an x-scope, or no security, and never both")
	}
	for _, one := range security {
		op.Keyless = op.Keyless || len(r.object(one)) == 0
	}
	list, _ := node["parameters"].([]any)
	for _, one := range list {
		p, err := r.parameter(r.object(one))
		if err != nil {
			return nil, err
		}
		op.parameters = append(op.parameters, p)
		if p.in == "query" {
			op.Query[p.name] = p.kind == "array"
		}
	}
	if body := r.object(node["requestBody"]); body != nil {
		if op.body, err = newContent(r.in, r.object(body["content"])); err != nil {
			return nil, fmt.Errorf("requestBody: %w", err)
		}
		op.Body, op.body.required = true, body["required"] == true
	}
	for status, one := range r.object(node["responses"]) {
		var code int
		if _, err := fmt.Sscanf(status, "%3d", &code); err != nil {
			return nil, fmt.Errorf("status %q: %w", status, err)
		}
		if op.answers[code], err = r.answer(one); err != nil {
			return nil, fmt.Errorf("answer %s: %w", status, err)
		}
	}
	return op, nil
}

func (r *reader) parameter(node map[string]any) (p parameter, err error) {
	p.name, _ = node["name"].(string)
	p.in, _ = node["in"].(string)
	p.required = node["required"] == true
	schema := r.object(node["schema"])
	p.kind, _ = schema["type"].(string)
	if items := r.object(schema["items"]); items != nil {
		p.each, _ = items["type"].(string)
	}
	if p.schema, err = r.in.compile(node["schema"], false); err != nil {
		return p, fmt.Errorf("parameter %s: %w", p.name, err)
	}
	return p, nil
}

func (r *reader) answer(node any) (a *answer, err error) {
	object := r.object(node)
	a = &answer{headers: make(map[string]header)}
	for name, one := range r.object(object["headers"]) {
		line := r.object(one)
		h := header{required: line["required"] == true}
		h.kind, _ = r.object(line["schema"])["type"].(string)
		if h.schema, err = r.out.compile(line["schema"], false); err != nil {
			return nil, fmt.Errorf("header %s: %w", name, err)
		}
		a.headers[name] = h
	}
	if object["content"] != nil {
		a.content, err = newContent(r.out, r.object(object["content"]))
	}
	return a, err
}

// newContent compiles the schemas of media types.
func newContent(c *compiler, node map[string]any) (*content, error) {
	found := &content{schemas: make(map[string]*schema)}
	for _, media := range slices.Sorted(maps.Keys(node)) {
		of, _ := node[media].(map[string]any)
		s, err := c.compile(of["schema"], false)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", media, err)
		}
		found.schemas[media] = s
	}
	return found, nil
}
