package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"tinyurl/api/redirect"
	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

// What this room itself refuses. The domain's refusals are fsm/link's; together they are all that the table below knows.
// Their texts are shown to clients.
var (
	// ErrUnauthorized: no key, or one that nobody holds.
	ErrUnauthorized = errors.New("a valid API key is required")
	// ErrPrecondition: the state of things does not allow what was asked for. See Cluster.Leave.
	ErrPrecondition = errors.New("the state of the cluster does not allow this")

	errJSON       = errors.New("invalid JSON")
	errCursor     = errors.New("this cursor was not made for this query")
	errMethod     = errors.New("this method is not allowed here")
	errNoRoute    = errors.New("there is nothing here")
	errTooLarge   = errors.New("the request is too large")
	errSlowClient = errors.New("the request did not arrive in time")
	errInternal   = errors.New("something went wrong on our side")
)

const (
	// maxDetail is the longest detail of a problem, in bytes: details quote what was sent.
	maxDetail = 512
	// maxInstance is the longest path repeated in a problem, in bytes.
	maxInstance = 512
	// retryAfterSeconds is what a client is asked to wait before it tries an unavailable service again, or asks for more than it was allowed.
	retryAfterSeconds = 1
)

// refusal is one row of the table: how an error is told to the world.
type refusal struct {
	err    error
	status int
	code   v1.Code
	title  string
	// retry says that the same request may do better in a moment.
	retry bool
}

// refusals is the one table from errors to answers; the first match counts. Everything else is the last row. More exact
// errors stand before those they wrap.
func refusals() []refusal {
	return []refusal{
		{err: errJSON, status: 422, code: v1.InvalidJSON, title: "Invalid JSON"},
		{err: link.ErrInvalidTarget, status: 422, code: v1.InvalidURL, title: "Invalid long URL"},
		{err: link.ErrInvalidSlug, status: 422, code: v1.InvalidSlug, title: "Invalid slug"},
		{err: link.ErrSlugReserved, status: 422, code: v1.SlugReserved, title: "Reserved slug"},
		{err: errCursor, status: 422, code: v1.InvalidCursor, title: "Invalid cursor"},
		{err: link.ErrInvalidField, status: 422, code: v1.InvalidField, title: "Invalid field"},
		{err: link.ErrKeyReused, status: 422, code: v1.KeyReused, title: "Idempotency key reused"},
		{err: link.ErrTargetDenied, status: 422, code: v1.TargetDenied, title: "Target denied"},
		{err: link.ErrSlugTaken, status: 409, code: v1.SlugTaken, title: "Slug taken"},
		{err: ErrPrecondition, status: 412, code: v1.PreconditionFailed, title: "Precondition failed"},
		{err: link.ErrPrecondition, status: 412, code: v1.PreconditionFailed, title: "Precondition failed"},
		{err: link.ErrFull, status: 412, code: v1.PreconditionFailed, title: "No room for one more"},
		{err: errNoRoute, status: 404, code: v1.NotFound, title: "Not found"},
		{err: link.ErrNotFound, status: 404, code: v1.NotFound, title: "Not found"},
		{err: redirect.ErrExpired, status: 410, code: v1.Gone, title: "Gone"},
		{err: redirect.ErrDisabled, status: 410, code: v1.Gone, title: "Gone"},
		{err: redirect.ErrUsedUp, status: 410, code: v1.Gone, title: "Gone"},
		{err: link.ErrGone, status: 410, code: v1.Gone, title: "Gone"},
		{err: ErrUnauthorized, status: 401, code: v1.Unauthorized, title: "Unauthorized"},
		{err: link.ErrUnauthorized, status: 401, code: v1.Unauthorized, title: "Unauthorized"},
		{err: redirect.ErrProtected, status: 401, code: v1.Unauthorized, title: "Password required"},
		{err: redirect.ErrWrongPassword, status: 401, code: v1.Unauthorized, title: "Wrong password"},
		{err: link.ErrForbidden, status: 403, code: v1.Forbidden, title: "Forbidden"},
		{err: errMethod, status: 405, code: v1.MethodNotAllowed, title: "Method not allowed"},
		{err: errSlowClient, status: 408, code: v1.RequestTimeout, title: "Request timeout"},
		{err: errTooLarge, status: 413, code: v1.TooLarge, title: "Too large"},
		{err: errTooManyCalls, status: 429, code: v1.RateLimited, title: "Too many requests", retry: true},
		{err: redirect.ErrTooManyMisses, status: 429, code: v1.RateLimited, title: "Too many requests", retry: true},
		{err: redirect.ErrTooManyTries, status: 429, code: v1.RateLimited, title: "Too many requests", retry: true},
		{err: link.ErrNoLeader, status: 503, code: v1.NoLeader, title: "No leader", retry: true},
		{err: link.ErrOverloaded, status: 503, code: v1.Overloaded, title: "Overloaded", retry: true},
		{err: link.ErrDiskFull, status: 507, code: v1.DiskFull, title: "Disk full"},
		{err: link.ErrExhausted, status: 507, code: v1.DiskFull, title: "No codes left"},
		// A deadline of ours that ran out below: the cluster did not answer in time.
		{err: context.DeadlineExceeded, status: 503, code: v1.NoLeader, title: "No leader", retry: true},
		// The client went away (or the server is closing); hardly anybody reads this.
		{err: context.Canceled, status: 503, code: v1.Overloaded, title: "Overloaded", retry: true},
		{err: errInternal, status: 500, code: v1.Internal, title: "Internal error"},
	}
}

// invalidError is a sentinel of the table with a detail for the client and the names of what is at fault.
type invalidError struct {
	err      error
	detail   string
	elements []string
}

// Error is the detail alone: the class has a title of its own.
func (e *invalidError) Error() string { return e.detail }

// Unwrap gives the class, by which the table is searched.
func (e *invalidError) Unwrap() error { return e.err }

// invalid makes an error of the table's class err that names the elements at fault.
func invalid(err error, detail string, elements ...string) error {
	return &invalidError{err: err, detail: detail, elements: elements}
}

// problems turns errors into answers. It is immutable.
type problems struct {
	table  []refusal
	logger *slog.Logger
	// pages are the finished pages for people, by the error of the row.
	pages map[error][]byte
}

// newProblems makes the pages beforehand: under load a refusal costs no more than a redirect.
func newProblems(logger *slog.Logger) *problems {
	table := refusals()
	return &problems{table: table, logger: logger, pages: newPages(table)}
}

// find gives the row of err, by identity and never by text: errors come wrapped, from other nodes too. What no row knows is logged, since nobody else will hear of it, and told as internal.
func (p *problems) find(r *http.Request, err error) refusal {
	for _, row := range p.table {
		if errors.Is(err, row.err) {
			return row
		}
	}
	p.logger.Error("request failed", "method", r.Method, "path", clip(r.URL.Path, maxInstance), "error", err)
	return p.table[len(p.table)-1]
}

// describe makes the document for err as an answer to r, with its row.
func (p *problems) describe(r *http.Request, err error) (v1.Problem, refusal) {
	row := p.find(r, err)
	problem := v1.Problem{
		Type:     "urn:tinyurl:problem:" + string(row.code),
		Title:    row.title,
		Status:   row.status,
		Detail:   row.err.Error(),
		Instance: clipPath(r.URL.EscapedPath()),
		Code:     row.code,
	}
	// Only what this room wrote for the client is shown: other errors may hold what is none of their business.
	if e, ok := errors.AsType[*invalidError](err); ok {
		problem.Detail = clip(e.detail, maxDetail)
		problem.InvalidElements = e.elements
	}
	return problem, row
}

// write answers r with the problem document of err.
func (p *problems) write(w http.ResponseWriter, r *http.Request, err error) {
	problem := p.tell(w, r, err)
	// A problem holds nothing that JSON cannot.
	_ = writeJSON(w, problem.Status, problemType, problem)
}

// tell makes the document for err, and sets what of the header goes with it in whatever shape it is sent.
func (p *problems) tell(w http.ResponseWriter, r *http.Request, err error) v1.Problem {
	problem, row := p.describe(r, err)
	if limit, ok := errors.AsType[*limitError](err); ok {
		w.Header().Set("Retry-After", seconds(limit.wait))
	}
	row.headers(w.Header())
	w.Header()["Cache-Control"] = noStore
	return problem
}

// writePage answers a person, or a program that asked for JSON, who followed a short URL or a path that is not there.
func (p *problems) writePage(w http.ResponseWriter, r *http.Request, err error) {
	if prefersJSON(r.Header["Accept"]) {
		p.write(w, r, err)
		return
	}
	row := p.find(r, err)
	row.headers(w.Header())
	writeHTML(w, row.status, p.pages[row.err])
}

// headers sets what a status asks for beside the body.
func (row refusal) headers(h http.Header) {
	if row.retry && h["Retry-After"] == nil { // whoever knows better has said so
		h.Set("Retry-After", strconv.Itoa(retryAfterSeconds))
	}
	switch row.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", row.challenge())
	case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout:
		// The rest of the request is not read, so the connection cannot be used again.
		h.Set("Connection", "close")
	}
}

// Header values of all answers of the API, shared instead of allocated: nobody may write to them. They are assigned under canonical
// names.
var (
	noStore     = []string{"no-store"}
	nosniff     = []string{"nosniff"}
	jsonType    = []string{"application/json"}
	problemType = []string{v1.ProblemType}
)

// writeJSON writes v with the status given. On an error nothing was written.
func writeJSON(w http.ResponseWriter, status int, mediaType []string, v any) error {
	body, err := encode(v)
	if err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}
	h := w.Header()
	h["Content-Type"] = mediaType
	h["X-Content-Type-Options"] = nosniff
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	// A client that went away is no news.
	_, _ = w.Write(body)
	return nil
}

// answerRoom is what most answers find room in, in bytes.
const answerRoom = 512

// encode gives v as a line of JSON. URLs are written as they are, without HTML escapes.
func encode(v any) ([]byte, error) {
	if own, ok := v.(interface {
		AppendJSON(b []byte) ([]byte, error)
	}); ok {
		line, err := own.AppendJSON(make([]byte, 0, answerRoom))
		return append(line, '\n'), err
	}
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return line.Bytes(), err
}

// clip cuts s to at most n bytes of whole characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// clipPath cuts an escaped path to maxInstance bytes of whole escapes.
func clipPath(path string) string {
	switch {
	case path == "":
		return "/" // CONNECT has no path, but an instance is due
	case len(path) <= maxInstance:
		return path
	}
	path = path[:maxInstance]
	if cut := strings.LastIndexByte(path, '%'); cut > maxInstance-len("%41") {
		path = path[:cut]
	}
	return path
}
