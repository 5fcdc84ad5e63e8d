package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"tinyurl/api/compat"
	"tinyurl/api/ratelimit"
	"tinyurl/api/v1"
	"tinyurl/fsm/access"
)

// longestForm is the longest form of another shortener's client, in bytes. The longest URL there is, with every byte of it escaped, is
// less than half of that.
const longestForm = 64 << 10

// oldClients serves the APIs of other shorteners: package compat translates, and what it asks for is done by the handlers of this API.
type oldClients struct {
	s        *Server
	adapters *compat.Adapters
}

// serveOldClients registers the operations.
func (s *Server) serveOldClients(r *router) {
	f := &oldClients{s: s, adapters: compat.New(s.config.PublicURL)}
	for _, o := range f.adapters.Operations() {
		serve := f.run(o)
		if o.Open {
			serve = f.runOpen(o)
		}
		r.handle(o.Method, o.Path, serve)
	}
	r.nothingAt(compat.ShlinkRoot)
	r.oldClients = f
}

// runOpen serves an operation that needs no key, and is counted nowhere.
func (f *oldClients) runOpen(o compat.Operation) gin.HandlerFunc {
	return func(g *gin.Context) {
		asked := o.Read(compat.Request{})
		ctx, cancel := context.WithTimeout(g.Request.Context(), f.s.config.Limits.Status)
		defer cancel()
		answer, err := asked.Serve(ctx, compat.Service{Ready: f.ready}, nil)
		if err != nil {
			f.refuse(g, asked.Refuse, err)
			return
		}
		f.write(g, answer)
	}
}

// ready reports what /readyz does.
func (f *oldClients) ready(ctx context.Context) bool {
	for _, check := range f.s.config.Health.Ready(ctx, NeedAll) {
		if check.Err != nil {
			return false
		}
	}
	return true
}

// run judges a request as those of this API are, once it is put as they are: the key in the header, and no query, which compat has read.
func (f *oldClients) run(o compat.Operation) gin.HandlerFunc {
	return func(g *gin.Context) {
		c := &call{code: g.Param("code")}
		defer f.s.bodies.free(c) // the answer takes memory until it is written
		what := compat.Request{Query: g.Request.URL.RawQuery, Code: c.code, Keyed: showsKey(g.Request.Header)}
		asked := o.Read(what)
		if o.Form && g.Request.Method == http.MethodHead {
			// Whoever only looks whether there is something, as programs do with links that they are shown, must not make a link by it.
			g.Header("Allow", "GET, POST")
			f.refuse(g, asked.Refuse, errMethod)
			return
		}
		if o.Form && g.Request.Method == http.MethodPost {
			form, err := f.readForm(g, c, asOurs(g.Request, o, asked))
			if err != nil {
				f.refuse(g, asked.Refuse, err)
				return
			}
			what.Form, what.FormType = form, g.Request.Header.Get("Content-Type")
			asked = o.Read(what)
		}
		c.request = asOurs(g.Request, o, asked)
		g.Request = c.request
		var answer compat.Answer
		_, err := f.s.judge(f.endpoint(o, asked, &answer), g, c)
		if err != nil {
			f.refuse(g, asked.Refuse, err)
			return
		}
		f.write(g, answer)
	}
}

// endpoint is the operation as judge knows it.
func (f *oldClients) endpoint(o compat.Operation, asked compat.Call, answer *compat.Answer) endpoint {
	limits := f.s.config.Limits
	e := endpoint{scope: asked.Scope, takesBody: o.TakesBody, bodyLimit: limits.Body, timeout: limits.Call}
	if asked.Creates && !asked.Credentials {
		e.keyless = f.s.links.creating
	}
	e.serve = func(ctx context.Context, c *call) (reply, error) {
		one := &oneCaller{s: f.s, c: c}
		found, err := asked.Serve(ctx, compat.Service{Links: one, Lists: one, Ready: f.ready}, c.body)
		*answer = found
		return reply{}, err
	}
	return e
}

// readForm reads the body of a request whose key it may hold; known is the request without it.
func (f *oldClients) readForm(g *gin.Context, c *call, known *http.Request) ([]byte, error) {
	if err := limitBody(g, longestForm); err != nil {
		return nil, err
	}
	giveBack, err := f.admitForm(g, c, known)
	if err != nil {
		if unread := skipBody(g.Request); unread != nil {
			return nil, unread
		}
		return nil, err
	}
	form, err := readBody(g.Request)
	if err != nil {
		return nil, err
	}
	// From here on it is judge that says who this is, and whom the call is charged to.
	giveBack()
	f.s.bodies.free(c)
	c.by = access.Holder{}
	return form, f.s.bodies.hold(c, bodyFactor*int64(len(form)))
}

// admitForm reserves the memory that the reading of a form takes. Unless this node knows its sender by something else, they are a stranger
// until it is here: their address is charged, which is to be given back then, and the memory is that of strangers.
func (f *oldClients) admitForm(g *gin.Context, c *call, known *http.Request) (giveBack func(), err error) {
	giveBack = func() {}
	if c.by, err = f.s.identify(known, keyNeeded, true); err != nil {
		c.by = access.AnonymousHolder()
		var left ratelimit.State
		if giveBack, err = f.s.chargeStranger(&left, g.Request, nil); err != nil {
			tellLeft(g.Writer.Header(), left)
			return nil, err
		}
	}
	size := g.Request.ContentLength
	if size < 0 {
		size = untoldFactor * longestForm // as long as it may become
	}
	return giveBack, f.s.bodies.hold(c, size)
}

// asOurs is a request with its key where this API looks for it. Its query has been read, and so has its form.
func asOurs(r *http.Request, o compat.Operation, asked compat.Call) *http.Request {
	ours := r.WithContext(r.Context()) // a shallow copy
	address := *r.URL
	address.RawQuery = ""
	ours.URL = &address
	if asked.Key != "" {
		ours.Header = r.Header.Clone()
		ours.Header.Add("X-Api-Key", asked.Key)
	}
	if o.Form && r.Method == http.MethodPost {
		ours.Body, ours.ContentLength = http.NoBody, 0
	}
	return ours
}

// write sends an answer.
func (f *oldClients) write(g *gin.Context, a compat.Answer) {
	out := reply{status: a.Status}
	if a.MediaType != "" {
		out.body = document{mediaType: a.MediaType, content: a.Content}
	}
	if a.Code != "" {
		out.header = []headerLine{{compat.ErrorHeader, string(a.Code)}}
	}
	_ = out.write(g.Writer) // a document is no JSON that could fail
}

// refuse sends a refusal in the shape of the API that was asked.
func (f *oldClients) refuse(g *gin.Context, shape func(v1.Problem) compat.Answer, err error) {
	var problem v1.Problem
	if refusal, ok := errors.AsType[*compat.Refusal](err); ok {
		problem = refusal.Problem
	} else {
		problem = f.s.problems.tell(g.Writer, g.Request, err)
	}
	answer := shape(problem)
	if answer.Status != http.StatusUnauthorized {
		g.Writer.Header().Del("WWW-Authenticate")
	}
	f.write(g, answer)
}

// refuseAt refuses a request that no route takes, if its path is of one of these APIs.
func (f *oldClients) refuseAt(g *gin.Context, err error) bool {
	shape := f.adapters.RefuseAt(g.Request.URL.Path, g.Request.URL.RawQuery)
	if shape != nil {
		f.refuse(g, shape, err)
	}
	return shape != nil
}

// oneCaller does what an adapter asks for by the handlers of this API, in the name of whoever called. It is for one goroutine.
type oneCaller struct {
	s *Server
	c *call
}

// Create is POST /links.
func (o *oneCaller) Create(ctx context.Context, wanted []byte) (*v1.Link, bool, error) {
	if err := o.take("", wanted); err != nil {
		return nil, false, err
	}
	made, err := o.s.links.createLink(ctx, o.c)
	l, err := documentOf[*v1.Link](made, err)
	return l, made.status == http.StatusOK, err
}

// Get is GET /links/{code}.
func (o *oneCaller) Get(ctx context.Context, code string) (*v1.Link, error) {
	if err := o.take(code, nil); err != nil {
		return nil, err
	}
	return documentOf[*v1.Link](o.s.links.getLink(ctx, o.c))
}

// Edit is PATCH /links/{code}.
func (o *oneCaller) Edit(ctx context.Context, code string, wanted []byte) (*v1.Link, error) {
	if err := o.take(code, wanted); err != nil {
		return nil, err
	}
	return documentOf[*v1.Link](o.s.links.editLink(ctx, o.c))
}

// Delete is DELETE /links/{code}.
func (o *oneCaller) Delete(ctx context.Context, code string) error {
	if err := o.take(code, nil); err != nil {
		return err
	}
	_, err := o.s.links.deleteLink(ctx, o.c)
	return err
}

// List is GET /links. An adapter gathers several of its pages.
func (o *oneCaller) List(ctx context.Context, query url.Values) (*v1.LinkPage, error) {
	if err := o.ask(query, listQuery()); err != nil {
		return nil, err
	}
	page, err := documentOf[*v1.LinkPage](o.s.links.listLinks(ctx, o.c))
	if err != nil {
		return nil, err
	}
	return page, o.s.bodies.hold(o.c, compat.MaxItems*rowBytes)
}

// Tags is GET /tags.
func (o *oneCaller) Tags(ctx context.Context, query url.Values) (*v1.TagPage, error) {
	if err := o.ask(query, tagsQuery()); err != nil {
		return nil, err
	}
	return documentOf[*v1.TagPage](o.s.links.listTags(ctx, o.c))
}

// take makes the call one about a code, with a body.
func (o *oneCaller) take(code string, body []byte) error {
	o.c.code, o.c.body, o.c.query = code, body, nil
	return o.s.bodies.hold(o.c, max(o.c.held, bodyFactor*int64(len(body))))
}

// ask makes the call one with a query, which is judged as any other.
func (o *oneCaller) ask(query url.Values, known []parameter) (err error) {
	o.c.query, err = parseQuery(&http.Request{URL: &url.URL{RawQuery: query.Encode()}}, known)
	return err
}

// documentOf gives the document that a handler replies with.
func documentOf[T any](r reply, err error) (found T, _ error) {
	if err != nil {
		return found, err
	}
	found, ok := r.body.(T)
	if !ok {
		return found, fmt.Errorf("a handler replied with %T", r.body)
	}
	return found, nil
}
