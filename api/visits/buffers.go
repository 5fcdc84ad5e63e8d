package visits

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
)

// seen is a visit in a buffer.
type seen struct {
	code, target              string
	agent, referrer, language *text
	address                   netip.Addr
	status                    int16
	automatic                 bool
}

const (
	// bufferCount is how many buffers there are: few visits at once find the first one they try taken.
	bufferCount = 8
	// bufferRoom is how many visits each holds. All together they hold the visits of a third of a second at 200,000 a second.
	bufferRoom = 8192
	// bufferCall is how many a buffer holds when it calls to be taken: so few that they are still in the processor's cache then.
	bufferCall = 128
)

// buffers take visits from any number of goroutines, and give them to one.
type buffers struct {
	each    [bufferCount]buffer
	dropped atomic.Uint64
	// call has a token when a buffer calls.
	call chan struct{}
}

type buffer struct {
	mu    sync.Mutex // held for as long as it takes to copy one visit
	seen  []seen     // owned by mu
	spare []seen     // owned by mu: empty, for the next change of hands
	_     [64]byte   // nobody else's cache line
}

func newBuffers() *buffers { return &buffers{call: make(chan struct{}, 1)} }

// put takes a visit, or drops it where there is no room.
func (b *buffers) put(s *seen) {
	first := rand.Uint32() //nolint:gosec // any place will do
	for i := range uint32(bufferCount) {
		one := &b.each[(first+i)%bufferCount]
		if !one.mu.TryLock() {
			continue
		}
		b.append(one, s)
		return
	}
	one := &b.each[first%bufferCount]
	one.mu.Lock()
	b.append(one, s)
}

// append puts a visit into a buffer that is locked, and unlocks it.
func (b *buffers) append(one *buffer, s *seen) {
	n := len(one.seen)
	if n < bufferRoom {
		one.seen = append(one.seen, *s)
	}
	one.mu.Unlock()
	switch n {
	case bufferRoom:
		b.dropped.Add(1)
	case bufferCall:
		select {
		case b.call <- struct{}{}:
		default:
		}
	}
}

// take calls do with the visits of each buffer, and empties it. What it is called with is good until it returns.
func (b *buffers) take(do func([]seen)) {
	for i := range b.each {
		one := &b.each[i]
		one.mu.Lock()
		full := one.seen
		one.seen, one.spare = one.spare, nil
		one.mu.Unlock()
		if len(full) == 0 && cap(full) == 0 {
			continue
		}
		do(full)
		clear(full) // or the texts would live on in it
		one.mu.Lock()
		one.spare = full[:0]
		one.mu.Unlock()
	}
}
