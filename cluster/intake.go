package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/member"
	"tinyurl/cluster/peer"
	"tinyurl/fsm"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

const (
	// intakeQueue bounds the batches that wait at the leader.
	intakeQueue = 256
	// enqueueTimeout bounds the wait for raft to take an entry; a raft loop that is busy longer is not worth waiting for.
	enqueueTimeout = time.Second
)

// intake is the leader's end of a write: it joins the batches of all nodes into log entries, stamps them, and gives each
// batch its results. A write is answered only when it is applied here, hence committed.
type intake struct {
	raft *answeringRaft
	now  func() time.Time
	size func(operations float64) // told the size of each entry
	log  *slog.Logger
	pace *pace

	mu         sync.Mutex
	queue      []*submission // owned by mu: in order of arrival
	operations int           // owned by mu: how many there are in queue

	more chan struct{} // a token when the queue has grown

	// transferring is since when raft refuses entries for a leadership transfer, in Unix nanoseconds; 0 when it does not.
	transferring atomic.Int64

	life *lifetime
}

// submission is one batch on its way; done is closed after the other fields are set.
type submission struct {
	parcel
	done chan struct{}

	index   uint64
	results []command.Result
	err     error
}

func newIntake(r *answeringRaft, now func() time.Time, size func(float64), logger *slog.Logger) *intake {
	q := &intake{
		raft: r, now: now, size: size, log: logger, more: make(chan struct{}, 1), life: newLifetime(),
	}
	q.pace = newPace(q.gathered)
	q.life.Go(q.run)
	return q
}

// submit waits until the batch, which has been decoded once by whoever took it in, is applied and returns the index of its entry and a result per operation.
// Errors: ErrNotLeader (nothing happened), link.ErrOverloaded (nothing happened), ErrUnknownOutcome, and ctx's own.
func (q *intake) submit(ctx context.Context, batch parcel) (uint64, []command.Result, error) {
	s := &submission{parcel: batch, done: make(chan struct{})}
	if q.life.over() {
		return 0, nil, ErrNotLeader
	}
	if !q.enqueue(s) {
		// Refused here and now, and so surely not applied: the proposer may tell its callers, or try again, without a doubt.
		return 0, nil, link.ErrOverloaded
	}
	select {
	case <-s.done:
		return s.index, s.results, s.err
	case <-ctx.Done(): // it may be in the log already, or be taken out of the queue after this
		return 0, nil, ErrUnknownOutcome
	case <-q.life.ctx.Done():
		return 0, nil, ErrUnknownOutcome
	}
}

// readBatch decodes what node from has sent, or refuses it. Once in the log it is applied by every replica, so what one of them
// cannot apply stops them all: what none can read, and a leader's own command, which may name a version that nobody knows yet. Nor
// may a node speak in another's name: a boot number of its choice would end that node's writes.
func readBatch(from member.ID, encoded []byte) (command.Batch, error) {
	batch, err := command.DecodeBatch(encoded)
	if err != nil {
		return batch, fmt.Errorf("%w: %w", peer.ErrMalformed, err)
	}
	if batch.Origin.Node != string(from) {
		return batch, fmt.Errorf("%w: a batch of %q, sent by %s", peer.ErrMalformed, batch.Origin.Node, from)
	}
	for _, op := range batch.Operations {
		if _, leads := op.Command.(command.Lead); leads {
			return batch, fmt.Errorf("%w: a leader's own command, sent by %s", peer.ErrMalformed, from)
		}
	}
	return batch, nil
}

// enqueue puts a batch at the end of the queue, unless that is full.
func (q *intake) enqueue(s *submission) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) >= intakeQueue {
		return false
	}
	q.queue = append(q.queue, s)
	q.operations += s.operations
	select {
	case q.more <- struct{}{}:
	default:
	}
	return true
}

// gathered is how many operations wait.
func (q *intake) gathered() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.operations
}

// run sends entries, each when its time has come (see pace).
func (q *intake) run() {
	for q.pace.next(q.life.ctx, q.more) {
		full, operations := q.fill()
		back := q.pace.leaves(operations)
		if !q.life.Go(func() {
			defer back()
			q.propose(full, operations)
		}) {
			return
		}
	}
}

// fill takes what waits, up to the limits of one entry. There is something.
func (q *intake) fill() (full []*submission, operations int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, size := 0, 0
	for _, s := range q.queue {
		if n > 0 && (operations+s.operations > command.MaxOperations || size+len(s.encoded) > command.MaxBytes) {
			break
		}
		operations += s.operations
		size += len(s.encoded)
		n++
	}
	full, q.queue = q.queue[:n:n], q.queue[n:]
	q.operations -= operations
	return full, operations
}

// propose appends one entry and hands its results back.
func (q *intake) propose(full []*submission, operations int) {
	batches := make([][]byte, len(full))
	for i, s := range full {
		batches[i] = s.encoded
	}
	q.size(float64(operations))
	index, results, err := q.apply(batches...)
	if err == nil && len(results) != len(full) {
		err = fmt.Errorf("%w: %d batches, %d results", ErrUnknownOutcome, len(full), len(results))
	}
	for i, s := range full {
		if s.err = err; err == nil {
			s.index, s.results = index, results[i]
		}
		close(s.done)
	}
}

// apply stamps the batches and puts them through the log as one entry.
func (q *intake) apply(batches ...[]byte) (uint64, [][]command.Result, error) {
	data, err := command.Join(q.now(), batches...)
	if err != nil {
		return 0, nil, fmt.Errorf("make entry: %w", err)
	}
	// The time-out is for raft's taking the entry; what follows has none of its own, and ends with the leadership or with raft.
	future := q.raft.Apply(data, enqueueTimeout)
	err = future.Error() // it comes at the latest when raft shuts down, see answeringRaft
	q.noteTransfer(err)
	if err != nil {
		q.log.Debug("entry not applied", "error", err)
		return 0, nil, outcome(err)
	}
	switch response := future.Response().(type) {
	case fsm.Outcome:
		return future.Index(), response.Results, nil
	case error:
		return 0, nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, response)
	default:
		return 0, nil, fmt.Errorf("%w: the state machine answered %T", ErrUnknownOutcome, response)
	}
}

// noteTransfer remembers since when a transfer of leadership blocks writes: raft can stay in that state for ever
// (raft#696), and the watchdog ends the process then.
func (q *intake) noteTransfer(err error) {
	if !errors.Is(err, raft.ErrLeadershipTransferInProgress) {
		q.transferring.Store(0)
		return
	}
	q.transferring.CompareAndSwap(0, time.Now().UnixNano())
}

// transferringSince tells since when writes are refused for a transfer of leadership, zero when they are not.
func (q *intake) transferringSince() time.Time {
	if since := q.transferring.Load(); since != 0 {
		return time.Unix(0, since)
	}
	return time.Time{}
}

// outcome sorts raft's errors: those that say the entry was never appended, and all others.
func outcome(err error) error {
	if errors.Is(err, raft.ErrNotLeader) || errors.Is(err, raft.ErrLeadershipTransferInProgress) || errors.Is(err, raft.ErrEnqueueTimeout) {
		return fmt.Errorf("%w: %w", ErrNotLeader, err)
	}
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}

// close ends the intake and what waits in it. Raft must be told to shut down before: an entry that travels is waited for.
func (q *intake) close() { q.life.end() }
