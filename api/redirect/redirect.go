// Package redirect is the hot path: visits of codes. It decides nothing about the cluster; it asks a Resolver and writes the answer
// with as few allocations as net/http leaves possible.
package redirect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"tinyurl/api/ratelimit"
	"tinyurl/fsm/link"
)

// What visitors are told whom a link does not take on, though it is there. They are ErrGone.
var (
	ErrExpired  = fmt.Errorf("%w: it has expired", link.ErrGone)
	ErrDisabled = fmt.Errorf("%w: it is switched off", link.ErrGone)
	ErrUsedUp   = fmt.Errorf("%w: it has been visited as often as it may be", link.ErrGone)
)

// What visitors of a link with a password are told who have not given it, or not the right one.
var (
	ErrProtected     = errors.New("this link asks for a password")
	ErrWrongPassword = errors.New("this is not the password of this link")
)

// Finder finds links the way a redirect may trust them.
type Finder interface {
	// Resolve gives the route of a code, or ErrNotFound when its absence is proven, ErrGone when it was deleted,
	// ErrNoLeader when nothing could be proven in time. A route it gives that is not open at Now was confirmed to be so.
	// It bounds itself (about a second) and is called with contexts that have no deadline.
	Resolve(ctx context.Context, code link.Code) (link.Route, error)
	// Look is what this node can say of a code by itself. When it is settled, Resolve would answer the same. Otherwise Resolve
	// would ask the leader: about a code that is not known here (ErrNotFound), or a link that does not redirect here (nil).
	Look(code link.Code) (found link.Route, settled bool, err error)
	// Now is the local clock, never below the last applied stamp.
	Now() time.Time
	// Staleness is the time since this node last had all that its leader had committed; 0 when it has it now.
	Staleness() time.Duration
}

// Records are what visits need beside routes.
type Records interface {
	// Lookup gives all that this node knows of a link by itself.
	Lookup(code link.Code) (link.Link, error)
	// Consume counts a visit of a link that has only so many, for the whole cluster, and gives the route that it may take:
	// ErrGone if the link is used up or redirects no more, ErrNotFound if it does not yet, ErrNoLeader if the visit could not
	// be counted in time, or nobody knows whether it was. It bounds itself (to seconds).
	Consume(ctx context.Context, code link.Code) (link.Route, error)
}

// Resolver is all that visits ask of a node.
type Resolver interface {
	Finder
	Records
}

// Passwords knows whether a password is the one of which a hash was made. It bounds how many it compares at once, and answers
// link.ErrOverloaded beyond.
type Passwords interface {
	Verify(ctx context.Context, kept link.PasswordHash, password string) (bool, error)
}

// Config is all a Handler needs. Misses may be nil, the others are required.
type Config struct {
	Resolver  Resolver
	Passwords Passwords
	// Refuse writes the answer to a visitor who cannot be redirected: a page or a problem document for err.
	Refuse func(w http.ResponseWriter, r *http.Request, err error)
	// Show writes a preview.
	Show     func(w http.ResponseWriter, r *http.Request, l link.Link)
	Outcomes *Outcomes
	// Misses limits how often the leader is asked about codes that nobody here knows; nil for no limit.
	Misses *Misses
	// Recorder takes note of visits; nil for nobody.
	Recorder Recorder
	// Clients tells from where visitors come.
	Clients ratelimit.Clients
	// Now is the clock by which tries are counted.
	Now func() time.Time
}

// Handler answers for codes. It is immutable, but for what it remembers of tries, and serves any number of requests at once.
type Handler struct {
	Config
	tries *tries
}

// New makes a Handler.
func New(c Config) *Handler { return &Handler{Config: c, tries: newTries(c.Now)} }

// Visitor is where a visit comes from. One of the two is set: whoever has no whole request yet needs not make one.
type Visitor struct {
	Request *http.Request
	Conn    net.Addr
	// Said is what is known of the visitor where there is no Request.
	Said Said
}

// errAsk says that the address of a visitor has to be asked for, and stands in a request that is not there.
var errAsk = errors.New("the whole request is needed")

// address is where a visitor comes from, or errAsk.
func (h *Handler) address(v Visitor) (netip.Addr, error) {
	if v.Request != nil {
		return h.Clients.Of(v.Request), nil
	}
	from, ok := h.Clients.OfConn(v.Conn)
	if !ok {
		return from, errAsk
	}
	return from, nil
}

// find gives the code that stood in the path (decoded, without the slash) and the route of its link, if that redirects now. A route
// may still ask for a password, or for its visits to be counted.
func (h *Handler) find(ctx context.Context, from Visitor, path string) (link.Code, link.Route, error) {
	code, err := link.ParseCode(path)
	if err != nil {
		return "", link.Route{}, err
	}
	found, err := h.resolve(ctx, from, code)
	if err == nil {
		err = h.refusal(found)
	}
	if err != nil {
		return "", link.Route{}, err
	}
	return code, found, nil
}

// resolve is the Resolver's, but for visitors who have asked too often for what nobody knows.
func (h *Handler) resolve(ctx context.Context, from Visitor, code link.Code) (link.Route, error) {
	if h.Misses != nil {
		found, settled, err := h.Resolver.Look(code)
		if settled {
			return found, err
		}
		// A link that does not redirect here is no guess: it is asked for, whoever wants it.
		if errors.Is(err, link.ErrNotFound) {
			if err := h.guess(from); err != nil {
				return link.Route{}, err
			}
		}
	}
	return h.Resolver.Resolve(ctx, code)
}

// guess counts a miss of a visitor; ErrTooManyMisses if there were too many.
func (h *Handler) guess(from Visitor) error {
	address, err := h.address(from)
	if err == nil && !h.Misses.admit(address) {
		err = ErrTooManyMisses
	}
	return err
}

// refusal is what visitors of a route are told now; nil if it is open. The clock is read for links that can begin or end, and for
// no others.
func (h *Handler) refusal(found link.Route) error {
	var now time.Time
	if !found.Timeless() {
		now = h.Resolver.Now()
	}
	switch found.State(now) {
	case link.Open:
		return nil
	case link.NotYet:
		return link.ErrNotFound
	case link.Disabled:
		return ErrDisabled
	case link.UsedUp:
		return ErrUsedUp
	}
	return ErrExpired
}
