package redirect

import (
	"errors"
	"net/http"
	"net/netip"

	"tinyurl/fsm/link"
)

// Recorder takes note of visits.
type Recorder interface {
	// Record must not wait. Agent, Referrer and Language are good during the call alone.
	Record(v Visited)
}

// Visited is a visit that was answered.
type Visited struct {
	// Code is what was asked for, be there a link or not; Target is where the visitor was sent, empty if nowhere.
	Code   link.Code
	Target link.Target
	// Status is the answer's.
	Status int
	// Agent, Referrer and Language are what the visitor said: User-Agent, Referer and Accept-Language.
	Agent, Referrer, Language string
	// Automatic says that no person asked, by the method or by what the browser said; Agent was not looked at.
	Automatic bool
	// Address is where the visitor came from; the zero Addr if that is not known.
	Address netip.Addr
}

// Said is what visitors say of themselves, beside what they want. The strings need not outlive the answer.
type Said struct {
	Agent, Referrer, Language string
	// Forwarded is the last X-Forwarded-For there is.
	Forwarded string
	// Ahead says that a browser fetches what nobody asked for yet; Head that the method is HEAD.
	Ahead, Head bool
}

// saidIn is what a request says of who sent it.
func saidIn(r *http.Request) Said {
	return Said{
		Agent: r.UserAgent(), Referrer: r.Referer(), Language: r.Header.Get("Accept-Language"), Ahead: ahead(r.Header), Head: r.Method == http.MethodHead,
	}
}

// record has a visit taken note of that ended with err, or was sent to a target. What led nowhere for want of a leader, or because it
// asked too often, is no visit.
func (h *Handler) record(v Visitor, code string, target link.Target, status int, err error) {
	if h.Recorder == nil {
		return
	}
	if err != nil {
		if status = missed(err); status == 0 {
			return
		}
	}
	said, from := h.visitor(v)
	h.Recorder.Record(Visited{
		Code: link.Code(code), Target: target, Status: status, Agent: said.Agent, Referrer: said.Referrer, Language: said.Language,
		Automatic: said.Ahead || said.Head, Address: from,
	})
}

// visitor is what a visitor says, and the address.
func (h *Handler) visitor(v Visitor) (Said, netip.Addr) {
	if v.Request != nil {
		return saidIn(v.Request), h.Clients.Of(v.Request)
	}
	from, certain := h.Clients.OfConn(v.Conn)
	if !certain {
		from = h.Clients.Behind(from, v.Said.Forwarded)
	}
	return v.Said, from
}

// missed is the status of a visit that led nowhere, and 0 for what is none.
func missed(err error) int {
	switch {
	case errors.Is(err, link.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, link.ErrGone):
		return http.StatusGone
	case errors.Is(err, ErrWrongPassword):
		return http.StatusUnauthorized
	}
	return 0
}
