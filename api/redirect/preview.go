package redirect

import (
	"net/http"

	"tinyurl/fsm/link"
)

// Preview shows where a visit of a code would lead now, without following it and without counting anything. Of a link that would not
// redirect it says what a visit would say.
func (h *Handler) Preview(w http.ResponseWriter, r *http.Request, path string) {
	l, err := h.unlocked(r, path, "")
	h.show(w, r, l, err)
}

// UnlockPreview is Preview for a visitor who gives a password.
func (h *Handler) UnlockPreview(w http.ResponseWriter, r *http.Request, path, password string) {
	l, err := h.unlocked(r, path, password)
	h.show(w, r, l, err)
}

// show writes a preview, with the header of a visit.
func (h *Handler) show(w http.ResponseWriter, r *http.Request, l link.Link, err error) {
	late := h.Resolver.Staleness()
	if err != nil {
		h.Write(w, r, Answer{Late: late, Err: err})
		return
	}
	header := w.Header()
	header["Cache-Control"], header["X-Robots-Tag"] = noStore, robots
	if late > 0 {
		header[StalenessHeader] = []string{Milliseconds(late)}
	}
	h.Show(w, r, l)
}
