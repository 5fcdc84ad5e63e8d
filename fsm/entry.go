package fsm

import (
	"errors"
	"fmt"
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// sweptPerCreate bounds how many expired request rows an entry removes for each create in it. A create adds at most one
// request, so two are enough to catch up after any burst.
const sweptPerCreate = 2

// entry applies the operations of one log entry. All it reads goes through the open batch, so that an operation sees what
// the ones before it did.
//
// Methods return a fault as their error: the disk, or a log that no leader wrote. What the domain refuses is a Result.
type entry struct {
	batch   *store.Batch
	stamp   time.Time // the leader's, never below an earlier entry's
	creates int
	swept   int     // links
	rolled  int     // rows of visits
	looked  int     // links, to find one
	last    verdict // of the actor asked about last
}

// apply applies the batch of one origin.
func (e *entry) apply(b command.Batch) ([]command.Result, error) {
	floor, stale, err := e.admit(b)
	if err != nil {
		return nil, err
	}
	results := make([]command.Result, len(b.Operations))
	for i, op := range b.Operations {
		if stale || op.Sequence < floor {
			results[i].Err = command.ErrStale
			continue
		}
		if results[i], err = e.once(b.Origin.Node, op); err != nil {
			return nil, fmt.Errorf("operation %d: %w", i, err)
		}
	}
	return results, nil
}

// admit brings what is remembered of an origin up to date: a newer boot forgets all of the older one's results, a higher
// floor those below it. It gives the floor that holds, and whether the whole batch is of a boot that is over.
func (e *entry) admit(b command.Batch) (floor uint64, stale bool, err error) {
	known, found, err := e.batch.Origin(b.Origin.Node)
	if err != nil {
		return 0, false, err
	}
	if found && b.Origin.Boot < known.Boot {
		return 0, true, nil
	}
	now := store.Origin{Boot: b.Origin.Boot, Floor: b.Floor}
	if found && known.Boot == now.Boot {
		now.Floor = max(now.Floor, known.Floor)
		if now == known {
			return now.Floor, false, nil
		}
	}
	return now.Floor, false, e.batch.PutOrigin(b.Origin.Node, now)
}

// once applies an operation, or answers it as it was answered the first time.
func (e *entry) once(node string, op command.Operation) (command.Result, error) {
	kept, found, err := e.batch.Result(node, op.Sequence)
	if err != nil {
		return command.Result{}, err
	}
	if found {
		return e.repeat(op.Command, kept)
	}
	result, err := e.execute(op)
	// Running out of codes is for ever: it need not be remembered.
	if err != nil || errors.Is(result.Err, link.ErrExhausted) {
		return result, err
	}
	return result, e.batch.PutResult(node, op.Sequence, store.Result{Code: result.Link.Code, Found: result.Found, Err: result.Err})
}

// repeat answers an operation that was applied before.
func (e *entry) repeat(c command.Command, kept store.Result) (command.Result, error) {
	_, silent := c.(silentCommand)
	switch {
	case kept.Err != nil:
		return refused(kept.Err), nil
	case silent != (kept.Code == ""):
		// The identity was used for another kind of command. Whoever sent this is at fault, but no replica must stop for it.
		return refused(command.ErrStale), nil
	case silent:
		return command.Result{Found: kept.Found}, nil
	}
	switch c := c.(type) {
	case command.Create:
		return e.again(c.Draft, kept)
	case command.Edit:
		return e.current(c.Edit.Code, kept)
	case command.Consume:
		return e.current(c.Code, kept)
	}
	return command.Result{}, fmt.Errorf("command %T: %w", c, command.ErrUpgrade)
}

// silentCommand is a command whose result holds no link.
type silentCommand interface{ Silent() }

// current answers a change of the link of a code with the link as it is now.
func (e *entry) current(code link.Code, kept store.Result) (command.Result, error) {
	if code != kept.Code {
		return refused(command.ErrStale), nil // another link's identity, see repeat
	}
	l, err := e.batch.Link(code)
	if errors.Is(err, link.ErrNotFound) || errors.Is(err, link.ErrGone) {
		return refused(link.ErrGone), nil // it was there once
	}
	return command.Result{Link: l}, err
}

func (e *entry) execute(op command.Operation) (command.Result, error) {
	by, refusal, err := e.judge(op)
	if err != nil || refusal != nil {
		return refused(refusal), err
	}
	switch c := op.Command.(type) {
	case command.Create:
		if by.OwnOnly && c.Draft.Owner != by.Owner {
			return refused(link.ErrForbidden), nil
		}
		return e.create(c.Draft)
	case command.Edit:
		return e.edit(c.Edit, by.OwnedBy())
	case command.Delete:
		return e.delete(c, by.OwnedBy())
	case command.Consume:
		return e.consume(c.Code)
	case command.Sweep:
		return command.Result{}, e.sweepExpired(c)
	case command.Lead:
		return command.Result{}, e.lead(c)
	case command.Visits:
		return command.Result{}, e.countVisits(c)
	case command.Roll:
		return command.Result{}, e.rollVisits(c)
	}
	return e.govern(op.Command, by)
}

// lead takes over what a new leader brings where the state is behind.
func (e *entry) lead(c command.Lead) error {
	if c.ClusterVersion > MaxClusterVersion {
		return fmt.Errorf("cluster version %d, this binary knows %d: %w", c.ClusterVersion, MaxClusterVersion, command.ErrUpgrade)
	}
	if _, ok := e.batch.Codec(); !ok {
		if err := e.batch.SetCodeKey(c.CodeKey); err != nil {
			return err
		}
	}
	if c.ClusterVersion > e.batch.ClusterVersion() {
		return e.batch.SetClusterVersion(c.ClusterVersion)
	}
	return nil
}

// sweep forgets some of the clients' requests that have expired.
func (e *entry) sweep() error {
	if e.creates == 0 {
		return nil
	}
	_, err := e.batch.SweepOnce(e.stamp, e.creates*sweptPerCreate)
	return err
}

// refused is the result of an operation that changed nothing.
func refused(err error) command.Result { return command.Result{Err: err} }
