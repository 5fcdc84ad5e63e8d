package wire

import (
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// Quality is how one direction between two hosts behaves. The zero value delivers everything at once.
type Quality struct {
	// Latency is how long a message travels; Jitter is added to it at random, evenly from 0 to Jitter.
	Latency, Jitter time.Duration
	// Loss is the chance, 0 to 1, that a packet is lost, or that a stream breaks at a write: both ends get a reset.
	Loss float64
	// Duplicate is the chance that a packet arrives twice, Reorder that it is overtaken by those sent shortly after it.
	Duplicate, Reorder float64
	// Cut lets nothing through: packets are lost, bytes of streams held back.
	Cut bool
}

// Normal is the quality between two hosts for which none was set: a network within a data centre. A host reaches itself at once.
var Normal = Quality{Latency: time.Millisecond, Jitter: 200 * time.Microsecond}

// Patience is how long a stream bears that nothing gets through, before it breaks with ETIMEDOUT at the end that lost it.
type Patience struct {
	// Unacknowledged is for an end that has sent something; KeepAlive for one that has not. 0 is the default, less is for ever.
	Unacknowledged, KeepAlive time.Duration
}

// The defaults of Patience; that for silence is the one of Go's sockets: 15 s idle, then 9 probes 15 s apart.
const (
	DefaultUnacknowledged = 15 * time.Second
	DefaultKeepAlive      = 150 * time.Second
)

// never is later than every instant of a network.
const never = time.Duration(math.MaxInt64)

func (p Patience) withDefaults() Patience {
	for _, d := range []struct {
		value     *time.Duration
		byDefault time.Duration
	}{{&p.Unacknowledged, DefaultUnacknowledged}, {&p.KeepAlive, DefaultKeepAlive}} {
		if *d.value == 0 {
			*d.value = d.byDefault
		}
	}
	return p
}

// after is the end of a patience that began then.
func after(began, patience time.Duration) time.Duration {
	if patience < 0 || began == never {
		return never
	}
	return began + patience
}

// firstRetry is TCP's least time before something is sent again; every further wait is twice as long.
const firstRetry = 200 * time.Millisecond

// nextRetry is when what is held back since then is sent again, now that it would get through.
func nextRetry(since, now time.Duration) time.Duration {
	at := since
	for wait := firstRetry; at < now; wait *= 2 {
		at += wait
	}
	return at
}

// chance is the one source of randomness of a network.
type chance struct {
	mu     sync.Mutex
	random *rand.Rand // guarded by mu
}

func newChance(seed uint64) *chance {
	const stream = 0x77697265 // "wire": other users of the same seed draw other numbers
	return &chance{random: rand.New(rand.NewPCG(seed, stream))}
}

// below is a random time from 0 up to limit.
func (c *chance) below(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Duration(c.random.Float64() * float64(limit))
}

// happens is true with probability p.
func (c *chance) happens(p float64) bool {
	if p <= 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.random.Float64() < p
}

// delay is how long the next message travels.
func (c *chance) delay(q *Quality) time.Duration { return q.Latency + c.below(q.Jitter) }
