package link

import "errors"

// What a service of links may answer besides success. They keep their identity across nodes (fsm/command carries them as
// codes) and the HTTP layer has one table that maps each to a status.
var (
	// ErrNotFound: no such link, and its absence is proven.
	ErrNotFound = errors.New("no such link")
	// ErrGone: the link was deleted; its code is never used again.
	ErrGone = errors.New("this link was deleted")
	// ErrSlugTaken: the slug belongs to another link, living or deleted, or to a code already given out.
	ErrSlugTaken = errors.New("this slug is taken")
	// ErrSlugReserved: the slug is a word the service needs for itself.
	ErrSlugReserved = errors.New("this slug is reserved")
	// ErrInvalidSlug: the slug does not match the pattern.
	ErrInvalidSlug = errors.New("invalid slug")
	// ErrInvalidTarget: the long URL cannot be taken.
	ErrInvalidTarget = errors.New("invalid long URL")
	// ErrInvalidField: another field of the request cannot be taken.
	ErrInvalidField = errors.New("invalid field")
	// ErrKeyReused: the idempotency key was used with another request.
	ErrKeyReused = errors.New("this idempotency key was used with another request")
	// ErrPrecondition: the link is at another version than the one that was to be changed.
	ErrPrecondition = errors.New("the link has changed since it was read")
	// ErrTargetDenied: the target's host is on the list of denied hosts.
	ErrTargetDenied = errors.New("links to this host are not taken")
	// ErrUnauthorized: the API key is unknown, revoked or expired.
	ErrUnauthorized = errors.New("the API key is unknown, revoked or expired")
	// ErrForbidden: the API key holds, but not for this.
	ErrForbidden = errors.New("this key lacks the scope for this")
	// ErrExhausted: all 62^7 codes are given out.
	ErrExhausted = errors.New("no code is left to give out")
	// ErrFull: there are as many API keys, users, denied hosts or reports as there can be. Some must go before another comes.
	ErrFull = errors.New("there is no room for one more")

	// ErrNoLeader: no leader confirmed itself in time. Whether a write took effect is unknown unless it was made under an
	// identity (Once); a read proved nothing.
	ErrNoLeader = errors.New("no leader could be reached in time")
	// ErrOverloaded: the request was shed before anything happened.
	ErrOverloaded = errors.New("too many requests in flight")
	// ErrDiskFull: the node that would have to write is short of disk space; nothing happened.
	ErrDiskFull = errors.New("not enough disk space to take writes")
)
