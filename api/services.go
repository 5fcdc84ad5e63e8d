package api

import (
	"context"

	"tinyurl/api/redirect"
	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// Links makes, reads, changes and deletes links for the whole cluster, on behalf of a key's holder: links that are not there for
// the holder are ErrNotFound, and a key that holds no more is ErrUnauthorized. Errors are those of fsm/link; others become "internal".
type Links interface {
	Lists
	// Create makes one link a draft and answers one Made a draft, in order. The error is for the call as a whole: then
	// what became of each draft is unknown, and a retry under the same Once finds out.
	Create(ctx context.Context, by access.Holder, drafts []link.Draft) ([]Made, error)
	// Get reads a link: linearizable, or as this node knows it when local is set. Expired links are given like others.
	Get(ctx context.Context, by access.Holder, code link.Code, local bool) (link.Link, error)
	// Edit changes a link and gives it as it is then.
	Edit(ctx context.Context, by access.Holder, edit link.Edit) (link.Link, error)
	// Delete ends a link for ever. Deleting a deleted one is ErrGone.
	Delete(ctx context.Context, by access.Holder, code link.Code) error
}

// Lists shows links many at a time. Reads are linearizable, or as this node knows them where a listing is Local.
type Lists interface {
	// List gives a page of the living links.
	List(ctx context.Context, by access.Holder, l Listing) (Page, error)
	// Tags gives a page of the tags that living links have, in the order of their bytes.
	Tags(ctx context.Context, by access.Holder, l TagListing) (TagPage, error)
}

// Listing says which links a page shows, and in which order.
type Listing struct {
	// Tags are those of which a link must have one, or all of them where AllTags is set; none asks for nothing. There are
	// link.MaxTags at most.
	Tags    []string
	AllTags bool
	// Match picks links; nil takes them all. It is called by one goroutine at a time.
	Match func(link.Link) bool
	// OldestFirst turns the order around: it is that of creation, the newest link first.
	OldestFirst bool
	// After is where the page before ended; the zero Place begins.
	After Place
	// Limit is the most links of a page, Examine the most that are looked at for it. Both are at least 1.
	Limit, Examine int
	// Count asks for the number of all links that have the one tag there is in Tags, or of all links where there is none.
	Count bool
	Local bool
}

// Place is where a link stands in the order of creation. What Created counts is its maker's affair.
type Place struct {
	Created uint64
	Code    link.Code
}

// Page is a part of a list.
type Page struct {
	Links []link.Link
	// Next is where the next page begins; nil if there is none.
	Next *Place
	// Total is what was asked for by Count.
	Total uint64
}

// TagListing says which tags a page shows: at most Limit of those behind After, in the order of their bytes.
type TagListing struct {
	After string
	Limit int
	Local bool
}

// TagPage is a part of the list of tags.
type TagPage struct {
	Tags []TagCount
	// More says that there are others behind the last of Tags.
	More bool
}

// TagCount is a tag, and how many living links have it.
type TagCount struct {
	Tag   string
	Links uint64
}

// Made is what became of one draft: a link, or the reason why there is none.
type Made struct {
	Link link.Link
	// Found says that the link was there before, see link.Draft.Find.
	Found bool
	Err   error
}

// Passwords makes of passwords what is kept of them, and compares.
type Passwords interface {
	redirect.Passwords
	// Hash is slow and takes much memory, on purpose; it bounds by itself how many run at once. ErrOverloaded: too many do.
	// Otherwise it fails only with the context's error.
	Hash(ctx context.Context, password string) (link.PasswordHash, error)
}

// Cluster shows and changes the cluster this node is part of, wherever the leader is.
type Cluster interface {
	// Status gives the whole document, also without a leader; what cannot be learned before ctx ends is left unknown.
	Status(ctx context.Context) v1.Cluster
	// Leave takes this node out of the cluster and returns once the others see it gone. The process ends soon after. A node
	// that must not leave answers ErrPrecondition; the text of that error is shown to the caller.
	Leave(ctx context.Context) error
	// Remove takes the member of an id out of the cluster for good. link.ErrNotFound: there is none; ErrPrecondition as for Leave.
	Remove(ctx context.Context, id string) error
	// Transfer makes the voter of an id leader, any that can lead if it is empty, and gives the leader. link.ErrNotFound: there is no
	// such member; ErrPrecondition as for Leave.
	Transfer(ctx context.Context, to string) (v1.Leader, error)
	// Autopilot gives the leader's judgement of the members; link.ErrNoLeader where nobody leads.
	Autopilot(ctx context.Context) (v1.Autopilot, error)
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
	// link.ErrNoLeader) when it cannot tell. Where local is set it says what this node knows, and costs nobody else anything; else
	// the cluster is asked of a key that is not known here. It must not leak by its timing how much of a key was right. It bounds
	// itself (to about a second) and is called with contexts that have no deadline.
	Authenticate(ctx context.Context, key string, local bool) (access.Holder, error)
	// Confirm gives a holder as they are by now, or as this node knows them where local is set: ErrUnauthorized if their key holds no
	// more, or another error of the table when it cannot tell. The root key is always confirmed.
	Confirm(ctx context.Context, by access.Holder, local bool) (access.Holder, error)
}
