package transport

import (
	"sync"

	"tinyurl/cluster/member"
)

// Instant orders the sending of messages and the beginning of reads on one node. It is a count and not a time: two things
// within one tick of a clock still have an order.
type Instant uint64

// Acks remembers, for each follower, the last message of this leader it acknowledged: when that message was *sent*. An
// acknowledgement proves that its sender had not voted for a later leader at some moment after the message was sent, so a
// quorum of voters whose acknowledged messages were sent after a read began proves that there was no later leader when it
// began. (When an acknowledgement arrives proves nothing: it may have waited in a socket while the world moved on.)
// It is safe for concurrent use.
type Acks struct {
	mu      sync.Mutex // guards everything below
	last    Instant
	term    uint64 // the newest term acknowledged; only its acks are kept
	sent    map[member.ID]Instant
	changed chan struct{} // closed at the next ack; nil when nobody waits
}

// newAcks knows of no acknowledgement; every instant is after it.
func newAcks() *Acks { return &Acks{sent: map[member.ID]Instant{}} }

// Now is an instant that every message sent from here on comes after. A read takes it first of all.
func (a *Acks) Now() Instant {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

// sending is the instant of a message about to leave; take it before the message can have left.
func (a *Acks) sending() Instant {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	return a.last
}

// record credits an acknowledgement in term to the instant its message was sent, and wakes whoever waits for Changed.
func (a *Acks) record(from member.ID, term uint64, sent Instant) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case term < a.term:
		return // a message of a leadership that is over
	case term > a.term:
		a.term = term
		clear(a.sent)
	}
	if sent <= a.sent[from] {
		return
	}
	a.sent[from] = sent
	if a.changed != nil {
		close(a.changed)
		a.changed = nil
	}
}

// Since says whether more than half of voters acknowledged, in term, a message sent after t. This node, self, needs no
// message to agree with itself, if it is a voter. It is false without voters. The caller checks that term is still its own
// and that it leads, before taking t and after.
func (a *Acks) Since(term uint64, t Instant, voters []member.ID, self member.ID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	agree := 0
	for _, id := range voters {
		if id == self || term == a.term && a.sent[id] > t {
			agree++
		}
	}
	return agree > len(voters)/2
}

// heardSince says whether a node acknowledged a message sent after t, in any term of this leader.
func (a *Acks) heardSince(id member.ID, t Instant) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sent[id] > t
}

// Changed is closed at the next acknowledgement. To wait, take it, then ask Since, then wait for it: in this order no
// acknowledgement is missed.
func (a *Acks) Changed() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.changed == nil {
		a.changed = make(chan struct{})
	}
	return a.changed
}
