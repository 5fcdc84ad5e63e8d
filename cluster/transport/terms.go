package transport

import (
	"fmt"
	"sync/atomic"
)

// terms keeps what is left of a leader's earlier terms from speaking. Raft does not wait for the goroutines of a term it has
// left: one that hangs in a connection goes on after it. If its node leads again by then, and a follower answers that the term
// is over, raft takes that for the end of the new one and steps down (its VerifyLeader asks once for all terms).
type terms struct {
	highest atomic.Uint64 // this node ever sent a message in
}

// reached notes that this node sends in a term.
func (t *terms) reached(term uint64) {
	for {
		known := t.highest.Load()
		if term <= known || t.highest.CompareAndSwap(known, term) {
			return
		}
	}
}

// enter notes that this node is about to send as the leader of a term; ErrPastTerm if it has gone on to a later one.
func (t *terms) enter(term uint64) error {
	t.reached(term)
	return t.current(term)
}

// current is ErrPastTerm if this node has gone on to a later term.
func (t *terms) current(term uint64) error {
	if now := t.highest.Load(); term < now {
		return fmt.Errorf("%w: %d, now %d", ErrPastTerm, term, now)
	}
	return nil
}
