// Package redirect is the hot path: GET and HEAD of a code. It decides nothing about the cluster; it asks a Resolver and
// writes the answer with as few allocations as net/http leaves possible.
package redirect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"tinyurl/fsm/link"
)

// ErrExpired is what a visitor of an expired link is told. It is an ErrGone.
var ErrExpired = fmt.Errorf("%w: it has expired", link.ErrGone)

// StalenessHeader carries how far the answering node may be behind its leader, in milliseconds. It is absent when that is 0.
const StalenessHeader = "Tinyurl-Staleness-Ms"

// What every redirect and every refusal of one carries: the target may change, and short URLs are not to be found by search
// engines.
const (
	CacheControl = "private, no-store"
	Robots       = "noindex"
)

// Resolver finds links the way a redirect may trust them.
type Resolver interface {
	// Resolve gives the link of a code, or ErrNotFound when its absence is proven, ErrGone when it was deleted,
	// ErrNoLeader when nothing could be proven in time. A link it gives as expired at Now was confirmed to be so.
	// It bounds itself (about a second) and is called with contexts that have no deadline.
	Resolve(ctx context.Context, code link.Code) (link.Link, error)
	// Look is what this node can say of a code by itself. When it is settled, Resolve would answer the same. Otherwise Resolve
	// would ask the leader: about a code that is not known here (ErrNotFound), or a link that has expired here (nil).
	Look(code link.Code) (found link.Link, settled bool, err error)
	// Now is the local clock, never below the last applied stamp.
	Now() time.Time
	// Staleness is the time since this node last had all that its leader had committed; 0 when it has it now.
	Staleness() time.Duration
}

// Refuse writes the answer to a visitor who cannot be redirected: a page or a problem document for err.
type Refuse func(w http.ResponseWriter, r *http.Request, err error)

// Handler answers for codes. It is immutable and serves any number of requests at once.
type Handler struct {
	resolver Resolver
	refuse   Refuse
	outcomes *Outcomes
	misses   *Misses // nil for no limit

	// Header values shared by all answers: nobody may write to them.
	cacheControl, robots []string
}

// New makes a Handler. None of its parts may be nil.
func New(resolver Resolver, refuse Refuse, outcomes *Outcomes) *Handler {
	return &Handler{
		resolver:     resolver,
		refuse:       refuse,
		outcomes:     outcomes,
		cacheControl: []string{CacheControl},
		robots:       []string{Robots},
	}
}

// Answer is what became of one visit.
type Answer struct {
	// Target is where the visitor is sent, unless there is an Err.
	Target link.Target
	// Late is how far behind the answer may be; the visitor is told if it is more than 0.
	Late time.Duration
	Err  error
}

// Visitor is where a visit comes from. One of the two is set; neither costs the other's making.
type Visitor struct {
	// Address is an http.Request's RemoteAddr.
	Address string
	// Conn is the connection's.
	Conn net.Addr
}

// address gives the address as text.
func (v Visitor) address() string {
	if v.Conn != nil {
		return v.Conn.String()
	}
	return v.Address
}

// Visit looks up a code as it stood in the path (decoded, without the slash), and counts how that ended. Of ctx only the end counts.
// The answer is for Write, or for somebody who writes a Target by other means.
func (h *Handler) Visit(ctx context.Context, from Visitor, path string) Answer {
	found, err := h.find(ctx, from, path)
	// Asked after the look-up, so that the figure covers what the look-up may have missed.
	late := h.resolver.Staleness()
	h.outcomes.count(err)
	return Answer{Target: found.Target, Late: late, Err: err}
}

// Serve answers a GET or HEAD of the code given, as it stood in the path (decoded, without the slash).
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request, path string) {
	h.Write(w, r, h.Visit(r.Context(), Visitor{Address: r.RemoteAddr}, path))
}

// Write sends what became of a visit.
func (h *Handler) Write(w http.ResponseWriter, r *http.Request, a Answer) {
	header := w.Header()
	// Assigned, not Set: the keys are canonical already, and the values are shared instead of allocated.
	header["Cache-Control"] = h.cacheControl
	header["X-Robots-Tag"] = h.robots
	if a.Late > 0 {
		header[StalenessHeader] = []string{Milliseconds(a.Late)}
	}
	if a.Err != nil {
		h.refuse(w, r, a.Err)
		return
	}
	// Set as it is: http.Redirect would escape what is not ASCII, and the target must arrive byte for byte.
	header["Location"] = []string{string(a.Target)}
	w.WriteHeader(http.StatusFound)
}

// find gives a link that may be followed now.
func (h *Handler) find(ctx context.Context, from Visitor, path string) (link.Link, error) {
	code, err := link.ParseCode(path)
	if err != nil {
		return link.Link{}, err
	}
	found, err := h.resolve(ctx, from, code)
	if err != nil {
		return link.Link{}, err
	}
	// The clock is read for links that can expire, and for no others.
	if !found.ValidUntil.IsZero() && found.Expired(h.resolver.Now()) {
		return link.Link{}, ErrExpired
	}
	return found, nil
}

// Milliseconds writes a staleness for StalenessHeader, rounded up so that a small one does not read as none.
func Milliseconds(d time.Duration) string { return string(AppendMilliseconds(nil, d)) }

// AppendMilliseconds appends what Milliseconds writes.
func AppendMilliseconds(b []byte, d time.Duration) []byte {
	return strconv.AppendInt(b, int64((d+time.Millisecond-1)/time.Millisecond), 10)
}

// outcome classes, the values of the label "outcome".
const (
	redirected = iota
	notFound
	gone
	expired
	unproven
	limited
	failed
	outcomeCount
)

// outcomeOf classes an answer of find.
func outcomeOf(err error) int {
	switch {
	case err == nil:
		return redirected
	case errors.Is(err, link.ErrNotFound):
		return notFound
	case errors.Is(err, ErrExpired):
		return expired
	case errors.Is(err, ErrTooManyMisses):
		return limited
	case errors.Is(err, link.ErrGone):
		return gone
	case errors.Is(err, link.ErrNoLeader), errors.Is(err, link.ErrOverloaded),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return unproven
	}
	return failed
}
