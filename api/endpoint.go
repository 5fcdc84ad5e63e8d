package api

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"tinyurl/api/ratelimit"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// endpoint is one operation of the JSON API, with all that is judged before its handler runs.
type endpoint struct {
	method, path string
	// scope is what the key must hold.
	scope access.Scopes
	// confirmed says that the key is looked at once more by what the whole cluster knows, as nobody judges it behind the API.
	confirmed bool
	// keyless is what the operation is to whoever shows no key.
	keyless keyless
	// limit bounds how often one address may ask for it, beside the limits of all; nil for no more than those.
	limit *ratelimit.Buckets[netip.Addr]
	// bodyLimit is the longest body in bytes. It is judged also where the body is not read.
	bodyLimit int64
	// takesBody says that the body is read, whole, before serve runs.
	takesBody bool
	// query are the query parameters that are known.
	query []parameter
	// timeout bounds serve.
	timeout time.Duration
	serve   func(ctx context.Context, c *call) (reply, error)
}

// parameter is a query parameter, and how often it may be given.
type parameter struct {
	name string
	most int
}

// single are parameters that may be given once.
func single(names ...string) []parameter {
	found := make([]parameter, len(names))
	for i, name := range names {
		found[i] = parameter{name, 1}
	}
	return found
}

// call is one request that passed the endpoint's judgement.
type call struct {
	request *http.Request
	by      access.Holder
	query   url.Values
	body    []byte
	// code, id and host are the path's {code}, {id} and {host}; empty for routes without one.
	code, id, host string
	// held is the memory reserved for the body and what is made of it, in bytes, and strange what of it counts as that of somebody
	// without a key. The budget sets them.
	held, strange int64
}

// reply is what a handler answers with.
type reply struct {
	status int
	// header is what the answer needs beside its body.
	header []headerLine
	// body is written as JSON, but for a document; nil means no body.
	body any
}

// document is a body that is not JSON.
type document struct {
	mediaType string
	content   []byte
}

// headerLine is one line of an answer's header.
type headerLine struct{ name, value string }

// run judges a request in the order the API promises (size, key, scope, then what it says), serves and answers it.
func (s *Server) run(e endpoint) gin.HandlerFunc {
	return func(g *gin.Context) {
		c := &call{request: g.Request, code: g.Param("code"), id: g.Param("id"), host: g.Param("host")}
		defer s.bodies.free(c) // the answer takes memory until it is written
		answer, err := s.judge(e, g, c)
		if err == nil {
			err = answer.write(g.Writer)
		}
		if err != nil {
			s.problems.write(g.Writer, g.Request, err)
		}
	}
}

// judge is the order of judgement, from top to bottom. Whatever refuses first is what the client is told.
func (s *Server) judge(e endpoint, g *gin.Context, c *call) (reply, error) {
	r := c.request
	if err := limitBody(g, e.bodyLimit); err != nil {
		return reply{}, err
	}
	err := s.admit(g.Writer.Header(), c, e)
	if err != nil {
		if unread := skipBody(r); unread != nil {
			return reply{}, unread
		}
		return reply{}, err
	}
	if e.takesBody {
		if c.body, err = readBody(r); err != nil {
			return reply{}, err
		}
		// Not before it is here: who sends slowly keeps no more from others than the body itself.
		if err := s.bodies.hold(c, bodyFactor*int64(len(c.body))); err != nil {
			return reply{}, err
		}
	}
	if c.query, err = parseQuery(r, e.query); err != nil {
		return reply{}, err
	}
	// Only now, when the client has done its part, does the call count as in flight: slow clients shut nobody out.
	if !s.calls.enter() {
		return reply{}, link.ErrOverloaded
	}
	defer s.calls.leave()
	if c.by.ID == access.Anonymous {
		if !s.strangers.enter() {
			return reply{}, link.ErrOverloaded
		}
		defer s.strangers.leave()
	}
	ctx, cancel := context.WithTimeout(r.Context(), e.timeout)
	defer cancel()
	if e.confirmed {
		if c.by, err = s.confirm(ctx, c.by, e.scope, false); err != nil {
			return reply{}, err
		}
	}
	return e.serve(ctx, c)
}

// admit finds out who calls, and reserves the memory that the reading of their body takes.
func (s *Server) admit(told http.Header, c *call, e endpoint) (err error) {
	if c.by, err = s.knock(told, c.request, e); err != nil {
		return err
	}
	switch size := c.request.ContentLength; {
	case !e.takesBody:
		return nil
	case size < 0:
		// As long as it may become, with the pieces it is put together from.
		return s.bodies.hold(c, untoldFactor*e.bodyLimit)
	default:
		return s.bodies.hold(c, size)
	}
}

// parseQuery takes the parameters known. A misspelt one is refused rather than ignored: whoever asks for
// "consistancy=local" would otherwise get another consistency than they believe, in silence.
func parseQuery(r *http.Request, known []parameter) (url.Values, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid(link.ErrInvalidField, "the query could not be read")
	}
	for name, values := range query {
		i := slices.IndexFunc(known, func(p parameter) bool { return p.name == name })
		switch {
		case i < 0:
			return nil, invalid(link.ErrInvalidField, "unknown query parameter", clip(name, maxName))
		case len(values) > known[i].most && known[i].most == 1:
			return nil, invalid(link.ErrInvalidField, "query parameter given twice", name)
		case len(values) > known[i].most:
			return nil, invalid(link.ErrInvalidField, "query parameter given more than "+strconv.Itoa(known[i].most)+" times", name)
		}
	}
	return query, nil
}

// write sends the answer. On an error nothing was written.
func (a reply) write(w http.ResponseWriter) error {
	h := w.Header()
	// Answers depend on the key and change with every edit: no cache may keep them, unless a line below says otherwise.
	h["Cache-Control"] = noStore
	for _, line := range a.header {
		h.Set(line.name, line.value)
	}
	switch body := a.body.(type) {
	case nil:
		w.WriteHeader(a.status)
		return nil
	case document:
		body.write(w, a.status)
		return nil
	}
	if err := writeJSON(w, a.status, jsonType, a.body); err != nil {
		// A problem goes out instead, which must not carry this answer's ETag or Location.
		for _, line := range a.header {
			h.Del(line.name)
		}
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

// write sends a document.
func (d document) write(w http.ResponseWriter, status int) {
	h := w.Header()
	h.Set("Content-Type", d.mediaType)
	h.Set("Content-Length", strconv.Itoa(len(d.content)))
	h["X-Content-Type-Options"] = nosniff
	w.WriteHeader(status)
	// A client that went away is no news.
	_, _ = w.Write(d.content)
}
