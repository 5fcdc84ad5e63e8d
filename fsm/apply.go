package fsm

import (
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"tinyurl/fsm/command"
	"tinyurl/fsm/store"
)

// Apply applies one entry, see ApplyBatch.
func (f *FSM) Apply(l *raft.Log) any { return f.ApplyBatch([]*raft.Log{l})[0] }

// ApplyBatch applies entries in one batch of the store and answers for each of them: an Outcome for a command, nil for a
// configuration, a Failure for what was not applied. The entries take effect together or not at all.
func (f *FSM) ApplyBatch(logs []*raft.Log) []any {
	answers := make([]any, len(logs))
	if len(logs) == 0 {
		return answers
	}
	if failure := f.failure.Load(); failure != nil {
		return answerAll(answers, *failure)
	}
	end := f.begin()
	err := f.applyAll(logs, answers)
	f.metrics.applied(end(), len(logs))
	if err != nil {
		return answerAll(answers, f.fail(err))
	}
	f.settler.applied()
	f.waiters.reached(f.AppliedIndex())
	return answers
}

func answerAll(answers []any, failure Failure) []any {
	for i := range answers {
		answers[i] = failure
	}
	return answers
}

// applyAll fills in the answers. An error leaves the state as it was.
func (f *FSM) applyAll(logs []*raft.Log, answers []any) (err error) {
	batch, err := f.store.NewBatch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, batch.Close()) }()
	moved := false
	for i, l := range logs {
		if l.Index <= batch.Position().Index {
			answers[i] = Failure{Err: ErrAlreadyApplied}
			continue
		}
		moved = true
		// First the position: where it passes a boundary, the digest kept is that of all before this entry.
		if err := batch.Advance(store.Position{Index: l.Index, Term: l.Term}); err != nil {
			return fmt.Errorf("entry %d: %w", l.Index, err)
		}
		switch l.Type {
		case raft.LogConfiguration:
		case raft.LogCommand:
			outcome, err := applyEntry(batch, l)
			if err != nil {
				return fmt.Errorf("entry %d: %w", l.Index, err)
			}
			answers[i] = outcome
		default:
			return fmt.Errorf("entry %d is of type %v: %w", l.Index, l.Type, command.ErrUpgrade)
		}
	}
	if !moved {
		return nil
	}
	return batch.Commit()
}

// applyEntry applies one command entry to the open batch.
func applyEntry(batch *store.Batch, l *raft.Log) (Outcome, error) {
	decoded, err := command.DecodeEntry(l.Data)
	if err != nil {
		return Outcome{}, err
	}
	e := &entry{batch: batch, stamp: decoded.Time}
	if last := batch.Stamp(); last.After(e.stamp) {
		e.stamp = last
	}
	if err := batch.SetStamp(e.stamp); err != nil {
		return Outcome{}, err
	}
	outcome := Outcome{Index: l.Index, Results: make([][]command.Result, len(decoded.Batches))}
	for i, b := range decoded.Batches {
		if outcome.Results[i], err = e.apply(b); err != nil {
			return Outcome{}, fmt.Errorf("batch %d: %w", i, err)
		}
	}
	return outcome, e.sweep()
}
