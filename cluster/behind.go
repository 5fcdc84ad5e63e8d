package cluster

import (
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"tinyurl/fsm"
)

// behind is the state machine as raft sees it: it applies nothing that is not on this node's disk (see ahead). What was applied is kept
// whatever becomes of the log, and a leader that has not synced an entry may come back without it.
type behind struct {
	*fsm.FSM
	log *ahead
}

var _ raft.BatchingFSM = behind{}

// errNotSynced is raft's answer for entries that are not applied, as this node's log failed.
var errNotSynced = errors.New("the entry is not on this node's disk")

// Apply applies one entry, see ApplyBatch.
func (b behind) Apply(entry *raft.Log) any { return b.ApplyBatch([]*raft.Log{entry})[0] }

// ApplyBatch applies entries when the log holds them. Where it failed, this and all later ones are answered with an error.
func (b behind) ApplyBatch(entries []*raft.Log) []any {
	if n := len(entries); n > 0 {
		if err := b.log.await(entries[n-1].Index); err != nil {
			answers := make([]any, n)
			for i := range answers {
				answers[i] = fmt.Errorf("%w: %w", errNotSynced, err)
			}
			return answers
		}
	}
	return b.FSM.ApplyBatch(entries)
}

// Snapshot is refused where the log failed: raft counts the entries that were answered with an error among those that it holds.
func (b behind) Snapshot() (raft.FSMSnapshot, error) {
	if err := b.log.failure(); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotSynced, err)
	}
	return b.FSM.Snapshot()
}
