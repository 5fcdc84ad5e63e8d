package redirect

import (
	"errors"
	"fmt"
	"net/http"

	"tinyurl/fsm/link"
)

// consume counts a visit that has come past everything else, if the link has only so many, and gives the route to take. Requests
// that nobody made who wants to read the target are let through uncounted.
func (h *Handler) consume(r *http.Request, code link.Code, found link.Route) (link.Route, error) {
	if !found.Limited || automatic(r) {
		return found, nil
	}
	counted, err := h.Resolver.Consume(r.Context(), code)
	switch {
	case errors.Is(err, link.ErrGone):
		return link.Route{}, h.whyGone(code)
	case errors.Is(err, link.ErrDiskFull):
		// To a visitor a cluster that cannot count for this reason or for another is the same.
		return link.Route{}, fmt.Errorf("%w: %w", link.ErrNoLeader, err)
	case err != nil:
		return link.Route{}, err
	case counted.Protected && !found.Protected:
		return link.Route{}, ErrProtected // its password was new to this node
	}
	// The route as it was when the visit was counted; that it is used up by this visit is none of the visitor's business.
	return counted, nil
}

// whyGone finds out why a visit was not let through that this node believed open: what refused it has mostly arrived here by now.
func (h *Handler) whyGone(code link.Code) error {
	found, _, err := h.Resolver.Look(code)
	if err != nil {
		return link.ErrGone // deleted; what was there is never unknown
	}
	if why := h.refusal(found); why != nil {
		return why
	}
	return ErrUsedUp // nothing else happens as often
}
