package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"tinyurl/fsm/link"
)

// endpoint is one operation of the JSON API, with all that is judged before its handler runs.
type endpoint struct {
	method, path string
	// scope is what the key must hold.
	scope Scopes
	// bodyLimit is the longest body in bytes. It is judged also where the body is not read.
	bodyLimit int64
	// takesBody says that the body is read, whole, before serve runs.
	takesBody bool
	// query names the query parameters that are known.
	query []string
	// timeout bounds serve.
	timeout time.Duration
	serve   func(ctx context.Context, c *call) (reply, error)
}

// call is one request that passed the endpoint's judgement.
type call struct {
	request   *http.Request
	principal Principal
	query     url.Values
	body      []byte
	// code is the path's {code}; empty for routes without one.
	code string
}

// reply is what a handler answers with.
type reply struct {
	status int
	// header holds what the answer needs beside its body; it may be nil.
	header map[string]string
	// body is written as JSON; nil means no body.
	body any
}

// run judges a request in the order the API promises (size, key, scope, then what it says), serves and answers it.
func (s *Server) run(e endpoint) gin.HandlerFunc {
	return func(g *gin.Context) {
		answer, err := s.judge(e, g)
		if err == nil {
			err = answer.write(g.Writer)
		}
		if err != nil {
			s.problems.write(g.Writer, g.Request, err)
		}
	}
}

func (s *Server) judge(e endpoint, g *gin.Context) (reply, error) {
	r := g.Request
	if err := checkSize(r, e.bodyLimit); err != nil {
		return reply{}, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), e.timeout)
	defer cancel()
	principal, err := s.authorize(ctx, r, e.scope)
	if err != nil {
		if tooLarge := skipBody(r, e.bodyLimit); tooLarge != nil {
			return reply{}, tooLarge
		}
		return reply{}, err
	}
	c := &call{request: r, principal: principal, code: g.Param("code")}
	if e.takesBody {
		release, err := s.takeBody(c, e.bodyLimit)
		if err != nil {
			return reply{}, err
		}
		defer release()
		// The time a client takes to send its body is bounded by the listener; the handler's own begins now.
		cancel()
		ctx, cancel = context.WithTimeout(r.Context(), e.timeout)
		defer cancel()
	}
	if c.query, err = parseQuery(r, e.query); err != nil {
		return reply{}, err
	}
	return e.serve(ctx, c)
}

// authorize gives the holder of the request's key if it has the scope.
func (s *Server) authorize(ctx context.Context, r *http.Request, scope Scopes) (Principal, error) {
	key, err := keyOf(r.Header)
	if err != nil {
		return Principal{}, err
	}
	principal, err := s.config.Authenticator.Authenticate(ctx, key)
	if err != nil {
		return Principal{}, err
	}
	if !principal.Scopes.Holds(scope) {
		return Principal{}, errForbidden
	}
	return principal, nil
}

// takeBody reads the body into c. Memory for it is reserved until release is called.
func (s *Server) takeBody(c *call, limit int64) (release func(), err error) {
	size := c.request.ContentLength
	if size < 0 {
		size = limit
	}
	if release, err = s.bodies.take(size); err != nil {
		return nil, err
	}
	if c.body, err = readBody(c.request, limit); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// parseQuery takes the parameters known, each at most once. A misspelt one is refused rather than ignored.
func parseQuery(r *http.Request, known []string) (url.Values, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid(link.ErrInvalidField, "the query could not be read")
	}
	for name, values := range query {
		if !slices.Contains(known, name) {
			return nil, invalid(link.ErrInvalidField, "unknown query parameter", clip(name, maxName))
		}
		if len(values) != 1 {
			return nil, invalid(link.ErrInvalidField, "query parameter given twice", name)
		}
	}
	return query, nil
}

// write sends the answer. On an error nothing was written.
func (a reply) write(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	for name, value := range a.header {
		h.Set(name, value)
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return nil
	}
	if err := writeJSON(w, a.status, "application/json", a.body); err != nil {
		for name := range a.header {
			h.Del(name)
		}
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}
