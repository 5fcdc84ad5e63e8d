// Package forming lets N new nodes agree on the set of them that founds a
// cluster, so that no two overlapping sets ever do.
//
// The lowest id of the first N nodes in sight proposes exactly that set, under
// a random attempt id. A node durably promises one attempt at a time. The
// proposer, which promises to itself like any other, decides once all N have
// promised that very attempt, and records the decision before it tells anyone;
// a decision is never taken back. An undecided attempt is abandoned durably
// before its promises are released.
//
// Why no two overlapping sets form: a node in both promised both attempts, one
// after the other. It gave up the first promise on its proposer's word alone
// (or on proof of it), and the proposer gave that word after it had durably
// abandoned the attempt, so the first set did not form and never will.
// Messages may be lost, late or doubled: each names its attempt, attempt ids
// are never used twice, and a node that holds a promise keeps asking the
// proposer about it, so a lost release or decision is made up for, and so is a
// late proposal that binds a node to an attempt long abandoned.
//
// Only a proposer that is gone for good between proposing and deciding needs a
// person; the nodes that wait for it say so.
//
// The package knows neither gossip nor raft: it is given a view of the nodes
// and a way to call them.
package forming

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tinyurl/cluster/member"
)

var (
	// ErrFormedElsewhere is returned by Run when a cluster exists already: this
	// node is to join it.
	ErrFormedElsewhere = errors.New("a cluster has been formed already")
	// ErrNotAllowed refuses a message whose sender may not send it.
	ErrNotAllowed = errors.New("not for this node to say")
	// ErrNoPromise refuses a decision on an attempt this node has not promised.
	ErrNoPromise = errors.New("this attempt was not promised here")
)

// Proposal is one attempt at founding a cluster.
type Proposal struct {
	// Set is the whole founding set, sorted; its first node is the proposer.
	Set []member.ID `json:"set"`
	// Attempt tells the proposer's attempts apart: random, never used twice.
	Attempt string `json:"attempt"`
}

// Proposer is the node that made the proposal.
func (p Proposal) Proposer() member.ID {
	if len(p.Set) == 0 {
		return ""
	}
	return p.Set[0]
}

// Answer to a Promise.
type Answer string

// The answers.
const (
	// Promised: the node is bound to this attempt, or, from the proposer
	// itself, the attempt is still undecided.
	Promised Answer = "promised"
	// Refused: the node is bound to another attempt, or, from the proposer
	// itself, the attempt is abandoned for good.
	Refused Answer = "refused"
	// Formed: the node belongs to a cluster; from the proposer itself, the one
	// this attempt has founded.
	Formed Answer = "formed"
)

// Peers carries messages to other nodes. Each call is bounded by its ctx; an
// error says nothing about whether the message arrived.
type Peers interface {
	// Promise asks a node to bind itself to a proposal or, of the proposer,
	// what has become of it. It ends at the other node's HandlePromise.
	Promise(ctx context.Context, to member.ID, p Proposal) (Answer, error)
	// Release ends at HandleRelease.
	Release(ctx context.Context, to member.ID, p Proposal) error
	// Form ends at HandleForm.
	Form(ctx context.Context, to member.ID, p Proposal) error
}

// Config of a Former.
type Config struct {
	Self member.ID
	// Expect is the number of founders, from 1. With 0 this node founds
	// nothing, it only refuses.
	Expect int
	// Formed says that this node belongs to a cluster since an earlier start.
	Formed bool
	// Store keeps the promise.
	Store Store
	Peers Peers
	// View lists the nodes in sight, this one may be among them, as gossip
	// knows them.
	View func() []member.Member
	// Changes holds a token after the view has changed.
	Changes <-chan struct{}
	Logger  *slog.Logger
	// Now is the clock of reminders and pauses.
	Now func() time.Time
	// Rand gives attempt ids and jitter; it must be safe for concurrent use.
	Rand io.Reader
	// Tuning changes the pace; zero fields take their default.
	Tuning Tuning
}

// Tuning is the pace of a Former.
type Tuning struct {
	Retry   time.Duration // between two looks at the view, two questions to the proposer, two attempts; 1 s
	Call    time.Duration // for one message; 3 s
	Attempt time.Duration // for all to promise, before an attempt is abandoned; 10 s
	Remind  time.Duration // between two lines of log about what this node waits for; 30 s
}

func (t Tuning) withDefaults() Tuning {
	for _, d := range []struct {
		value     *time.Duration
		byDefault time.Duration
	}{
		{&t.Retry, time.Second},
		{&t.Call, 3 * time.Second},
		{&t.Attempt, 10 * time.Second},
		{&t.Remind, 30 * time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.byDefault
		}
	}
	return t
}

// Former is one node's part in founding. The Handle methods may be called at
// any time from New on, also after Run has returned: others may still ask.
type Former struct {
	conf Config
	wake chan struct{} // holds a token after a message gave Run something to do

	mu     sync.Mutex // held across a change of the record, on disk and here
	record record     // guarded by mu
	sealed bool       // guarded by mu: belongs to a cluster or is about to join one
	broken error      // guarded by mu: a save failed, what is on disk is unknown
}

// New reads the promise of an earlier run. A store that can not be read is an
// error: a node without memory of its promise must not make another.
func New(c Config) (*Former, error) {
	if c.Store == nil || c.Peers == nil || c.View == nil || c.Logger == nil || c.Now == nil || c.Rand == nil || c.Self == "" || c.Expect < 0 {
		return nil, errors.New("forming: incomplete configuration")
	}
	c.Tuning = c.Tuning.withDefaults()
	data, err := c.Store.Load()
	if err != nil {
		return nil, fmt.Errorf("read the promise of an earlier start: %w", err)
	}
	f := &Former{conf: c, wake: make(chan struct{}, 1), sealed: c.Formed}
	if f.record, err = decodeRecord(data); err != nil {
		return nil, fmt.Errorf("read the promise of an earlier start, %s: %w", c.Store.Name(), err)
	}
	if p := f.record.Proposal; f.record.State != free && !slices.Contains(p.Set, c.Self) {
		return nil, fmt.Errorf("the promise in %s is not of this node: its set %v is without %s", c.Store.Name(), p.Set, c.Self)
	}
	if p := f.record.Proposal; f.record.State == proposing && (c.Formed || len(p.Set) != c.Expect) {
		// Nobody would go on with it, and those who promised would wait for ever.
		if _, err := f.move(p.Attempt, proposing, free); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Bound tells whether this node holds a promise or is a founder. It must then
// not join a cluster before Run says so, also if it is not to found one any
// more.
func (f *Former) Bound() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.record.State != free
}

// current returns the record, or the error that ended this Former.
func (f *Former) current() (record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.record, f.broken
}

// save makes r durable and current. Called with mu held. After an error the
// disk may hold either record: nothing is promised or decided any more.
func (f *Former) save(r record) error {
	if f.broken != nil {
		return f.broken
	}
	data, err := r.encode()
	if err == nil {
		err = f.conf.Store.Save(data)
	}
	if err != nil {
		f.broken = fmt.Errorf("keep the promise in %s: %w", f.conf.Store.Name(), err)
		return f.broken
	}
	f.record = r
	return nil
}

// move brings the attempt from one state to the next, durably. It returns
// false, changing nothing, if the record is not that attempt in that state.
func (f *Former) move(attempt string, from, to state) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return false, f.broken
	}
	if f.record.State != from || f.record.Proposal.Attempt != attempt {
		return false, nil
	}
	next := record{State: to}
	if to != free {
		next.Proposal = f.record.Proposal
	}
	return true, f.save(next)
}

// poke makes Run look at once.
func (f *Former) poke() {
	select {
	case f.wake <- struct{}{}:
	default: // it is about to
	}
}

// jitter returns half to all of d.
func (f *Former) jitter(d time.Duration) time.Duration {
	var b [8]byte
	if _, err := io.ReadFull(f.conf.Rand, b[:]); err != nil {
		return d
	}
	return d/2 + time.Duration(binary.BigEndian.Uint64(b[:])%uint64(d/2+1))
}
