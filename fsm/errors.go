package fsm

import (
	"errors"

	"tinyurl/fsm/command"
)

var (
	// ErrClosed: the state machine, or its snapshots, are closed.
	ErrClosed = errors.New("the state machine is closed")
	// ErrAlreadyApplied: the entry is one the state contains already. Raft hands such entries over after a restart, and
	// nobody waits for their answer.
	ErrAlreadyApplied = errors.New("entry is applied already")
	// ErrDiverged: another replica's state at our position differs from ours. One of the two is wrong.
	ErrDiverged = errors.New("the state differs from another replica's at the same position")
	// ErrForeign: a snapshot is of another cluster or another group.
	ErrForeign = errors.New("snapshot of another cluster or group")
	// ErrOldSnapshot: a snapshot was sent to us that ends before our own newest one.
	ErrOldSnapshot = errors.New("snapshot is older than the newest one here")
	// ErrDamagedSnapshot: a snapshot on disk is not what was written, and no newer one can stand in for it.
	ErrDamagedSnapshot = errors.New("damaged snapshot")
	// ErrCatchingUp: raft has not yet handed over again what the state contained before the restart; a snapshot taken
	// now would be labelled with an index below its content.
	ErrCatchingUp = errors.New("raft has not caught up with the state yet")
	// ErrMemoryLost: the raft log, or the vote, of this node is gone while its state is not. Started like this it would
	// vote as if it had promised nothing.
	ErrMemoryLost = errors.New("this node's raft memory is lost")
	// ErrNoCodeKey: a create stands in the log before the code key that every leader writes first. No leader does that.
	ErrNoCodeKey = errors.New("a create before the code key: the log is damaged")
)

// Outcome is what Apply answers for a command entry: what became of each operation, batch by batch. A refused operation is
// a result, not an error.
type Outcome struct {
	// Index is the entry's.
	Index uint64
	// Results has a slice for each batch of the entry with a result for each of its operations, in order.
	Results [][]command.Result
}

// Failure is what Apply answers for an entry that was not applied. With ErrAlreadyApplied it was applied before; with
// anything else the state machine has stopped for good: nothing of the entry, or of any later one, took effect here, and
// what took effect elsewhere is unknown.
type Failure struct {
	Err error
}

// Error gives the reason.
func (f Failure) Error() string { return "not applied: " + f.Err.Error() }

// Unwrap gives the reason to errors.Is.
func (f Failure) Unwrap() error { return f.Err }
