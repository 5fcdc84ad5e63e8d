package api

import (
	"context"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

// Links makes, reads and deletes links for the whole cluster. Errors are those of fsm/link; others become "internal".
type Links interface {
	// Create makes one link a draft and answers one Made a draft, in order. The error is for the call as a whole: then
	// what became of each draft is unknown, and a retry under the same Once finds out.
	Create(ctx context.Context, drafts []link.Draft) ([]Made, error)
	// Get reads a link: linearizable, or as this node knows it when local is set. Expired links are given like others.
	Get(ctx context.Context, code link.Code, local bool) (link.Link, error)
	// Delete ends a link for ever. Deleting a deleted one is ErrGone.
	Delete(ctx context.Context, code link.Code) error
}

// Made is what became of one draft: a link, or the reason why there is none.
type Made struct {
	Link link.Link
	Err  error
}

// Cluster shows and changes the cluster this node is part of.
type Cluster interface {
	// Status gives the whole document, also without a leader; what cannot be learned before ctx ends is left unknown.
	Status(ctx context.Context) v1.Cluster
	// Leave takes this node out of the cluster and returns once the others see it gone. The process ends soon after. A node
	// that must not leave answers ErrPrecondition; the text of that error is shown to the caller.
	Leave(ctx context.Context) error
}

// Health judges this process. Checks come in the order in which they are to be shown.
type Health interface {
	// Live is asked by /healthz.
	Live(ctx context.Context) []Check
	// Ready is asked by /readyz.
	Ready(ctx context.Context, need Need) []Check
}

// Need is what the asker of /readyz wants to do with the node.
type Need int

const (
	// NeedAll is readiness for traffic as a load balancer means it.
	NeedAll Need = iota
	// NeedWrite asks for a leader now.
	NeedWrite
	// NeedRedirect asks for an open store only.
	NeedRedirect
)

// Check is one named judgement. Detail is shown beside it, Err when it failed; both to anybody who asks, without a key.
type Check struct {
	Name   string
	Err    error
	Detail string
}

// Authenticator knows who holds a key.
type Authenticator interface {
	// Authenticate gives the holder of a key, ErrUnauthorized for an unknown one, or another error of the table (such as
	// link.ErrNoLeader) when it cannot tell. It must not leak by its timing how much of a key was right. It bounds itself (to
	// about a second) and is called with contexts that have no deadline.
	Authenticate(ctx context.Context, key string) (Principal, error)
}

// Principal is somebody who may ask.
type Principal struct {
	// ID tells principals apart; it is the scope of their idempotency keys. It is never the key itself.
	ID     string
	Scopes Scopes
}

// Scopes is a set of what a key may do.
type Scopes uint8

// The scopes of API keys.
const (
	LinksCreate Scopes = 1 << iota
	LinksRead
	LinksWrite
	StatsRead
	Admin

	// AnyKey is the scope of routes that ask for a valid key and nothing more.
	AnyKey Scopes = 0
	// AllScopes are the root key's.
	AllScopes = LinksCreate | LinksRead | LinksWrite | StatsRead | Admin
)

// Holds reports whether s has all of wanted.
func (s Scopes) Holds(wanted Scopes) bool { return s&wanted == wanted }
