package api

import (
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

// minExpiresIn is the shortest life that can be asked for.
const minExpiresIn = time.Second

// wanted is a request for a link as it was sent: its fields by their names of v1, only those given.
type wanted map[string]string

// fieldOf gives the name of v1 for a field as clients write it; ok is false for an unknown one. Other shorteners' words
// are taken, so that their clients need not be taught.
func fieldOf(name string) (field string, ok bool) {
	switch name {
	case "longUrl", "url", "long_url", "target":
		return "longUrl", true
	case "customSlug", "alias", "slug", "keyword", "customurl":
		return "customSlug", true
	case "validUntil", "expiresIn":
		return name, true
	}
	return "", false
}

// parseWanted reads one link of a request: shape first, so that a request with two faults gets the JSON one. raw must be
// well formed.
func parseWanted(raw []byte) (wanted, error) {
	found, err := members(raw, func(name string) bool {
		_, ok := fieldOf(name)
		return ok
	})
	if err != nil {
		return nil, err
	}
	want := make(wanted, len(found))
	var disagree error // kept, since a wrong type further on comes first
	for _, m := range found {
		field, _ := fieldOf(m.name)
		value, given, err := m.text()
		if err != nil {
			return nil, err
		}
		if !given {
			continue
		}
		if before, twice := want[field]; twice && before != value {
			// Names are told by v1's word: that is the one the answer would use.
			disagree = invalid(link.ErrInvalidField, field+" is given twice, under two names, with different values", field)
		}
		want[field] = value
	}
	return want, disagree
}

// draft checks the fields and makes the draft they ask for. retried says that the request has an Idempotency-Key.
func (s *Server) draft(want wanted, retried bool) (link.Draft, error) {
	var d link.Draft
	longURL, ok := want["longUrl"]
	if !ok {
		return d, invalid(link.ErrInvalidTarget, "longUrl is missing", "longUrl")
	}
	target, err := link.ParseTarget(longURL, s.config.TargetRules)
	if err != nil {
		return d, invalid(err, err.Error(), "longUrl")
	}
	d.Target = target
	if slug, ok := want["customSlug"]; ok {
		if d.Slug, err = link.ParseSlug(slug, s.config.Words()); err != nil {
			return d, invalid(err, err.Error(), "customSlug")
		}
	}
	return d, s.end(&d, want, retried)
}

// end reads when the link shall stop redirecting. A duration is handed on as it is: it counts from the leader's stamp, not
// from this node's clock.
func (s *Server) end(d *link.Draft, want wanted, retried bool) error {
	until, hasUntil := want["validUntil"]
	life, hasLife := want["expiresIn"]
	switch {
	case hasUntil && hasLife:
		return invalid(link.ErrInvalidField, "validUntil and expiresIn exclude each other", "validUntil", "expiresIn")
	case hasUntil:
		return s.endAt(d, until, retried)
	case hasLife:
		duration, err := time.ParseDuration(life)
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
