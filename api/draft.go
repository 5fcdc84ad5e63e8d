package api

import (
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

// minExpiresIn is the shortest life that can be asked for.
const minExpiresIn = time.Second

// wanted is a request for a link as it was sent.
type wanted struct {
	longURL, customSlug, validUntil, expiresIn optional
}

// optional is the text of a field that may not have been given.
type optional struct {
	text  string
	given bool
}

// field gives the place and the name of v1 of a field as clients write it; nil for an unknown one. Other shorteners' words
// are taken, so that their clients need not be taught.
func (w *wanted) field(name string) (place *optional, known string) {
	switch name {
	case "longUrl", "url", "long_url", "target":
		return &w.longURL, "longUrl"
	case "customSlug", "alias", "slug", "keyword", "customurl":
		return &w.customSlug, "customSlug"
	case "validUntil":
		return &w.validUntil, name
	case "expiresIn":
		return &w.expiresIn, name
	}
	return nil, ""
}

// parseWanted reads one link of a request: shape first, so that a request with two faults gets the JSON one. raw must be
// well formed.
func parseWanted(raw []byte) (want wanted, err error) {
	found, err := members(raw, func(name string) bool {
		place, _ := want.field(name)
		return place != nil
	})
	if err != nil {
		return wanted{}, err
	}
	var disagree error // kept, since a wrong type further on comes first
	for _, m := range found {
		value, given, err := m.text()
		if err != nil {
			return wanted{}, err
		}
		if !given {
			continue
		}
		place, known := want.field(m.name)
		if place.given && place.text != value {
			// Names are told by v1's word: that is the one the answer would use.
			disagree = invalid(link.ErrInvalidField, known+" is given twice, under two names, with different values", known)
		}
		*place = optional{text: value, given: true}
	}
	return want, disagree
}

// draft checks the fields and makes the draft they ask for. retried says that the request has an Idempotency-Key.
func (s *Server) draft(want *wanted, retried bool) (link.Draft, error) {
	var d link.Draft
	if !want.longURL.given {
		return d, invalid(link.ErrInvalidTarget, "longUrl is missing", "longUrl")
	}
	target, err := link.ParseTarget(want.longURL.text, s.config.TargetRules)
	if err != nil {
		return d, invalid(err, err.Error(), "longUrl")
	}
	d.Target = target
	if want.customSlug.given {
		if d.Slug, err = link.ParseSlug(want.customSlug.text, s.config.Words()); err != nil {
			return d, invalid(err, err.Error(), "customSlug")
		}
	}
	return d, s.end(&d, want, retried)
}

// end reads when the link shall stop redirecting. A duration is handed on as it is: it counts from the leader's stamp, not
// from this node's clock.
func (s *Server) end(d *link.Draft, want *wanted, retried bool) error {
	until, life := want.validUntil, want.expiresIn
	switch {
	case until.given && life.given:
		return invalid(link.ErrInvalidField, "validUntil and expiresIn exclude each other", "validUntil", "expiresIn")
	case until.given:
		return s.endAt(d, until.text, retried)
	case life.given:
		duration, err := time.ParseDuration(life.text)
		if err != nil || duration < minExpiresIn {
			return invalid(link.ErrInvalidField, "expiresIn must be a duration of a second or more, such as 24h or 90m", "expiresIn")
		}
		d.ExpiresIn = duration.Truncate(time.Millisecond)
	}
	return nil
}

// endAt reads a validUntil, which must not be over. A request that may be a retry gets grace: its link may have expired
// since the first try, which must be answered again. Nothing can be the retry of what is forgotten, so the grace ends there.
func (s *Server) endAt(d *link.Draft, text string, retried bool) error {
	var until v1.Time
	if err := until.UnmarshalText([]byte(text)); err != nil {
		return invalid(link.ErrInvalidField, "validUntil must be an RFC 3339 time, such as 2030-01-31T12:00:00Z", "validUntil")
	}
	// Milliseconds are what the answer can show, so no more is kept.
	d.ValidUntil = until.UTC().Truncate(time.Millisecond)
	if d.ValidUntil.Year() > 9999 {
		return invalid(link.ErrInvalidField, "validUntil is beyond the year 9999", "validUntil")
	}
	oldest := s.config.Resolver.Now()
	if retried {
		oldest = oldest.Add(-link.OnceKept)
	}
	if !d.ValidUntil.After(oldest) {
		return invalid(link.ErrInvalidField, "validUntil is over already", "validUntil")
	}
	return nil
}
