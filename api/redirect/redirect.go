// Package redirect is the hot path: GET and HEAD of a code. It decides nothing about the cluster; it asks a Resolver and
// writes the answer with as few allocations as net/http leaves possible.
package redirect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tinyurl/fsm/link"
)

// ErrExpired is what a visitor of an expired link is told. It is an ErrGone.
var ErrExpired = fmt.Errorf("%w: it has expired", link.ErrGone)

// StalenessHeader carries how far the answering node may be behind its leader, in milliseconds. It is absent when that is 0.
const StalenessHeader = "Tinyurl-Staleness-Ms"

// Resolver finds links the way a redirect may trust them.
type Resolver interface {
	// Resolve gives the link of a code, or ErrNotFound when its absence is proven, ErrGone when it was deleted,
	// ErrNoLeader when nothing could be proven in time. A link it gives as expired at Now was confirmed to be so.
	// It bounds itself (about a second) and is called with contexts that have no deadline.
	Resolve(ctx context.Context, code link.Code) (link.Link, error)
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

	// Header values shared by all answers: nobody may write to them.
	cacheControl, robots []string
}

// New makes a Handler. None of its parts may be nil.
func New(resolver Resolver, refuse Refuse, outcomes *Outcomes) *Handler {
	return &Handler{
		resolver:     resolver,
		refuse:       refuse,
		outcomes:     outcomes,
		cacheControl: []string{"private, no-store"},
		robots:       []string{"noindex"},
	}
}

// Serve answers a GET or HEAD of the code given, as it stood in the path (decoded, without the slash).
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request, path string) {
	found, err := h.find(r.Context(), path)
	header := w.Header()
	// Assigned, not Set: the keys are canonical already, and the values are shared instead of allocated.
	header["Cache-Control"] = h.cacheControl
	header["X-Robots-Tag"] = h.robots
	// Asked after the look-up, so that the figure covers what the look-up may have missed.
	if late := h.resolver.Staleness(); late > 0 {
		header[StalenessHeader] = []string{Milliseconds(late)}
	}
	h.outcomes.count(err)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	// Set as it is: http.Redirect would escape what is not ASCII, and the target must arrive byte for byte.
	header["Location"] = []string{string(found.Target)}
	w.WriteHeader(http.StatusFound)
}

// find gives a link that may be followed now.
func (h *Handler) find(ctx context.Context, path string) (link.Link, error) {
	code, err := link.ParseCode(path)
	if err != nil {
		return link.Link{}, err
	}
	found, err := h.resolver.Resolve(ctx, code)
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
func Milliseconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Millisecond-1)/time.Millisecond), 10)
}

// outcome classes, the values of the label "outcome".
const (
	redirected = iota
	notFound
	gone
	expired
	unproven
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
	case errors.Is(err, link.ErrGone):
		return gone
	case errors.Is(err, link.ErrNoLeader), errors.Is(err, link.ErrOverloaded),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return unproven
	}
	return failed
}
