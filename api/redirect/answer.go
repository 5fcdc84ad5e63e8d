package redirect

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"tinyurl/fsm/link"
)

// StalenessHeader carries how far the answering node may be behind its leader, in milliseconds. It is absent when that is 0.
const StalenessHeader = "Tinyurl-Staleness-Ms"

// What every redirect and every refusal of one carries: the target may change, and short URLs are not to be found by search
// engines.
const (
	CacheControl = "private, no-store"
	Robots       = "noindex"
)

// keptBriefly is the Cache-Control of redirects that are meant to last: without it browsers keep them for ever, and no edit of the
// link would reach them.
const keptBriefly = "private, max-age=30"

// Header values shared by all answers: nobody may write to them. They are assigned under canonical names.
var (
	noStore = []string{CacheControl}
	briefly = []string{keptBriefly}
	robots  = []string{Robots}
)

// Answer is what became of one visit.
type Answer struct {
	// Target is where the visitor is sent, unless there is an Err or the answer is Open.
	Target link.Target
	// Late is how far behind the answer may be; the visitor is told if it is more than 0.
	Late time.Duration
	Err  error
	// Open says that there is no answer yet: it depends on the whole request, and Serve finds it.
	Open bool

	status link.Redirect
	kept   bool // by the browser, for a moment
}

// Visit looks up a code as it stood in the path (decoded, without the slash), for somebody who knows no more of the request than
// that it is a GET or HEAD and whether it has a query. If that is enough for an answer it counts how the visit ended, and the answer
// is for Write; a target is to be given with 302 and the header of Write. Of ctx only the end counts.
func (h *Handler) Visit(ctx context.Context, from Visitor, path string, query bool) Answer {
	_, found, err := h.find(ctx, from, path)
	if err == nil && (found.Redirect != 0 || found.Limited || found.Protected || query && !found.DropQuery) {
		return Answer{Open: true}
	}
	if errors.Is(err, errAsk) {
		return Answer{Open: true}
	}
	h.Outcomes.count(err)
	h.record(from, path, found.Target, http.StatusFound, err)
	// Asked after the look-up, so that the figure covers what the look-up may have missed.
	return Answer{Target: found.Target, Late: h.Resolver.Staleness(), Err: err}
}

// Serve answers a GET or HEAD of the code given, as it stood in the path (decoded, without the slash).
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request, path string) {
	code, found, err := h.find(r.Context(), Visitor{Request: r}, path)
	if err == nil && found.Protected {
		err = ErrProtected
	}
	if err == nil {
		found, err = h.consume(r, code, found)
	}
	h.end(w, r, path, found, err)
}

// end counts and answers a visit of a code that may follow a route unless there is an err.
func (h *Handler) end(w http.ResponseWriter, r *http.Request, code string, found link.Route, err error) {
	h.Outcomes.count(err)
	a := Answer{Late: h.Resolver.Staleness(), Err: err}
	if err == nil {
		a.Target, a.status = forward(found, r.URL.RawQuery), found.Redirect
		// What a browser keeps it does not count.
		a.kept = found.Redirect.Cached() && !found.Limited
		if r.Method == http.MethodPost {
			// Whatever the link says: with 307 and 308 the password would be posted to the target.
			a.status, a.kept = 0, false
		}
	}
	h.record(Visitor{Request: r}, code, a.Target, a.status.Status(), err)
	h.Write(w, r, a)
}

// Write sends what became of a visit.
func (h *Handler) Write(w http.ResponseWriter, r *http.Request, a Answer) {
	header := w.Header()
	// Assigned, not Set: the keys are canonical already, and the values are shared instead of allocated.
	header["Cache-Control"] = noStore
	header["X-Robots-Tag"] = robots
	if a.Late > 0 {
		header[StalenessHeader] = []string{Milliseconds(a.Late)}
	}
	if a.Err != nil {
		if wait, ok := errors.AsType[*triesError](a.Err); ok {
			header["Retry-After"] = []string{wait.seconds()}
		}
		h.Refuse(w, r, a.Err)
		return
	}
	if a.kept {
		header["Cache-Control"] = briefly
	}
	// Set as it is: http.Redirect would escape what is not ASCII, and the target must arrive byte for byte.
	header["Location"] = []string{string(a.Target)}
	w.WriteHeader(a.status.Status())
}

// Milliseconds writes a staleness for StalenessHeader, rounded up so that a small one does not read as none.
func Milliseconds(d time.Duration) string { return string(AppendMilliseconds(nil, d)) }

// AppendMilliseconds appends what Milliseconds writes.
func AppendMilliseconds(b []byte, d time.Duration) []byte {
	return strconv.AppendInt(b, int64((d+time.Millisecond-1)/time.Millisecond), 10)
}
