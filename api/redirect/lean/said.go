package lean

import (
	"unsafe"

	"tinyurl/api/redirect"
)

// said is where the fields stand by which a visitor is described. Of those that come more than once the last one is kept: of
// X-Forwarded-For that is the nearest proxy's.
type said struct {
	agent, referrer, language, forwarded span
	ahead                                bool
}

// span is a part of the bytes of a request.
type span struct{ from, to int }

// add takes one field into account, whose value begins at a place in the request.
func (s *said) add(name, value []byte, at int) {
	here := span{at, at + len(value)}
	switch len(name) {
	case len("referer"): // and purpose
		if is(name, "referer") {
			s.referrer = here
		} else if is(name, "purpose") {
			s.hasten(value)
		}
	case len("user-agent"):
		if is(name, "user-agent") {
			s.agent = here
		}
	case len("sec-purpose"):
		if is(name, "sec-purpose") {
			s.hasten(value)
		}
	case len("accept-language"): // and x-forwarded-for
		if is(name, "accept-language") {
			s.language = here
		} else if is(name, "x-forwarded-for") {
			s.forwarded = here
		}
	case len("x-purpose"):
		if is(name, "x-purpose") {
			s.hasten(value)
		}
	case len("x-moz"):
		if is(name, "x-moz") {
			s.hasten(value)
		}
	}
}

// hasten takes into account what a browser fetches for.
func (s *said) hasten(purpose []byte) {
	s.ahead = s.ahead || redirect.Prefetches(string(trim(purpose)))
}

// told gives what the visitor says, out of the bytes that were judged: the strings are those bytes, good until they are changed.
func (r *request) told(raw []byte) redirect.Said {
	return redirect.Said{
		Agent: r.said.agent.in(raw), Referrer: r.said.referrer.in(raw), Language: r.said.language.in(raw),
		Forwarded: r.said.forwarded.in(raw), Ahead: r.said.ahead, Head: r.head,
	}
}

func (s span) in(raw []byte) string {
	b := trim(raw[s.from:s.to])
	// Not copied: a visit that is recorded is told in words that mostly were heard before.
	return unsafe.String(unsafe.SliceData(b), len(b))
}
