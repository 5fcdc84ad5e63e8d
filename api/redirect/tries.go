package redirect

import (
	"errors"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"tinyurl/api/ratelimit"
	"tinyurl/fsm/link"
)

// ErrTooManyTries is what a visitor is told who tries passwords faster than anybody types them.
var ErrTooManyTries = errors.New("too many passwords were tried for this link from this address")

const (
	// triesAtOnce is how many passwords may be tried in tryWindow, for one link and from one address.
	triesAtOnce = 10
	tryWindow   = time.Minute
	// triesKept is how many pairs of a link and an address are remembered, the latest ones. Each takes some 500 bytes. An address
	// can be forgotten before its time only by as many tries of others.
	triesKept = 16 << 10
)

// tries bounds how often a password may be tried. It counts exactly: in no minute there are more than triesAtOnce.
type tries struct {
	now func() time.Time

	mu    sync.Mutex
	times *ratelimit.Latest[try, tryTimes] // owned by mu
}

// try is whom tries count for.
type try struct {
	code link.Code
	from netip.Addr
}

// tryTimes are the moments of the latest tries, as a ring: at next stands the oldest one.
type tryTimes struct {
	at   [triesAtOnce]time.Time
	next int
}

// triesError is an ErrTooManyTries that knows when there is room for another one.
type triesError struct{ wait time.Duration }

func (e *triesError) Error() string { return ErrTooManyTries.Error() }
func (e *triesError) Unwrap() error { return ErrTooManyTries }

// seconds is the wait for Retry-After, rounded up.
func (e *triesError) seconds() string {
	return strconv.FormatInt(int64((e.wait+time.Second-1)/time.Second), 10)
}

func newTries(now func() time.Time) *tries {
	return &tries{now: now, times: ratelimit.NewLatest[try, tryTimes](triesKept)}
}

// admit counts a try of the visitor; a triesError if there were too many, which is not counted.
func (t *tries) admit(code link.Code, from netip.Addr) error {
	by := try{code: code, from: ratelimit.Household(from)}
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	times := t.times.Of(by)
	oldest := times.at[times.next]
	if wait := oldest.Add(tryWindow).Sub(now); !oldest.IsZero() && wait > 0 {
		return &triesError{wait: min(wait, tryWindow)}
	}
	times.at[times.next] = now
	times.next = (times.next + 1) % triesAtOnce
	return nil
}
