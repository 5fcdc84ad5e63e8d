package openapitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Exchange is a request and what it was answered.
type Exchange struct {
	Method string
	URL    *url.URL
	Header http.Header
	// Body is the request's, as far as it was read.
	Body []byte

	Status  int
	Answer  http.Header
	Content []byte
}

// parameter is one of an operation.
type parameter struct {
	name, in   string
	required   bool
	kind, each string // the type of the value, and of the elements of a list
	schema     *schema
}

// content is what a body may be, by media type.
type content struct {
	required bool
	schemas  map[string]*schema
}

// header is a line of an answer's header.
type header struct {
	required bool
	kind     string
	schema   *schema
}

// answer is what the description says of one status.
type answer struct {
	headers map[string]header
	content *content
}

// strictBase is where the paths begin that take no query parameters but their own.
const strictBase = "/api/"

// Check holds an exchange against the description. The answer must be one that the operation may give; and a request that succeeded must
// be one that the description allows, so that nothing it forbids is taken.
func (c *Contract) Check(x Exchange) error {
	op, values := c.find(x.Method, x.URL.Path)
	if op == nil {
		a := c.elsewhere[x.Status]
		if a == nil {
			return fmt.Errorf("%s %s is no operation, and was answered %d", x.Method, x.URL.Path, x.Status)
		}
		return x.describe("of no operation", a.check(x))
	}
	a := op.answers[x.Status]
	if a == nil && x.Status == http.StatusMethodNotAllowed {
		a = c.elsewhere[x.Status]
	}
	if a == nil {
		return x.describe(op.id, errors.New("this status is none of the operation's"))
	}
	if err := a.check(x); err != nil {
		return x.describe(op.id, err)
	}
	if x.Status >= http.StatusBadRequest {
		return nil
	}
	if err := op.checkRequest(x, values); err != nil {
		return x.describe(op.id, fmt.Errorf("the request was taken, but: %w", err))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[op]++
	return nil
}

// describe says of which exchange an error speaks.
func (x Exchange) describe(id string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s (%s %.200s), answered %d: %w", id, x.Method, x.URL.RequestURI(), x.Status, err)
}

// checkRequest judges a request by its operation.
func (op *Operation) checkRequest(x Exchange, path map[string]string) error {
	if op.Scope != "" && !op.Keyless && x.Header.Get("Authorization") == "" && x.Header.Get("X-Api-Key") == "" {
		return errors.New("it has no key")
	}
	query, err := url.ParseQuery(x.URL.RawQuery)
	strict := strings.HasPrefix(op.Path, strictBase)
	if err != nil && strict {
		return err
	}
	for _, p := range op.parameters {
		var given []string
		switch p.in {
		case "path":
			given = []string{path[p.name]}
		case "query":
			given = query[p.name]
		case "header":
			given = x.Header.Values(p.name)
		}
		if err := p.check(given); err != nil {
			return fmt.Errorf("parameter %s: %w", p.name, err)
		}
	}
	for name := range query {
		if strict && !slices.ContainsFunc(op.parameters, func(p parameter) bool { return p.in == "query" && p.name == name }) {
			return fmt.Errorf("an unknown query parameter %q", name)
		}
	}
	return op.checkBody(x)
}

func (op *Operation) checkBody(x Exchange) error {
	if op.body == nil {
		return nil
	}
	if len(x.Body) == 0 {
		if op.body.required {
			return errors.New("it has no body")
		}
		return nil
	}
	media, _, _ := mime.ParseMediaType(x.Header.Get("Content-Type"))
	s := op.body.schemas[media]
	if s == nil {
		// The service does not look at Content-Type. What it takes is JSON, where that is among what it takes.
		if media, s = "application/json", op.body.schemas["application/json"]; s == nil {
			return nil
		}
	}
	value, err := decode(media, x.Body)
	if err != nil {
		return err
	}
	return s.check(value, "body")
}

func (p parameter) check(given []string) error {
	switch {
	case len(given) == 0 && p.required:
		return errors.New("it is missing")
	case len(given) == 0:
		return nil
	case p.kind == "array":
		list := make([]any, len(given))
		for i, one := range given {
			list[i] = valueOf(one, p.each)
		}
		return p.schema.check(list, p.in)
	case len(given) > 1:
		return errors.New("it was given twice")
	}
	return p.schema.check(valueOf(given[0], p.kind), p.in)
}

// valueOf reads text as a value of a type, if it is one.
func valueOf(text, kind string) any {
	var value any
	if kind == "integer" || kind == "number" || kind == "boolean" {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		if decoder.Decode(&value) == nil {
			return value
		}
	}
	return text
}

// check judges an answer.
func (a *answer) check(x Exchange) error {
	for name, want := range a.headers {
		values := x.Answer.Values(name)
		switch {
		case len(values) == 0 && want.required:
			return fmt.Errorf("header %s is missing", name)
		case len(values) == 0:
			continue
		case len(values) > 1:
			return fmt.Errorf("header %s was given twice", name)
		}
		if err := want.schema.check(valueOf(values[0], want.kind), "header "+name); err != nil {
			return err
		}
	}
	if x.Method == http.MethodHead {
		return nil
	}
	if a.content == nil {
		if len(x.Content) > 0 {
			return fmt.Errorf("there should be no body, but there is %.200q", x.Content)
		}
		return nil
	}
	media, _, err := mime.ParseMediaType(x.Answer.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("content type: %w", err)
	}
	s := a.content.schemas[media]
	if s == nil {
		return fmt.Errorf("the answer is %s, which it may not be", media)
	}
	if media == linesType {
		return checkLines(s, x.Content)
	}
	value, err := decode(media, x.Content)
	if err != nil {
		return fmt.Errorf("%w in %.200q", err, x.Content)
	}
	return s.check(value, "answer")
}

// linesType is JSON, a value a line: the schema is that of a line.
const linesType = "application/x-ndjson"

func checkLines(s *schema, text []byte) error {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		value, err := decode("application/json", line)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := s.check(value, fmt.Sprint("line ", n)); err != nil {
			return err
		}
	}
	return nil
}

// decode reads a body: JSON, a form, or text.
func decode(media string, body []byte) (value any, err error) {
	switch {
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber()
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
			return nil, errors.New("there is more behind the JSON")
		}
		return value, nil
	case media == "application/x-www-form-urlencoded":
		form, _ := url.ParseQuery(string(body)) // what could be read of it is what counts
		object := make(map[string]any)
		for name := range form {
			object[name] = form.Get(name)
		}
		return object, nil
	}
	return string(body), nil
}
