package link

import "time"

// Route is what a visit needs to know of a link.
type Route struct {
	Target                 Target
	ValidSince, ValidUntil time.Time
	Redirect               Redirect
	DropQuery              bool
	// Disabled and UsedUp links do not redirect; UsedUp ones have had their MaxVisits.
	Disabled, UsedUp bool
	// Limited links have MaxVisits: every visit has to be counted before it is answered.
	Limited bool
	// Protected links ask for a password.
	Protected bool
}

// Route gives the link's.
func (l Link) Route() Route {
	return Route{
		Target: l.Target, ValidSince: l.ValidSince, ValidUntil: l.ValidUntil, Redirect: l.Redirect, DropQuery: l.DropQuery,
		Disabled: l.Disabled, Limited: l.MaxVisits > 0, UsedUp: l.MaxVisits > 0 && l.Visits >= l.MaxVisits, Protected: l.Password != "",
	}
}

// State is whether a link redirects, and why not.
type State uint8

// The states of a link, in the order of judgement.
const (
	Open State = iota
	Disabled
	Expired
	UsedUp
	NotYet
)

// State is the route's at a moment.
func (r Route) State(now time.Time) State {
	switch {
	case r.Disabled:
		return Disabled
	case !r.ValidUntil.IsZero() && !now.Before(r.ValidUntil):
		return Expired
	case r.UsedUp:
		return UsedUp
	case now.Before(r.ValidSince):
		return NotYet
	}
	return Open
}

// Timeless reports whether the route's state is the same at every moment, so that no clock need be read for it.
func (r Route) Timeless() bool { return r.ValidSince.IsZero() && r.ValidUntil.IsZero() }
