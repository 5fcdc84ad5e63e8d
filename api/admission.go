package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"tinyurl/api/ratelimit"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// Admission says who is let in, and how often. The zero value asks everybody for a key, as often as they like.
type Admission struct {
	// RateLimit is how many API calls a second one key may make, or one address without a right one; twice as many at once. 0 means
	// any number. Redirects, health and metrics are never counted.
	RateLimit int
	// TrustedProxies are the addresses of proxies whose X-Forwarded-For counts.
	TrustedProxies []netip.Prefix
	// Anonymous lets whoever shows no key make links, one at a time.
	Anonymous bool
	// Denied reports whether this node takes no links to a host, in the spelling of link.HostOf. Nil takes all.
	Denied func(host string) bool
}

// MaxRateLimit is the highest RateLimit, in calls a second.
const MaxRateLimit = 1_000_000

const (
	// keysCounted and addressesCounted are of how many keys and addresses the calls are counted, those that were seen last. There are
	// fewer keys than that.
	keysCounted, addressesCounted = access.MaxKeys + 1, 64 << 10
	// reportsAtOnce is how often one address may report links at once, and reportEvery how long until it may do so once more.
	reportsAtOnce, reportEvery = 10, 6 * time.Second
	// allReportsAtOnce and anyReportEvery are the same for all addresses together: each report is an entry of the cluster's log.
	allReportsAtOnce, anyReportEvery = 100, 100 * time.Millisecond
)

func (a Admission) validate() error {
	if a.RateLimit < 0 || a.RateLimit > MaxRateLimit {
		return fmt.Errorf("api: a RateLimit of %d; it may be 0 to %d", a.RateLimit, MaxRateLimit)
	}
	return nil
}

// door is what a Server keeps of its Admission. It is immutable, but for what it has counted.
type door struct {
	clients ratelimit.Clients
	// keys and addresses are nil without a limit.
	keys      *ratelimit.Buckets[string]
	addresses *ratelimit.Buckets[netip.Addr]
	reports   *ratelimit.Buckets[netip.Addr]
	// allReports has one bucket.
	allReports *ratelimit.Buckets[struct{}]
}

func newDoor(a Admission, now func() time.Time) door {
	d := door{
		clients:    ratelimit.Clients{Trusted: a.TrustedProxies},
		reports:    ratelimit.New[netip.Addr](ratelimit.Rate{Every: reportEvery, Burst: reportsAtOnce}, addressesCounted, now),
		allReports: ratelimit.New[struct{}](ratelimit.Rate{Every: anyReportEvery, Burst: allReportsAtOnce}, 1, now),
	}
	if a.RateLimit > 0 {
		rate := ratelimit.PerSecond(a.RateLimit)
		d.keys = ratelimit.New[string](rate, keysCounted, now)
		d.addresses = ratelimit.New[netip.Addr](rate, addressesCounted, now)
	}
	return d
}

// keyless is what an operation is to whoever shows no key.
type keyless uint8

const (
	// keyNeeded is closed to them.
	keyNeeded keyless = iota
	// keyOptional takes them for access.Anonymous. A key that is shown must be right.
	keyOptional
	// keyIgnored is open to all: nobody's key is looked at.
	keyIgnored
)

// creating is what making links one at a time is to whoever shows no key.
func (a *Admission) creating() keyless {
	if a.Anonymous {
		return keyOptional
	}
	return keyNeeded
}

// knock finds out who calls, and judges whether they may, and how often. told is the header of the answer.
//
// A call is charged to the key, wherever that is used, and without a right one to the address. A key that this node knows costs nobody
// else anything, and is not shut out by what its neighbours do. The address is charged before the cluster is asked of any other, and
// gets it back if that was right.
func (s *Server) knock(told http.Header, r *http.Request, e endpoint) (access.Holder, error) {
	var left ratelimit.State // of whatever was charged last
	defer func() { tellLeft(told, left) }()
	holder, err := s.identify(r, e.keyless, true)
	if err != nil || holder.ID == access.Anonymous {
		giveBack, refused := s.chargeStranger(&left, r, e.limit)
		if refused != nil {
			return access.Holder{}, refused
		}
		if holder, err = s.identify(r, e.keyless, false); err != nil {
			return access.Holder{}, err
		}
		if holder.ID != access.Anonymous {
			giveBack()
		}
	}
	if holder.ID != access.Anonymous {
		if err := charge(&left, s.door.keys, holder.ID); err != nil {
			return access.Holder{}, err
		}
	}
	if !holder.Scopes.Holds(e.scope) {
		// What they may do may have been changed elsewhere a moment ago.
		return s.confirm(r.Context(), holder, e.scope, false)
	}
	return holder, nil
}

// confirm gives a holder as they are by now, or as this node knows them where local is set, if they may still do what takes a scope.
func (s *Server) confirm(ctx context.Context, by access.Holder, scope access.Scopes, local bool) (access.Holder, error) {
	if by.ID != access.Anonymous {
		var err error
		if by, err = s.config.Authenticator.Confirm(ctx, by, local); err != nil {
			return access.Holder{}, err
		}
	}
	if !by.Scopes.Holds(scope) {
		return access.Holder{}, link.ErrForbidden
	}
	return by, nil
}

// chargeStranger charges the address that a request comes from, in its bucket of limit too. What it was charged for as a call can be
// given back.
func (s *Server) chargeStranger(left *ratelimit.State, r *http.Request, limit *ratelimit.Buckets[netip.Addr]) (giveBack func(), err error) {
	if s.door.addresses == nil && limit == nil {
		return func() {}, nil
	}
	from := ratelimit.Household(s.door.clients.Of(r))
	if err := charge(left, s.door.addresses, from); err != nil {
		return nil, err
	}
	giveBack = func() {
		if s.door.addresses != nil {
			s.door.addresses.Return(from)
		}
	}
	return giveBack, charge(left, limit, from)
}

// identify gives the holder of the request's key, or says what this node knows of it where local is set.
func (s *Server) identify(r *http.Request, without keyless, local bool) (access.Holder, error) {
	if without == keyIgnored || without == keyOptional && !showsKey(r.Header) {
		return access.AnonymousHolder(), nil
	}
	key, err := keyOf(r.Header)
	if err != nil {
		return access.Holder{}, err
	}
	return s.config.Authenticator.Authenticate(r.Context(), key, local)
}

// errTooManyCalls is what is told who calls more often than they may.
var errTooManyCalls = errors.New("more calls came than are allowed; Retry-After says when to go on")

// limitError is an errTooManyCalls that knows when to go on.
type limitError struct{ wait time.Duration }

func (e *limitError) Error() string { return errTooManyCalls.Error() }
func (e *limitError) Unwrap() error { return errTooManyCalls }

// charge takes a call out of a bucket, and gives what is left in it. No buckets have no end.
func charge[K comparable](left *ratelimit.State, buckets *ratelimit.Buckets[K], key K) error {
	if buckets == nil {
		return nil
	}
	if *left = buckets.Take(key); !left.Taken {
		return &limitError{left.Wait}
	}
	return nil
}

// tellLeft sets what an answer says of a bucket, if any was asked.
func tellLeft(told http.Header, left ratelimit.State) {
	if left.Limit == 0 {
		return
	}
	told.Set("RateLimit-Limit", strconv.Itoa(left.Limit))
	told.Set("RateLimit-Remaining", strconv.Itoa(left.Remaining))
	told.Set("RateLimit-Reset", seconds(left.Reset))
}

// seconds are whole ones, rounded up, so that who waits for them comes neither early nor much too late.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// refuseAnonymous refuses of a create without a key what needs somebody who asks: strangers would share their idempotency keys, and
// would be shown whatever else is known of a link that they find.
func refuseAnonymous(c *call, want *wanted) error {
	switch {
	case c.by.ID != access.Anonymous:
		return nil
	case len(c.request.Header[idempotencyKey]) > 0:
		return invalid(link.ErrInvalidField, "Idempotency-Key needs an API key", idempotencyKey)
	case want[inFindIfExists].flag:
		return wrong("findIfExists needs an API key", inFindIfExists)
	}
	return nil
}
