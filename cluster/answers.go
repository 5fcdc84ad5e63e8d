package cluster

import (
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
	isMember := func(s raft.Server) bool { return s.ID == id }
	if err := r.begin(timeout); err != nil {
		return refusedChange{err}
	}
	for before := (*sharedFuture)(nil); before != r.latest; {
		before = r.latest
		r.end()
		_ = before.Error() // is told to who asked for it
		if err := r.begin(timeout); err != nil {
			return refusedChange{err}
		}
	}
	defer r.end()
	if !slices.ContainsFunc(r.GetConfiguration().Configuration().Servers, isMember) {
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
	if err := r.begin(timeout); err != nil {
		return refusedChange{err}
	}
	defer r.end()
	return r.asked(ask())
}

// begin waits for its turn to ask for a change, at most timeout (0 for no limit): raft's loop may stand still behind a slow disk with
// another's question. Whoever gets nil must call end.
func (r *answeringRaft) begin(timeout time.Duration) error {
	var late <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case r.changing <- struct{}{}:
		return nil
	case <-late:
		return raft.ErrEnqueueTimeout
	case <-r.down:
		return raft.ErrRaftShutdown
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
