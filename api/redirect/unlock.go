package redirect

import (
	"fmt"
	"net/http"

	"tinyurl/fsm/link"
)

// Unlock answers a visitor who gives a password for the code, as it stood in the path (decoded, without the slash). A link without
// one is followed: its password was taken away while the visitor typed. The redirect is a 302 whatever the link says.
func (h *Handler) Unlock(w http.ResponseWriter, r *http.Request, path, password string) {
	l, err := h.unlocked(r, path, password)
	var found link.Route
	if err == nil {
		found, err = h.consume(r, l.Code, l.Route())
	}
	h.end(w, r, path, found, err)
}

// unlocked gives a link that redirects now to who knows its password, out of this node's own view: a password needs no quorum.
func (h *Handler) unlocked(r *http.Request, path, password string) (link.Link, error) {
	l, err := h.view(r, path)
	switch {
	case err != nil:
		return link.Link{}, err
	case l.Password == "":
		return l, nil
	case password == "":
		return link.Link{}, ErrProtected
	}
	if err := h.tries.admit(l.Code, h.Clients.Of(r)); err != nil {
		return link.Link{}, err
	}
	right, err := h.Passwords.Verify(r.Context(), l.Password, password)
	if err != nil {
		return link.Link{}, fmt.Errorf("password of %q: %w", l.Code, err)
	}
	if !right {
		return link.Link{}, ErrWrongPassword
	}
	return l, nil
}

// view gives all that is known of a link that redirects now.
func (h *Handler) view(r *http.Request, path string) (link.Link, error) {
	code, _, err := h.find(r.Context(), Visitor{Request: r}, path)
	if err != nil {
		return link.Link{}, err
	}
	l, err := h.Resolver.Lookup(code)
	if err != nil {
		return link.Link{}, err
	}
	// It may have changed since it was found.
	if err := h.refusal(l.Route()); err != nil {
		return link.Link{}, err
	}
	return l, nil
}
