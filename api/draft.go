package api

import (
	"time"

	"tinyurl/fsm/link"
)

// minExpiresIn is the shortest life that can be asked for.
const minExpiresIn = time.Second

// linkRules are what this node asks of links before the cluster does.
type linkRules struct {
	targets link.TargetRules
	words   func() link.Words
	// denied is this node's own list of hosts; nil denies none.
	denied func(host string) bool
	now    func() time.Time
}

// draft checks the fields and makes the draft they ask for, without its password. retried says that the request has an
// Idempotency-Key.
func (r *linkRules) draft(want *wanted, retried bool) (d link.Draft, err error) {
	if !want.has(inLongURL) {
		return d, invalid(link.ErrInvalidTarget, "longUrl is missing", inLongURL.String())
	}
	if d.Fields, err = r.fields(want); err != nil {
		return d, err
	}
	if d.Host, err = r.hostOf(d.Target); err != nil {
		return d, err
	}
	if want.has(inCustomSlug) {
		if d.Slug, err = link.ParseSlug(want[inCustomSlug].text, r.words()); err != nil {
			return d, invalid(err, err.Error(), inCustomSlug.String())
		}
	}
	if err := r.checkEnd(d.ValidUntil, retried); err != nil {
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
func (r *linkRules) checkEnd(until time.Time, retried bool) error {
	if until.IsZero() {
		return nil
	}
	oldest := r.now()
	if retried {
		oldest = oldest.Add(-link.OnceKept)
	}
	if !until.After(oldest) {
		return wrong("validUntil is over already", inValidUntil)
	}
	return nil
}

// hostOf gives the host of a target, for the list that the cluster keeps, unless this node denies it by itself.
func (r *linkRules) hostOf(target link.Target) (string, error) {
	host := link.HostOf(target)
	if r.denied != nil && r.denied(host) {
		return "", about(link.ErrTargetDenied)
	}
	return host, nil
}
