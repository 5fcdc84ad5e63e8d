package fsm

import (
	"errors"
	"fmt"
)

// LogState is what raft's own stores remember, read before raft is started.
type LogState struct {
	// First and Last are the first and the last index of the log; zeros if it is empty.
	First, Last uint64
	// HasTerm says that the stable store knows a current term. (A vote is not asked for: a node that never voted has none.)
	HasTerm bool
}

// restoreNewest brings the store to the newest snapshot if it is behind the state in it: the store was deleted or lost, or
// a crash came between the installing of the snapshot and its restore. Raft then counts from that snapshot on, and would
// never hand over what lies before. What is compared is the state's index inside the snapshot: raft's index counts entries
// the state never sees, and by it an up-to-date store would look behind for ever.
func (f *FSM) restoreNewest() (err error) {
	newest := f.snapshots.newest()
	if newest == nil || f.AppliedIndex() >= newest.State.Index {
		return nil
	}
	f.config.Logger.Info("the state is behind the newest snapshot, restoring it", "snapshot", newest.ID,
		"applied", f.AppliedIndex(), "snapshot_applied", newest.State.Index)
	_, stream, err := f.snapshots.Open(newest.ID)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stream.Close()) }()
	if err := f.store.Replace(stream, f.accept); err != nil {
		return fmt.Errorf("restore snapshot %s, which the state is behind: %w. If it is damaged, %s", newest.ID, err, wayOut)
	}
	return nil
}

// wayOut is what helps where a node's data cannot be trusted.
const wayOut = "stop this node, remove its data directory and start it with the same command: it joins as a new member, " +
	"and gets everything from the others"

// CheckLog refuses to start raft on a log that does not go with the state. It has to be asked after Open and before raft is
// made. ErrMemoryLost: the log ends before what was applied, begins after it, or the term is gone. A voter that has
// forgotten what it acknowledged could help to elect a leader who does not have it.
func (f *FSM) CheckLog(log LogState) error {
	applied := f.AppliedIndex()
	snapshot, _ := f.snapshots.Newest()
	last := max(log.Last, snapshot)
	switch {
	case last < applied:
		return fmt.Errorf("%w: its raft log ends at %d, its state at %d; %s", ErrMemoryLost, last, applied, wayOut)
	case last > 0 && !log.HasTerm:
		return fmt.Errorf("%w: it has data up to %d and no term; %s", ErrMemoryLost, last, wayOut)
	case log.First > snapshot+1:
		return fmt.Errorf("%w: its raft log begins at %d, its newest snapshot ends at %d; %s", ErrMemoryLost, log.First, snapshot, wayOut)
	}
	return nil
}
