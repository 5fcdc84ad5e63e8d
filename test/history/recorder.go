package history

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Recorder writes a run down while it happens. It is safe for concurrent use.
type Recorder struct {
	since func() time.Duration

	mu      sync.Mutex
	stamp   uint64 // the last one given
	history History
}

// NewRecorder begins a history. since is the time since the start of the run, by whatever clock the run has; it is called
// under the recorder's lock and must not call it.
func NewRecorder(since func() time.Duration) *Recorder {
	return &Recorder{since: since, history: History{Run: Run{WritableAfter: -1}}}
}

// Pending is an operation whose answer has not come.
type Pending struct {
	recorder *Recorder
	place    int // in the history's operations
	ended    bool
	op       Operation
}

// Begin writes down what a client is about to ask; it is called before the request can leave. Outcome, stamps and times of op
// are the recorder's. An operation that is never ended stays Unknown with Return 0.
func (r *Recorder) Begin(op Operation) *Pending {
	r.mu.Lock()
	defer r.mu.Unlock()
	op.Outcome = Unknown
	op.Call, op.Return = r.next(), 0
	op.At, op.Took = r.since(), 0
	r.history.Operations = append(r.history.Operations, op)
	return &Pending{recorder: r, place: len(r.history.Operations) - 1, op: op}
}

// End writes down the answer that came, or that it was given up to wait: set fills in the outcome and what was answered. It is
// called once, after the answer. An outcome left as it is stays Unknown. Where set puts another code or target in the place of what
// was asked for, the question stays as it was, and what was named instead becomes Given: so set may copy whatever an answer says.
func (p *Pending) End(set func(*Operation)) {
	if p.ended {
		panic("history: an operation ended twice")
	}
	p.ended = true
	op := p.op
	if set != nil {
		set(&op)
		op.keep(p.op)
	}
	r := p.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	op.Call, op.At = p.op.Call, p.op.At
	op.Return, op.Took = r.next(), r.since()-op.At
	r.history.Operations[p.place] = op
}

// Fault writes down that something was done to the cluster, or undone. It is called after the doing of what hurts and of what
// heals, and gives back what was written.
func (r *Recorder) Fault(kind, what string) Fault {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := Fault{Kind: kind, What: what, Stamp: r.next(), At: r.since()}
	r.history.Faults = append(r.history.Faults, f)
	return f
}

// Entry adds a log entry that a node held.
func (r *Recorder) Entry(e Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Entries = append(r.history.Entries, e)
}

// Final adds what a node held in the end. Its map and slice belong to the history from now on.
func (r *Recorder) Final(f Final) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Finals = append(r.history.Finals, f)
}

// Change changes the head of the history. Until it is told otherwise, WritableAfter is -1: no write was accepted.
func (r *Recorder) Change(change func(*Run)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.history.Run)
}

// History is a copy of what was written down so far. Maps and slices inside its records are shared and must not be changed.
func (r *Recorder) History() History {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.history
	h.Run.Nodes = slices.Clone(h.Run.Nodes)
	h.Run.Leaks = slices.Clone(h.Run.Leaks)
	h.Operations = slices.Clone(h.Operations)
	h.Faults = slices.Clone(h.Faults)
	h.Entries = slices.Clone(h.Entries)
	h.Finals = slices.Clone(h.Finals)
	return h
}

// next gives a stamp; the caller holds the lock.
func (r *Recorder) next() uint64 {
	r.stamp++
	return r.stamp
}

// keep puts back what was asked for where the answer named something else, and notes that as given.
func (o *Operation) keep(asked Operation) {
	var given []string
	if asked.Code != "" && o.Code != asked.Code {
		given = append(given, o.Code)
		o.Code = asked.Code
	}
	if asked.Target != "" && o.Target != asked.Target {
		given = append(given, o.Target)
		o.Target = asked.Target
	}
	if len(given) > 0 && o.Outcome == OK {
		o.Given = fmt.Sprintf("%q", given)
	}
}
