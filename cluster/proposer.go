package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

const (
	// operationsInFlight caps the operations that wait at one node. Past it a write is shed, never queued without bound.
	operationsInFlight = 4096
	// openLimit caps the operations above the lowest that still waits: their results are kept in the state until the floor
	// passes them.
	openLimit = 8 * operationsInFlight
	// appliedPatience is how long an acknowledged write waits to be applied on this node too. One that lags further behind
	// answers all the same: a read of the link takes a read index here, and finds it.
	appliedPatience = 500 * time.Millisecond
	// batchFrame is what a batch weighs beside its operations, in bytes (command.Size).
	batchFrame = 512
	// retryFirst and retryMost bound the pause between two tries of a batch; a change of leader ends a pause early.
	retryFirst = 20 * time.Millisecond
	retryMost  = 200 * time.Millisecond
)

// proposer is the ingress end of a write. It gathers the operations of all requests on this node into batches, brings each
// batch to the leader, again and again under the same identity until its outcome is known or its time is over, and
// answers when this node has applied the entry, so that the caller can read its own write here.
type proposer struct {
	boots   *boots
	timeout time.Duration
	submit  submitter
	leader  func() (member.ID, <-chan struct{})
	applied func(ctx context.Context, index uint64) error
	log     *slog.Logger

	mu      sync.Mutex
	queue   []*operation  // owned by mu: not yet sent, in order of sequence
	open    []*operation  // owned by mu: every operation whose outcome may still come, in order of sequence
	next    uint64        // owned by mu: the sequence of the next operation
	waiting int           // owned by mu: how many of open have no outcome yet
	quiet   chan struct{} // owned by mu: closed when nothing is open; nil unless somebody waits
	closed  bool          // owned by mu

	kick chan struct{} // a token when the queue has grown
	pace *pace
	life *lifetime
}

// submitter brings one encoded batch to the given leader and returns the index of its entry and a result per operation.
type submitter func(ctx context.Context, leader member.ID, b parcel) (uint64, []command.Result, error)

// parcel is an encoded batch and the number of operations in it.
type parcel struct {
	encoded    []byte
	operations int
}

// operation is one command on its way; done is closed after result and err are set.
type operation struct {
	command.Operation
	size     int
	deadline time.Time
	done     chan struct{}
	finished bool // owned by proposer.mu: its outcome was given; it no longer holds the floor

	result command.Result
	err    error
}

// outcome is what became of it; done is closed.
func (o *operation) outcome() command.Result {
	if o.err != nil {
		return command.Result{Err: o.err}
	}
	return o.result
}

// late is what is known when nobody waits any longer: the outcome, if it has come, whichever way a select fell.
func (o *operation) late() command.Result {
	select {
	case <-o.done:
		return o.outcome()
	default:
		return command.Result{Err: link.ErrNoLeader}
	}
}

func newProposer(origin *boots, timeout time.Duration, submit submitter,
	leader func() (member.ID, <-chan struct{}), applied func(context.Context, uint64) error, log *slog.Logger,
) *proposer {
	p := &proposer{
		boots: origin, timeout: timeout, submit: submit, leader: leader, applied: applied, log: log,
		next: 1, kick: make(chan struct{}, 1), life: newLifetime(),
	}
	p.pace = newPace(p.queued)
	p.life.Go(p.run)
	return p
}

// propose puts the commands through the log and returns one result for each, in order. An operation whose outcome did not
// come in time has link.ErrNoLeader in its result; the whole call fails only with link.ErrOverloaded (nothing happened)
// or errClosed (nothing happened).
func (p *proposer) propose(ctx context.Context, actor string, commands []command.Command) ([]command.Result, error) {
	operations, err := p.enqueue(ctx, actor, commands)
	if err != nil {
		return nil, err
	}
	// A batch lives as long as its youngest operation may wait; nobody waits longer than its own time.
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	results := make([]command.Result, len(operations))
	for i, o := range operations {
		select {
		case <-o.done:
			results[i] = o.outcome()
		case <-ctx.Done():
			results[i] = o.late()
		}
	}
	return results, nil
}

// enqueue gives each command its identity and its place, or refuses all of them.
func (p *proposer) enqueue(ctx context.Context, actor string, commands []command.Command) ([]*operation, error) {
	deadline := time.Now().Add(p.timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	operations := make([]*operation, len(commands))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if p.waiting+len(commands) > operationsInFlight || len(p.open)+len(commands) > openLimit {
		return nil, link.ErrOverloaded
	}
	for i, c := range commands {
		o := command.Operation{Sequence: p.next, Command: c, Actor: actor}
		operations[i] = &operation{Operation: o, size: command.Size(o), deadline: deadline, done: make(chan struct{})}
		p.next++
	}
	// Under one lock with the numbering: the queue and the open operations are in order of sequence, which the floor relies on.
	p.waiting += len(operations)
	p.queue = append(p.queue, operations...)
	p.open = append(p.open, operations...)
	select {
	case p.kick <- struct{}{}:
	default:
	}
	return operations, nil
}

// run sends batches, each when its time has come (see pace).
func (p *proposer) run() {
	for p.pace.next(p.life.ctx, p.kick) {
		batch := p.fill()
		if batch == nil {
			continue // closed meanwhile
		}
		back := p.pace.leaves(len(batch))
		started := p.life.Go(func() {
			defer back()
			p.deliver(batch)
		})
		if !started {
			p.finish(batch, nil, link.ErrNoLeader)
			return
		}
	}
}

// queued is how many operations wait to be sent.
func (p *proposer) queued() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue)
}

// fill takes the next operations from the queue, up to the limits of one batch; nil when there are none.
func (p *proposer) fill() []*operation {
	p.mu.Lock()
	defer p.mu.Unlock()
	size, n := 0, 0
	for n < len(p.queue) && n < command.MaxOperations {
		size += p.queue[n].size
		if n > 0 && size > command.MaxBytes-batchFrame {
			break
		}
		n++
	}
	if n == 0 {
		return nil
	}
	batch := p.queue[:n:n]
	p.queue = p.queue[n:]
	return batch
}

// deliver brings one batch to its end: results, or an outcome that stays unknown.
func (p *proposer) deliver(operations []*operation) {
	deadline := operations[0].deadline
	for _, o := range operations {
		if o.deadline.After(deadline) {
			deadline = o.deadline
		}
	}
	ctx, cancel := context.WithDeadline(p.life.ctx, deadline)
	defer cancel()
	index, results, err := p.persist(ctx, operations)
	if err == nil {
		// The write stands whether or not this node learns of it in time; waiting only lets the caller read it here.
		patience, cancel := context.WithTimeout(ctx, appliedPatience)
		defer cancel()
		if waited := p.applied(patience, index); waited != nil {
			p.log.Debug("answered before the entry was applied here", "index", index, "error", waited)
		} else if slices.ContainsFunc(results, func(r command.Result) bool { return errors.Is(r.Err, command.ErrStale) }) {
			p.boots.outrun() // only now: a state that lags behind does not know every number that is over
		}
	}
	p.finish(operations, results, err)
}

// persist tries until the outcome is known, the time is over, or the leader refuses. Every try carries the same identity,
// so it does not matter whether an earlier one took effect.
func (p *proposer) persist(ctx context.Context, operations []*operation) (uint64, []command.Result, error) {
	batch, err := p.encode(operations)
	if err != nil {
		return 0, nil, err
	}
	pause := retryFirst
	uncertain := false // an earlier try may have taken effect
	for {
		leader, changed := p.leader()
		if leader != "" {
			index, results, err := p.attempt(ctx, leader, batch)
			switch {
			case err == nil && len(results) == len(operations):
				return index, results, nil
			case errors.Is(err, link.ErrOverloaded), errors.Is(err, link.ErrDiskFull):
				if !uncertain {
					return 0, nil, err
				}
			case !notProcessed(err):
				uncertain = true
			}
			p.log.Debug("batch not accepted", "leader", leader, "error", err)
		}
		select {
		case <-changed:
			pause = retryFirst
		case <-time.After(pause):
			pause = min(2*pause, retryMost)
		case <-ctx.Done():
			return 0, nil, link.ErrNoLeader
		}
	}
}

// attempt is one try. It is given up when this node hears of another leader: the old one may never answer.
func (p *proposer) attempt(ctx context.Context, leader member.ID, batch parcel) (uint64, []command.Result, error) {
	ctx, cancel := whileLeading(ctx, leader, p.leader)
	defer cancel()
	return p.submit(ctx, leader, batch)
}

// encode makes what travels. The floor is the lowest sequence whose outcome may still be asked for: the state machine
// forgets the results below it and refuses late copies of such operations.
func (p *proposer) encode(operations []*operation) (parcel, error) {
	b := command.Batch{Origin: p.boots.proposes(), Operations: make([]command.Operation, len(operations))}
	for i, o := range operations {
		b.Operations[i] = o.Operation
	}
	// Taken when the batch is made, not when it is sent: a retry is the same bytes, and a floor that is too low forgets too little.
	p.mu.Lock()
	b.Floor = p.open[0].Sequence // these operations are open themselves
	p.mu.Unlock()
	encoded, err := command.EncodeBatch(b)
	if err != nil {
		return parcel{}, fmt.Errorf("encode batch: %w", err)
	}
	return parcel{encoded: encoded, operations: len(operations)}, nil
}

// finish gives the operations their outcome and moves the floor.
func (p *proposer) finish(operations []*operation, results []command.Result, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, o := range operations {
		if o.err = err; err == nil {
			o.result = results[i]
		}
		if errors.Is(o.result.Err, command.ErrStale) {
			// An operation that was given up, or one under a boot number that is over (see boots): nobody knows what became of its
			// first copy.
			o.result, o.err = command.Result{}, link.ErrNoLeader
		}
		o.finished = true
		close(o.done)
	}
	p.waiting -= len(operations)
	done := 0
	for done < len(p.open) && p.open[done].finished {
		done++
	}
	p.open = p.open[done:]
	if len(p.open) == 0 && p.quiet != nil {
		close(p.quiet)
		p.quiet = nil
	}
}

// idle waits until every operation has its outcome. New ones should be kept away meanwhile.
func (p *proposer) idle(ctx context.Context) error {
	p.mu.Lock()
	if len(p.open) == 0 {
		p.mu.Unlock()
		return nil
	}
	if p.quiet == nil {
		p.quiet = make(chan struct{})
	}
	quiet := p.quiet
	p.mu.Unlock()
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close fails what waits and ends the batches in flight, whose outcome stays unknown.
func (p *proposer) close() {
	p.mu.Lock()
	p.closed = true
	queued := p.queue
	p.queue = nil
	p.mu.Unlock()
	p.life.end()
	p.finish(queued, nil, link.ErrNoLeader)
}
