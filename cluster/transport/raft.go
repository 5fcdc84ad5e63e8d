package transport

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"tinyurl/cluster/member"
)

// Defaults of RaftConfig.
const (
	// RPCTimeout must be enough for the largest AppendEntries, which it does not scale with: 32 entries of 256 KiB, 8 MiB,
	// pass in it at 7 Mbit/s. InstallSnapshot has this long for every snapshotScale bytes.
	RPCTimeout    = 10 * time.Second
	snapshotScale = 4 << 20
	// MaxPool is how many idle connections are kept for each node: one for heartbeats, one for entries, one for votes, and one for
	// what is committed.
	MaxPool = 4
	// holdFailure is how long a failed replication message is held back while its node is silent.
	holdFailure = 5 * time.Second
)

// RaftConfig is what a Raft needs.
type RaftConfig struct {
	// Stream carries the connections; closing the Raft closes it.
	Stream *Stream
	// Stalled reports why this node must not look like a leader: a log write or an apply that is older than 5 s. It is
	// asked before every message, from many goroutines, and must not block. Nil is never.
	Stalled func() error
	// Synced is the index up to which this node holds on its disk what its raft believes it holds: followers are told of nothing above
	// it that it is committed. It is asked before every message, and must not block. Nil is all.
	Synced func() uint64
	// Timeout bounds one RPC; 0 is RPCTimeout.
	Timeout time.Duration
	// Now is the clock of LeaderCommit; nil is time.Now.
	Now func() time.Time
	// Logger is raft's; nil is silence.
	Logger hclog.Logger
}

// Raft is raft's network transport, kept clear of its traps:
//
//   - Heartbeats take no fast path beside raft's main loop (see SetHeartbeatHandler).
//   - A node whose disk or state machine stalls sends nothing that would keep it leader: raft#503, replication's own empty
//     messages refresh followers for ever while nothing can be written.
//   - A leader whose own disk has not got an entry yet tells nobody that it is committed (RaftConfig.Synced).
//   - Nothing is pipelined: raft#612, a pipeline can wedge a follower.
//   - What is left of a term that this node has left says and hears nothing (see terms).
//   - It remembers which messages were acknowledged (Acks), since raft's VerifyLeader counts acknowledgements of messages
//     sent before it was asked, and of non-voters.
//   - It remembers what the leader said was committed (LeaderCommit).
//   - Followers are told at once what is committed (TellCommitted).
//   - Close ends every connection and goroutine.
type Raft struct {
	// Embedded, so that what raft asks of a transport by type assertion in a later version is not lost.
	*raft.NetworkTransport

	stream  *Stream
	stalled func() error
	synced  func() uint64
	acks    *Acks
	terms   terms
	commits *commits
	inbound *inbound
	ending  chan struct{} // closed by Close
	once    sync.Once     // guards Close
	closed  error         // what Close answered
}

// Raft looks for these by type assertion: without them it runs, and does worse in silence.
var (
	_ raft.Transport   = (*Raft)(nil)
	_ raft.WithPreVote = (*Raft)(nil)
	_ raft.WithClose   = (*Raft)(nil)
)

// NewRaft starts the transport of one raft group.
func NewRaft(c RaftConfig) *Raft {
	if c.Timeout <= 0 {
		c.Timeout = RPCTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = hclog.NewNullLogger()
	}
	if c.Stalled == nil {
		c.Stalled = func() error { return nil }
	}
	if c.Synced == nil {
		c.Synced = func() uint64 { return math.MaxUint64 }
	}
	network := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream:          c.Stream,
		MaxPool:         MaxPool,
		MaxRPCsInFlight: 1, // no pipelines
		Timeout:         c.Timeout,
		Logger:          c.Logger,
	})
	network.TimeoutScale = snapshotScale // the default, 256 KiB, would give a gigabyte eleven hours
	t := &Raft{
		NetworkTransport: network,
		stream:           c.Stream,
		stalled:          c.Stalled,
		synced:           c.Synced,
		acks:             newAcks(),
		inbound:          newInbound(network.Consumer(), c.Now),
		ending:           make(chan struct{}),
	}
	t.commits = newCommits(t.sendCommit)
	return t
}

// SetHeartbeatHandler does nothing, on purpose. Raft offers a handler so that heartbeats need not wait behind its main loop,
// but it changes the term and the state on the transport's goroutine while the main loop is in the middle of something; an
// acknowledged write can be lost by it (raft#695). Without a handler heartbeats come through Consumer like every other RPC.
// They then wait for the follower's disk, which is why the heartbeat timeout must be well above a slow fsync.
func (t *Raft) SetHeartbeatHandler(func(raft.RPC)) {}

// Consumer is where raft takes the RPCs of other nodes from.
func (t *Raft) Consumer() <-chan raft.RPC { return t.inbound.to }

// Acks are the acknowledgements of what this node sent as leader.
func (t *Raft) Acks() *Acks { return t.acks }

// LeaderCommit is the highest commit index a leader ever told this node, and when a leader last told one: a node that has
// applied it was up to date at that time, less the time the message travelled. Heartbeats tell none; leaders repeat it
// within about two commit timeouts otherwise. The time is zero before the first.
func (t *Raft) LeaderCommit() (index uint64, heardAt time.Time) { return t.inbound.last() }

// AppendEntriesPipeline is not supported.
func (t *Raft) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

// AppendEntries sends entries or a heartbeat, unless the node is stalled (ErrStalled) or has left the term (ErrPastTerm, also for an
// answer that comes after that), and notes the acknowledgement.
func (t *Raft) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	if err := t.mayLead(id, target); err != nil {
		return err
	}
	if err := t.terms.enter(args.Term); err != nil {
		return err
	}
	args.LeaderCommitIndex = min(args.LeaderCommitIndex, t.synced())
	sent := t.acks.sending()
	if !isHeartbeat(args) {
		t.commits.begins(id)
	}
	err := t.NetworkTransport.AppendEntries(id, target, args, resp)
	if !isHeartbeat(args) {
		t.commits.ends(id, args, err == nil && resp.Success && resp.Term == args.Term)
	}
	if past := t.terms.current(args.Term); past != nil {
		return past
	}
	if err != nil {
		if !isHeartbeat(args) {
			t.awaitContact(member.ID(id), sent)
		}
		return err
	}
	// Entries that do not fit are refused in the leader's own term: an acknowledgement of the leader all the same.
	if resp.Term == args.Term {
		t.acks.record(member.ID(id), args.Term, sent)
	}
	return nil
}

// TellCommitted says that this node, as the leader of a term, has applied the entry of an index, and has followers that hold it told
// unless raft is about to tell them. It does not wait for them.
func (t *Raft) TellCommitted(term, index uint64) { t.commits.reached(term, index) }

// sendCommit sends a message of commits, which must not keep a stalled node leader either.
func (t *Raft) sendCommit(id raft.ServerID, m *raft.AppendEntriesRequest) bool {
	target := raft.ServerAddress(id) // as everywhere, see addressed
	if t.mayLead(id, target) != nil || t.terms.current(m.Term) != nil {
		return false
	}
	var resp raft.AppendEntriesResponse
	err := t.NetworkTransport.AppendEntries(id, target, m, &resp)
	return err == nil && resp.Success && resp.Term == m.Term
}

// awaitContact holds a failure of replication back until the node answers a heartbeat sent later, or for holdFailure. Raft waits
// longer after every failure, up to ten seconds, and nothing but a success shortens that: a node that comes back would hear
// heartbeats at once and get no entries. Few failures make a short wait.
func (t *Raft) awaitContact(id member.ID, failed Instant) {
	over := time.NewTimer(holdFailure)
	defer over.Stop()
	for {
		more := t.acks.Changed()
		if t.acks.heardSince(id, failed) {
			return
		}
		select {
		case <-more:
		case <-over.C:
			return
		case <-t.ending:
			return
		}
	}
}

// InstallSnapshot streams a snapshot, unless the node is stalled or becomes so meanwhile (ErrStalled), or has left the term (ErrPastTerm).
func (t *Raft) InstallSnapshot(id raft.ServerID, target raft.ServerAddress, args *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	if err := t.mayLead(id, target); err != nil {
		return err
	}
	if err := t.terms.enter(args.Term); err != nil {
		return err
	}
	err := t.NetworkTransport.InstallSnapshot(id, target, args, resp, &unstalledReader{data, t})
	if past := t.terms.current(args.Term); past != nil {
		return past
	}
	return err
}

// TimeoutNow asks a voter to take the leadership over, unless the node is stalled (ErrStalled).
func (t *Raft) TimeoutNow(id raft.ServerID, target raft.ServerAddress, args *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	if err := t.mayLead(id, target); err != nil {
		return err
	}
	return t.NetworkTransport.TimeoutNow(id, target, args, resp)
}

// RequestVote asks for a vote; only the server's own id is dialled, so that no node can vote for two.
func (t *Raft) RequestVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	if err := addressed(id, target); err != nil {
		return err
	}
	t.terms.reached(args.Term)
	return t.NetworkTransport.RequestVote(id, target, args, resp)
}

// RequestPreVote is RequestVote without the promise.
func (t *Raft) RequestPreVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	if err := addressed(id, target); err != nil {
		return err
	}
	return t.NetworkTransport.RequestPreVote(id, target, args, resp)
}

// mayLead guards every message only a leader sends. Votes are not among them: a stalled node may well help to elect another.
func (t *Raft) mayLead(id raft.ServerID, target raft.ServerAddress) error {
	if err := addressed(id, target); err != nil {
		return err
	}
	if err := t.stalled(); err != nil {
		return fmt.Errorf("%w: %w", ErrStalled, err)
	}
	return nil
}

// addressed makes sure that what is asked of a server is asked of it, and that its answer is credited to it.
func addressed(id raft.ServerID, target raft.ServerAddress) error {
	if string(id) != string(target) {
		return fmt.Errorf("%w: server %q, address %q", ErrNotAnID, id, target)
	}
	return nil
}

// unstalledReader breaks a snapshot's stream off when the node stalls.
type unstalledReader struct {
	data io.Reader
	t    *Raft
}

func (r *unstalledReader) Read(b []byte) (int, error) {
	if err := r.t.stalled(); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrStalled, err)
	}
	return r.data.Read(b)
}

// Close ends the transport: nothing is accepted or sent any more, RPCs in flight fail at once, every connection is closed.
// Raft calls it when it has shut down; called before, it spares the shutdown from waiting for RPCs to dead nodes. A second
// Close does nothing.
func (t *Raft) Close() error {
	t.once.Do(func() {
		close(t.ending)
		err := t.NetworkTransport.Close() // closes the stream and with it the connections in use
		t.CloseStreams()                  // and the pooled ones
		t.commits.close()
		t.inbound.close()
		t.closed = errors.Join(err, t.stream.Close())
	})
	return t.closed
}
