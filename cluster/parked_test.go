package cluster

import (
	"testing"

	"tinyurl/fsm/link"
)

// What a parked node knows must be found at the very moment, too, when raft takes over.
func TestAKnownLinkIsFoundWhileANodeIsUnparked(t *testing.T) {
	known := &reads{local: &stateDouble{links: map[link.Code]link.Link{"abc": {Code: "abc"}}}}
	rounds := 100_000
	if raceDetector {
		rounds = 10_000
	}
	for range rounds {
		n := &Node{}
		n.parked.Store(&parked{reads: known})
		done := make(chan struct{})
		go func() { // as unpark does
			defer close(done)
			n.group.Store(&Group{reads: known})
			n.parked.Store(nil)
		}()
		for over := false; !over; {
			select {
			case <-done:
				over = true
			default:
			}
			_, err := n.Lookup("abc")
			if _, settled, looked := n.Look("abc"); err != nil || looked != nil || !settled {
				t.Fatalf("Lookup: %v; Look: %v", err, looked)
			}
			if _, err := n.Resolve(t.Context(), "abc"); err != nil {
				t.Fatalf("Resolve: %v", err)
			}
		}
	}
}
