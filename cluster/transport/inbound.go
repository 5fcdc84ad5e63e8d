package transport

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// inbound stands between the transport's RPCs and raft's main loop and notes what leaders tell, without touching raft's own
// state. Raft answers one RPC at a time, so passing them on one at a time changes nothing.
type inbound struct {
	from    <-chan raft.RPC
	to      chan raft.RPC
	now     func() time.Time
	closed  chan struct{}
	stopped sync.WaitGroup

	mu     sync.Mutex // guards what follows
	commit uint64
	heard  time.Time
}

// newInbound passes on from one channel to another until close.
func newInbound(from <-chan raft.RPC, now func() time.Time) *inbound {
	in := &inbound{from: from, to: make(chan raft.RPC), now: now, closed: make(chan struct{})}
	in.stopped.Go(in.run)
	return in
}

// close stops passing on; RPCs on their way are answered by nobody, as when the connection breaks.
func (in *inbound) close() {
	close(in.closed)
	in.stopped.Wait()
}

// run has one RPC in hand at a time, as raft's main loop has: no order is changed and nothing is queued.
func (in *inbound) run() {
	for {
		select {
		case rpc := <-in.from:
			if !in.pass(rpc) {
				return
			}
		case <-in.closed:
			return
		}
	}
}

// pass hands one RPC to raft; false when closed meanwhile.
func (in *inbound) pass(rpc raft.RPC) bool {
	req, ok := rpc.Command.(*raft.AppendEntriesRequest)
	if !ok || isHeartbeat(req) {
		return in.hand(rpc)
	}
	// Read before raft has it. The time is of the arrival: the message is at least so old when raft has answered.
	term, commit, arrived := req.Term, req.LeaderCommitIndex, in.now()
	asked := rpc.RespChan
	answers := make(chan raft.RPCResponse, 1)
	rpc.RespChan = answers
	if !in.hand(rpc) {
		return false
	}
	select {
	case answer := <-answers:
		// The answer tells whether this was a leader: one that was deposed is answered with a later term.
		if resp, ok := answer.Response.(*raft.AppendEntriesResponse); ok && answer.Error == nil && resp.Term == term {
			in.note(commit, arrived)
		}
		asked <- answer // has room for one
		return true
	case <-in.closed:
		return false
	}
}

// hand gives an RPC to raft, which may be busy or gone; false when closed meanwhile.
func (in *inbound) hand(rpc raft.RPC) bool {
	select {
	case in.to <- rpc:
		return true
	case <-in.closed:
		return false
	}
}

// note keeps the highest commit index ever told: a new leader may at first know of less than is committed, and what is
// committed stays so.
func (in *inbound) note(commit uint64, arrived time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.commit = max(in.commit, commit)
	in.heard = arrived
}

// last is what note kept.
func (in *inbound) last() (uint64, time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.commit, in.heard
}

// isHeartbeat recognises heartbeats as raft's transport does: they carry a term and a sender and nothing else, not even the
// commit index.
func isHeartbeat(a *raft.AppendEntriesRequest) bool {
	return a.PrevLogEntry == 0 && a.PrevLogTerm == 0 && len(a.Entries) == 0 && a.LeaderCommitIndex == 0
}
