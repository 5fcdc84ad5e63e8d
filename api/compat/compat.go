// Package compat speaks what clients of other shorteners speak: tinyurl.com's api-create.php, YOURLS' yourls-api.php and version 3
// of Shlink's REST API. It translates their requests into this API's own documents (package v1), and its answers and refusals into
// theirs. It judges nothing but the translation: who may ask for what, and what a link may be, is decided behind Service.
package compat

import (
	"context"
	"net/http"
	"net/url"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
)

// Links are one caller's. Errors are the service's; what they mean is told to Call.Refuse as a v1.Problem.
type Links interface {
	// Create makes a link of a v1.CreateLink, as JSON. found says that there was one already, as FindIfExists asks for.
	Create(ctx context.Context, wanted []byte) (made *v1.Link, found bool, err error)
	Get(ctx context.Context, code string) (*v1.Link, error)
	// Edit changes a link by a v1.EditLink, as JSON.
	Edit(ctx context.Context, code string, wanted []byte) (*v1.Link, error)
	Delete(ctx context.Context, code string) error
}

// Lists are of the same caller's links. Queries are those of GET /links and GET /tags.
type Lists interface {
	List(ctx context.Context, query url.Values) (*v1.LinkPage, error)
	Tags(ctx context.Context, query url.Values) (*v1.TagPage, error)
}

// Service is what requests are translated for.
type Service struct {
	Links
	Lists
	// Ready reports whether the node serves.
	Ready func(ctx context.Context) bool
}

// Operation is one method at one path of another shortener's API.
type Operation struct {
	// Path may hold ":code" as one of its parts.
	Method, Path string
	// Form says that parameters, a key among them, may come in the body: it must be there before Read is called for good.
	Form bool
	// Open says that no key is asked for.
	Open bool
	// TakesBody says that Call.Serve wants the body.
	TakesBody bool

	read func(Request) Call
}

// Read makes a Call of a request. It takes any request: what is wrong with one is told by Call.Serve, when its sender is known.
func (o Operation) Read(r Request) Call { return o.read(r) }

// Request is what Read needs of a request.
type Request struct {
	// Query is the raw one. Code is the path's.
	Query, Code string
	// Keyed says that the header of the request shows a key.
	Keyed bool
	// Form is the body of an Operation with a Form, and FormType its Content-Type.
	Form     []byte
	FormType string
}

// Call is a request that was understood, as far as it can be.
type Call struct {
	// Key is the one that was shown outside of the header; empty for none.
	Key string
	// Credentials says that something was shown there by which the sender means to be known, be it of use or not: who shows a wrong
	// signature, or an empty one, is not to be taken for somebody who shows none.
	Credentials bool
	// Scope is what the key must hold.
	Scope access.Scopes
	// Creates says that a link is to be made, which may be open to those without a key.
	Creates bool
	// Serve does what is asked for. An error is the Service's, or a *Refusal.
	Serve func(ctx context.Context, s Service, body []byte) (Answer, error)
	// Refuse says why it was not done.
	Refuse func(v1.Problem) Answer
}

// Answer is an answer in the shape of the shortener that was asked.
type Answer struct {
	Status int
	// MediaType and Content are empty where there is no body.
	MediaType string
	Content   []byte
	// Code is told in the header ErrorHeader, where the body has no room for it.
	Code v1.Code
}

// ErrorHeader names the v1.Code of a refusal whose body cannot tell it.
const ErrorHeader = "Tinyurl-Error"

// Refusal is what is wrong with a request before the Service is asked.
type Refusal struct {
	Problem v1.Problem
}

// Error is the problem's detail.
func (r *Refusal) Error() string { return r.Problem.Detail }

// invalid refuses parameters or fields.
func invalid(detail string, elements ...string) error {
	return &Refusal{v1.Problem{Status: http.StatusUnprocessableEntity, Code: v1.InvalidField, Detail: detail, InvalidElements: elements}}
}

// unsupported refuses what the other shortener does and this one does not.
func unsupported(detail string, elements ...string) error {
	return &Refusal{v1.Problem{Status: http.StatusNotImplemented, Code: NotSupported, Detail: detail, InvalidElements: elements}}
}

// NotSupported is the word for what another shortener does, and this one does not.
const NotSupported v1.Code = "not_supported"

// Adapters are all operations of the other APIs.
type Adapters struct {
	operations []Operation
	site       site
}

// New makes the adapters of a node whose short URLs begin with publicURL, without a slash at its end.
func New(publicURL string) *Adapters {
	at := newSite(publicURL)
	a := &Adapters{site: at}
	a.operations = append(a.operations, tinyURLOperations()...)
	a.operations = append(a.operations, yourls{at}.operations()...)
	a.operations = append(a.operations, shlink{at}.operations()...)
	return a
}

// Operations are those of all adapters.
func (a *Adapters) Operations() []Operation { return a.operations }

// RefuseAt gives the shape in which requests are refused at a path that no operation takes, or with another method; nil for paths of
// none of these APIs.
func (a *Adapters) RefuseAt(path, query string) func(v1.Problem) Answer {
	switch {
	case path == tinyURLPath:
		return refuseTinyURL
	case path == yourlsPath:
		return yourls{a.site}.read(Request{Query: query}).Refuse
	case path == ShlinkRoot, len(path) > len(ShlinkRoot) && path[:len(ShlinkRoot)+1] == ShlinkRoot+"/":
		return shlink{a.site}.refuse(Request{})
	}
	return nil
}
