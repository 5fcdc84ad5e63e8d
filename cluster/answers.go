package cluster

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"
)

// answeringRaft is raft whose futures are always answered. Raft itself forgets those that it had handed to its state machine's
// goroutine when it shuts down: committed entries stand in a buffered channel that nobody reads any more, and whoever asks for
// the outcome waits for ever. A call of another node would then hold the listener open, and a promotion the end of a term.
type answeringRaft struct {
	*raft.Raft
	down     chan struct{} // closed when raft is told to shut down
	once     sync.Once     // guards down and stopping
	stopping raft.Future   // answered when nothing of raft runs any more

	changing chan struct{} // has a token while raft is asked for a change of its configuration
	latest   *sharedFuture // of the change that was asked for last; guarded by changing
}

var _ autopilot.Raft = (*answeringRaft)(nil)

func newAnsweringRaft(r *raft.Raft) *answeringRaft {
	return &answeringRaft{Raft: r, down: make(chan struct{}), changing: make(chan struct{}, 1)}
}

// Shutdown tells raft to stop; every future that has no answer yet has raft.ErrRaftShutdown from now on, which says nothing about
// what becomes of its entry. The future it returns waits until nothing of raft runs, at every call; raft's own waits at the first
// call only, and the state would be closed under a raft that a failure has shut down before.
func (r *answeringRaft) Shutdown() raft.Future {
	r.once.Do(func() {
		r.stopping = r.Raft.Shutdown() // first: a future made after it has an answer of its own
		close(r.down)
	})
	return r.stopping
}

// Apply is raft's.
func (r *answeringRaft) Apply(data []byte, timeout time.Duration) raft.ApplyFuture {
	future := r.Raft.Apply(data, timeout)
	r.bound(future)
	return future
}

// AddVoter gives a member a vote. Raft itself would take anybody: autopilot decides by what it saw a while ago, and a node that
// has left since would be a voter that nobody runs. So it waits for the outcome of the change before and looks again. (The index
// of the configuration, by which raft would refuse what comes too late, is nowhere to be had: GetConfiguration gives 0 for it.)
func (r *answeringRaft) AddVoter(id raft.ServerID, at raft.ServerAddress, previous uint64, timeout time.Duration) raft.IndexFuture {
	ctx, cancel := within(timeout)
	defer cancel()
	if err := r.beginSettled(ctx); err != nil {
		return refusedChange{err}
	}
	defer r.end()
	if !names(r.GetConfiguration().Configuration(), id) {
		return refusedChange{fmt.Errorf("%w: %s is no member", ErrRefused, id)}
	}
	return r.asked(r.Raft.AddVoter(id, at, previous, timeout))
}

// AddNonvoter is raft's.
func (r *answeringRaft) AddNonvoter(id raft.ServerID, at raft.ServerAddress, previous uint64, timeout time.Duration) raft.IndexFuture {
	return r.change(timeout, func() raft.IndexFuture { return r.Raft.AddNonvoter(id, at, previous, timeout) })
}

// DemoteVoter is raft's.
func (r *answeringRaft) DemoteVoter(id raft.ServerID, previous uint64, timeout time.Duration) raft.IndexFuture {
	return r.change(timeout, func() raft.IndexFuture { return r.Raft.DemoteVoter(id, previous, timeout) })
}

// RemoveServer is raft's.
func (r *answeringRaft) RemoveServer(id raft.ServerID, previous uint64, timeout time.Duration) raft.IndexFuture {
	return r.change(timeout, func() raft.IndexFuture { return r.Raft.RemoveServer(id, previous, timeout) })
}

// refusedChange is the answer to a change that raft was not asked for.
type refusedChange struct{ err error }

// Error implements raft.Future.
func (f refusedChange) Error() error { return f.err }

// Index implements raft.IndexFuture.
func (refusedChange) Index() uint64 { return 0 }

// LeadershipTransferToServer is raft's.
func (r *answeringRaft) LeadershipTransferToServer(id raft.ServerID, at raft.ServerAddress) raft.Future {
	future := r.Raft.LeadershipTransferToServer(id, at)
	r.bound(future)
	return future
}

// change asks raft for one change of its configuration.
func (r *answeringRaft) change(timeout time.Duration, ask func() raft.IndexFuture) raft.IndexFuture {
	ctx, cancel := within(timeout)
	defer cancel()
	if err := r.begin(ctx); err != nil {
		return refusedChange{err}
	}
	defer r.end()
	return r.asked(ask())
}

// settled is the latest configuration, once every change that was asked for has its answer. In a term that this node led throughout the
// call, and in which it has applied an entry of its own, that configuration is committed: raft takes a change only from here, and
// answers one that is in its log, while it leads, when it is committed.
func (r *answeringRaft) settled(ctx context.Context) (raft.Configuration, error) {
	if err := r.beginSettled(ctx); err != nil {
		return raft.Configuration{}, err
	}
	defer r.end()
	return r.GetConfiguration().Configuration(), nil
}

// within is a context for raft's time-outs, where 0 means that there is none.
func within(timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), timeout)
}

// names reports whether a configuration has a server of that id.
func names(c raft.Configuration, id raft.ServerID) bool {
	return slices.ContainsFunc(c.Servers, func(s raft.Server) bool { return s.ID == id })
}

// begin waits for its turn to ask for a change, at most until ctx ends: raft's loop may stand still behind a slow disk with
// another's question. Whoever gets nil must call end.
func (r *answeringRaft) begin(ctx context.Context) error {
	select {
	case r.changing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return raft.ErrEnqueueTimeout
	case <-r.down:
		return raft.ErrRaftShutdown
	}
}

// beginSettled is begin once the change before has its answer, whatever that is: it is told to who asked for it.
func (r *answeringRaft) beginSettled(ctx context.Context) error {
	for {
		if err := r.begin(ctx); err != nil {
			return err
		}
		before := r.latest
		if before == nil || before.answered() {
			return nil
		}
		r.end()
		select {
		case <-before.done:
		case <-ctx.Done():
			return raft.ErrEnqueueTimeout
		}
	}
}

func (r *answeringRaft) end() { <-r.changing }

// asked notes a change that was asked for. The caller is between begin and end.
func (r *answeringRaft) asked(future raft.IndexFuture) raft.IndexFuture {
	r.bound(future)
	if reflect.ValueOf(future).Kind() != reflect.Pointer {
		return future // raft has not taken it: the change before is still the latest
	}
	shared := &sharedFuture{IndexFuture: future, done: make(chan struct{})}
	go func() { // ends with raft at the latest
		shared.err = future.Error()
		close(shared.done)
	}()
	r.latest = shared
	return shared
}

// sharedFuture is a future of raft that more than one goroutine may ask.
type sharedFuture struct {
	raft.IndexFuture
	done chan struct{}
	err  error // set before done is closed
}

// Error implements raft.Future.
func (f *sharedFuture) Error() error {
	<-f.done
	return f.err
}

// answered reports whether Error would return at once.
func (f *sharedFuture) answered() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// bound makes a future end with raft. Raft's futures can do that, and those of restores do: they have an exported
// field for the channel of the shutdown. Only the types around it are not exported, hence reflect. Error alone reads the field, and
// nobody has called it yet. A test notices a version of raft without it.
func (r *answeringRaft) bound(future raft.Future) {
	if err := endWith(future, r.down); err != nil {
		panic(err) // the version of raft is fixed at build time
	}
}

// endWith sets the ShutdownCh of a deferred future. Futures that have their answer already are left alone.
func endWith(future raft.Future, down chan struct{}) error {
	value := reflect.ValueOf(future)
	if value.Kind() != reflect.Pointer {
		return nil // raft's errorFuture, a value, is an answer
	}
	field := value.Elem().FieldByName("ShutdownCh")
	if !field.CanSet() || field.Type() != reflect.TypeFor[chan struct{}]() {
		return fmt.Errorf("raft's %T has no ShutdownCh: it would never be answered after a shutdown", future)
	}
	field.Set(reflect.ValueOf(down))
	return nil
}
