package transport

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"tinyurl/test/bubble"
)

type noFSM struct{}

func (noFSM) Apply(*raft.Log) any                 { return nil }
func (noFSM) Snapshot() (raft.FSMSnapshot, error) { return nil, errors.New("none") }
func (noFSM) Restore(io.ReadCloser) error         { return nil }

func raftConfig(id raft.ServerID) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = id
	c.Logger = hclog.NewNullLogger()
	return c
}

// The interleaving of raft#695, cut down to the moment that matters: a node has just won an election, and its main loop has
// stopped for a moment before it starts to lead (here on the channel raft notifies; a scheduler's pause does as well). A
// heartbeat of a newer leader arrives. With raft's fast path the transport's goroutine would now change the term under the
// main loop, which then would write its entries in a term it never won, and acknowledged writes get lost. The heartbeat must
// wait for the main loop. (Proof that this test can fail: let Raft.SetHeartbeatHandler call the embedded one.)
func TestHeartbeatsDoNotChangeTermBesideTheMainLoop(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, nil)
		ta, tb := NewRaft(RaftConfig{Stream: a.stream(t, 0)}), NewRaft(RaftConfig{Stream: b.stream(t, 0)})
		c := raftConfig("a-000001")
		won := make(chan bool) // nobody listens at first: the main loop stops when it has won
		c.NotifyCh = won
		logs, snapshots := raft.NewInmemStore(), raft.NewInmemSnapshotStore()
		alone := raft.Configuration{Servers: []raft.Server{{ID: "a-000001", Address: "a-000001"}}}
		if err := raft.BootstrapCluster(c, logs, logs, snapshots, ta, alone); err != nil {
			t.Fatal(err)
		}
		r, err := raft.NewRaft(c, noFSM{}, logs, logs, snapshots, ta)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if r.State() != raft.Leader {
			t.Fatalf("the node is a %v and has not won its election", r.State())
		}
		term, last := r.CurrentTerm(), r.LastIndex()

		answered := make(chan error, 1)
		var resp raft.AppendEntriesResponse
		go func() {
			answered <- tb.AppendEntries("a-000001", "a-000001", &raft.AppendEntriesRequest{
				RPCHeader: raft.RPCHeader{ProtocolVersion: 3, ID: []byte(idB), Addr: []byte(idB)},
				Term:      term + 3,
			}, &resp)
		}()
		synctest.Wait() // the heartbeat has come as far as it can
		if got := r.CurrentTerm(); got != term {
			t.Errorf("a heartbeat took the term from %d to %d beside the main loop", term, got)
		}
		if r.State() != raft.Leader || r.LastIndex() != last {
			t.Errorf("beside the main loop the node became a %v with %d entries", r.State(), r.LastIndex())
		}
		select {
		case err := <-answered:
			t.Errorf("the heartbeat was answered beside the main loop: %v", err)
			answered <- err
		default:
		}

		go func() { // the main loop goes on, and now it is its turn
			for range won {
			}
		}()
		if err := <-answered; err != nil || resp.Term != term+3 {
			t.Errorf("the main loop answered %+v, %v", resp, err)
		}
		if got := r.CurrentTerm(); got != term+3 {
			t.Errorf("term %d after the main loop's turn", got)
		}
		if err := r.Shutdown().Error(); err != nil {
			t.Error(err)
		}
		close(won)
		_, _ = ta.Close(), tb.Close()
		a.close(t)
		b.close(t)
	})
}
