package api

import (
	"time"

	"tinyurl/fsm/link"
)

// minExpiresIn is the shortest life that can be asked for.
const minExpiresIn = time.Second

// draft checks the fields and makes the draft they ask for, without its password. retried says that the request has an
// Idempotency-Key.
func (s *Server) draft(want *wanted, retried bool) (d link.Draft, err error) {
	if !want.has(inLongURL) {
		return d, invalid(link.ErrInvalidTarget, "longUrl is missing", inLongURL.String())
	}
	if d.Fields, err = s.fields(want); err != nil {
		return d, err
	}
	if want.has(inCustomSlug) {
		if d.Slug, err = link.ParseSlug(want[inCustomSlug].text, s.config.Words()); err != nil {
			return d, invalid(err, err.Error(), inCustomSlug.String())
		}
	}
	if err := s.checkEnd(d.ValidUntil, retried); err != nil {
		return d, err
	}
	if want[inFindIfExists].flag {
		given := want.fields(false)
		d.Find = &given
	}
	d.ExpiresIn, err = lifeOf(want)
	return d, err
}

// checkEnd refuses an end that is over. A request that may be a retry gets grace: its link may have expired since the first
// try, which must be answered again. Nothing can be the retry of what is forgotten, so the grace ends there.
func (s *Server) checkEnd(until time.Time, retried bool) error {
	if until.IsZero() {
		return nil
	}
	oldest := s.config.Resolver.Now()
	if retried {
		oldest = oldest.Add(-link.OnceKept)
	}
	if !until.After(oldest) {
		return wrong("validUntil is over already", inValidUntil)
	}
	return nil
}
