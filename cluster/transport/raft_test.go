package transport

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/member"
	"tinyurl/test/bubble"
)

// duo is a leader's transport and a follower's, whose raft is a function of the test.
type duo struct {
	w        *world
	a, b     *node
	leader   *Raft
	follower *Raft
	stall    atomic.Pointer[error]
	done     chan struct{}
}

func newDuo(t *testing.T, answer func(raft.RPC)) *duo {
	t.Helper()
	w := newWorld(t)
	d := &duo{w: w, a: w.start(idA, nil), b: w.start(idB, nil), done: make(chan struct{})}
	d.leader = NewRaft(RaftConfig{Stream: d.a.stream(t, 0), Stalled: func() error {
		if err := d.stall.Load(); err != nil {
			return *err
		}
		return nil
	}})
	d.follower = NewRaft(RaftConfig{Stream: d.b.stream(t, 0)})
	go func() {
		for {
			select {
			case rpc := <-d.follower.Consumer():
				answer(rpc)
			case <-d.done:
				return
			}
		}
	}()
	return d
}

func (d *duo) close(t *testing.T) {
	t.Helper()
	close(d.done)
	for _, r := range []*Raft{d.leader, d.follower, d.leader} {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	d.a.close(t)
	d.b.close(t)
}

func (d *duo) append(req *raft.AppendEntriesRequest) (*raft.AppendEntriesResponse, error) {
	req.RPCHeader = raft.RPCHeader{ProtocolVersion: 3, ID: []byte(idA), Addr: []byte(idA)}
	resp := new(raft.AppendEntriesResponse)
	return resp, d.leader.AppendEntries("b-000002", "b-000002", req, resp)
}

// inTerm answers AppendEntries as a follower does that has seen term.
func inTerm(term uint64) func(raft.RPC) {
	return func(rpc raft.RPC) {
		rpc.Respond(&raft.AppendEntriesResponse{Term: term, Success: rpc.Command.(*raft.AppendEntriesRequest).Term >= term}, nil)
	}
}

func heartbeat(term uint64) *raft.AppendEntriesRequest { return &raft.AppendEntriesRequest{Term: term} }

func entries(term, commit uint64) *raft.AppendEntriesRequest {
	return &raft.AppendEntriesRequest{
		Term: term, PrevLogEntry: 1, PrevLogTerm: 1, LeaderCommitIndex: commit,
		Entries: []*raft.Log{{Index: 2, Term: term, Data: []byte("x")}},
	}
}

var both = []member.ID{idA, idB}

func TestAnAnswerInTheSameTermIsAnAcknowledgement(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		d := newDuo(t, inTerm(5))
		for name, req := range map[string]*raft.AppendEntriesRequest{"heartbeat": heartbeat(5), "entries": entries(5, 1)} {
			read := d.leader.Acks().Now()
			changed := d.leader.Acks().Changed()
			if _, err := d.append(req); err != nil {
				t.Fatal(err)
			}
			<-changed
			if !d.leader.Acks().Since(5, read, both, idA) {
				t.Errorf("%s: not acknowledged", name)
			}
		}
		d.close(t)
	})
}

func TestAnswersOfALaterTermAndErrorsAreNoAcknowledgement(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		fail := false
		d := newDuo(t, func(rpc raft.RPC) {
			if fail {
				rpc.Respond(&raft.AppendEntriesResponse{Term: 5}, errors.New("the log store failed"))
				return
			}
			inTerm(6)(rpc)
		})
		read := d.leader.Acks().Now()
		if resp, err := d.append(heartbeat(5)); err != nil || resp.Term != 6 {
			t.Fatal(resp, err)
		}
		fail = true
		if _, err := d.append(heartbeat(5)); err == nil {
			t.Fatal("no error")
		}
		for term := uint64(5); term <= 6; term++ {
			if d.leader.Acks().Since(term, read, both, idA) {
				t.Errorf("term %d is confirmed", term)
			}
		}
		d.close(t)
	})
}

// A goroutine of an earlier term that raft did not wait for: had it an answer, raft would give the new term up.
func TestNothingOfAnEarlierTermIsSaidOrHeard(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		asked, answer := make(chan uint64, 10), make(chan struct{})
		d := newDuo(t, func(rpc raft.RPC) {
			switch command := rpc.Command.(type) {
			case *raft.AppendEntriesRequest:
				asked <- command.Term
				<-answer
				rpc.Respond(&raft.AppendEntriesResponse{Term: 8}, nil)
			case *raft.RequestVoteRequest:
				rpc.Respond(&raft.RequestVoteResponse{Term: 8}, nil)
			}
		})
		defer d.close(t)
		late := make(chan error)
		go func() {
			_, err := d.append(heartbeat(7))
			late <- err
		}()
		<-asked
		d.leader.terms.reached(8) // as a vote that is asked for in term 8 does
		close(answer)
		if err := <-late; !errors.Is(err, ErrPastTerm) {
			t.Errorf("an answer after the term: %v", err)
		}
		for _, message := range []*raft.AppendEntriesRequest{heartbeat(7), entries(7, 1)} {
			if _, err := d.append(message); !errors.Is(err, ErrPastTerm) || len(asked) > 0 {
				t.Errorf("a message of term 7 after term 8: %v, %d sent", err, len(asked))
			}
		}
		snapshot := d.leader.InstallSnapshot("b-000002", "b-000002", &raft.InstallSnapshotRequest{Term: 7}, new(raft.InstallSnapshotResponse), strings.NewReader(""))
		if !errors.Is(snapshot, ErrPastTerm) {
			t.Errorf("a snapshot of term 7 after term 8: %v", snapshot)
		}
		ask := &raft.RequestVoteRequest{RPCHeader: heartbeat(9).RPCHeader, Term: 9}
		if err := d.leader.RequestVote("b-000002", "b-000002", ask, new(raft.RequestVoteResponse)); err != nil {
			t.Fatal(err)
		}
		if _, err := d.append(heartbeat(8)); !errors.Is(err, ErrPastTerm) {
			t.Errorf("a message of term 8 after a vote in term 9: %v", err)
		}
		if resp, err := d.append(heartbeat(9)); err != nil || resp.Term != 8 {
			t.Errorf("a message of the term that is: %v, %v", resp, err)
		}
	})
}

func TestAnAcknowledgementIsCreditedToWhenItsMessageWasSent(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d := newDuo(t, func(rpc raft.RPC) {
			<-release
			inTerm(5)(rpc)
		})
		before := d.leader.Acks().Now()
		answered := make(chan error, 1)
		go func() {
			_, err := d.append(heartbeat(5))
			answered <- err
		}()
		synctest.Wait()                  // the message is with the follower
		between := d.leader.Acks().Now() // a read begins
		time.Sleep(time.Second)
		close(release)
		if err := <-answered; err != nil {
			t.Fatal(err)
		}
		if !d.leader.Acks().Since(5, before, both, idA) {
			t.Error("not acknowledged at all")
		}
		if d.leader.Acks().Since(5, between, both, idA) {
			t.Error("an answer that arrived after the read began, to a message from before, confirmed it")
		}
		d.close(t)
	})
}

func TestAStalledNodeSendsNothingThatKeepsItLeader(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var seen atomic.Int64
		d := newDuo(t, func(rpc raft.RPC) {
			seen.Add(1)
			switch rpc.Command.(type) {
			case *raft.RequestVoteRequest:
				rpc.Respond(&raft.RequestVoteResponse{Granted: true}, nil)
			case *raft.RequestPreVoteRequest:
				rpc.Respond(&raft.RequestPreVoteResponse{Granted: true}, nil)
			default:
				inTerm(5)(rpc)
			}
		})
		reason := errors.New("a log write takes 6 s")
		d.stall.Store(&reason)
		read := d.leader.Acks().Now()
		_, hb := d.append(heartbeat(5))
		_, ae := d.append(entries(5, 1))
		snap := d.leader.InstallSnapshot("b-000002", "b-000002", &raft.InstallSnapshotRequest{}, &raft.InstallSnapshotResponse{}, strings.NewReader(""))
		now := d.leader.TimeoutNow("b-000002", "b-000002", &raft.TimeoutNowRequest{}, &raft.TimeoutNowResponse{})
		for name, err := range map[string]error{"heartbeat": hb, "entries": ae, "snapshot": snap, "TimeoutNow": now} {
			if !errors.Is(err, ErrStalled) || !errors.Is(err, reason) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if seen.Load() != 0 || d.leader.Acks().Since(5, read, both, idA) {
			t.Errorf("%d messages went out", seen.Load())
		}
		var vote raft.RequestVoteResponse
		if err := d.leader.RequestVote("b-000002", "b-000002", &raft.RequestVoteRequest{}, &vote); err != nil || !vote.Granted {
			t.Errorf("vote: %v", err)
		}
		var pre raft.RequestPreVoteResponse
		if err := d.leader.RequestPreVote("b-000002", "b-000002", &raft.RequestPreVoteRequest{}, &pre); err != nil || !pre.Granted {
			t.Errorf("pre-vote: %v", err)
		}
		d.stall.Store(nil)
		if _, err := d.append(heartbeat(5)); err != nil {
			t.Errorf("once it moves again: %v", err)
		}
		d.close(t)
	})
}

func TestASnapshotBreaksOffWhenTheNodeStalls(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		received := make(chan int64, 1)
		d := newDuo(t, func(rpc raft.RPC) {
			n, _ := io.Copy(io.Discard, rpc.Reader)
			received <- n
			rpc.Respond(&raft.InstallSnapshotResponse{Success: true}, nil)
		})
		const size = 1 << 20
		install := func(data io.Reader) error {
			return d.leader.InstallSnapshot("b-000002", "b-000002", &raft.InstallSnapshotRequest{Size: size}, &raft.InstallSnapshotResponse{}, data)
		}
		if err := install(bytes.NewReader(make([]byte, size))); err != nil || <-received != size {
			t.Fatalf("a whole snapshot: %v", err)
		}
		reason := errors.New("the disk hangs")
		half := io.MultiReader(bytes.NewReader(make([]byte, size/2)), readerFunc(func([]byte) (int, error) {
			d.stall.Store(&reason)
			return 0, nil
		}))
		if err := install(half); !errors.Is(err, ErrStalled) {
			t.Errorf("half a snapshot: %v", err)
		}
		if n := <-received; n >= size {
			t.Errorf("%d bytes arrived", n)
		}
		d.close(t)
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestOnlyAnIDIsAnAddress(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		d := newDuo(t, inTerm(5))
		id, addr := raft.ServerID("b-000002"), raft.ServerAddress("c-000003")
		for name, err := range map[string]error{
			"AppendEntries":   d.leader.AppendEntries(id, addr, heartbeat(5), new(raft.AppendEntriesResponse)),
			"InstallSnapshot": d.leader.InstallSnapshot(id, addr, new(raft.InstallSnapshotRequest), new(raft.InstallSnapshotResponse), nil),
			"TimeoutNow":      d.leader.TimeoutNow(id, addr, new(raft.TimeoutNowRequest), new(raft.TimeoutNowResponse)),
			"RequestVote":     d.leader.RequestVote(id, addr, new(raft.RequestVoteRequest), new(raft.RequestVoteResponse)),
			"RequestPreVote":  d.leader.RequestPreVote(id, addr, new(raft.RequestPreVoteRequest), new(raft.RequestPreVoteResponse)),
		} {
			if !errors.Is(err, ErrNotAnID) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := d.leader.LocalAddr(); got != "a-000001" {
			t.Errorf("local address %q", got)
		}
		if _, err := d.leader.AppendEntriesPipeline(id, "b-000002"); err != raft.ErrPipelineReplicationNotSupported {
			t.Errorf("pipeline: %v", err)
		}
		d.close(t)
	})
}

func TestLeaderCommitIsWhatALeaderOfTheTermToldAndWhen(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		term := uint64(5)
		d := newDuo(t, func(rpc raft.RPC) {
			time.Sleep(2 * time.Second) // the follower's disk
			inTerm(term)(rpc)
		})
		tell := func(req *raft.AppendEntriesRequest) (arrived time.Time) {
			time.Sleep(time.Second)
			arrived = time.Now()
			d.leader.terms = terms{} // another leader each time
			if _, err := d.append(req); err != nil {
				t.Fatal(err)
			}
			return arrived
		}
		want := func(index uint64, heard time.Time) {
			t.Helper()
			if i, at := d.follower.LeaderCommit(); i != index || !at.Equal(heard) {
				t.Errorf("commit %d heard %v, want %d, %v", i, at, index, heard)
			}
		}
		want(0, time.Time{})
		tell(heartbeat(5))
		want(0, time.Time{})
		at := tell(entries(5, 10))
		want(10, at) // when it arrived, not when it was answered
		tell(heartbeat(5))
		want(10, at)
		tell(entries(4, 99)) // a leader that was deposed
		want(10, at)
		term = 6
		at = tell(entries(6, 8)) // a new leader that does not know all that is committed
		want(10, at)
		at = tell(entries(6, 11))
		want(11, at)
		d.close(t)
	})
}

func TestCloseEndsRPCsInFlightOnBothSidesAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d := newDuo(t, func(rpc raft.RPC) {
			<-release
			inTerm(5)(rpc)
		})
		failed := make(chan error, 2)
		for range 2 { // one with raft, one waiting for it
			go func() {
				_, err := d.append(entries(5, 1))
				failed <- err
			}()
		}
		synctest.Wait()
		start := time.Now()
		if err := d.leader.Close(); err != nil {
			t.Error(err)
		}
		if <-failed == nil || <-failed == nil {
			t.Error("an RPC survived its transport")
		}
		if err := d.follower.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("took %v", took)
		}
		if _, err := d.append(heartbeat(5)); err == nil {
			t.Error("a closed transport sends")
		}
		close(release)
		d.close(t)
	})
}

func TestNothingThatThisNodeMayLoseIsToldCommitted(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		told := make(chan uint64, 1)
		d := newDuo(t, func(rpc raft.RPC) {
			told <- rpc.Command.(*raft.AppendEntriesRequest).LeaderCommitIndex
			rpc.Respond(&raft.AppendEntriesResponse{Term: 5, Success: true}, nil)
		})
		defer d.close(t)
		for _, c := range []struct{ synced, commit, want uint64 }{{7, 9, 7}, {9, 9, 9}, {12, 9, 9}, {0, 9, 0}} {
			d.leader.synced = func() uint64 { return c.synced }
			if _, err := d.append(entries(5, c.commit)); err != nil {
				t.Fatal(err)
			}
			if got := <-told; got != c.want {
				t.Errorf("with entry %d committed and %d on the disk: told %d, want %d", c.commit, c.synced, got, c.want)
			}
		}
	})
}
