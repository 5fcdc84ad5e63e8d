package transport

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"go.uber.org/goleak"

	"tinyurl/cluster/member"
	"tinyurl/test/bubble"
)

// ledger is an FSM that remembers what it applied, in order.
type ledger struct {
	noFSM
	mu      sync.Mutex
	applied []string
}

func (l *ledger) Apply(e *raft.Log) any {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.applied = append(l.applied, string(e.Data))
	return nil
}

func (l *ledger) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.applied)
}

// Virtual minutes of cuts, one-way and both ways, single and combined: no acknowledged entry is lost, all replicas end
// alike, and a leader that confirmed itself knew of everything acknowledged before it was asked.
func TestWhateverIsCutNoAcknowledgedEntryIsLost(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1))
				ledgers := map[member.ID]*ledger{idA: {}, idB: {}, idC: {}}
				w, all := trioWith(t, func(id member.ID) raft.FSM { return ledgers[id] })
				var acked []string
				confirmed := 0
				for i := range 100 {
					shuffleCuts(w, all, random)
					time.Sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
					for _, r := range all {
						if r.raft.State() != raft.Leader {
							continue
						}
						entry := fmt.Sprint(i, " by ", r.id)
						known := len(acked)
						if r.raft.Apply([]byte(entry), 0).Error() == nil {
							acked = append(acked, entry)
						}
						if confirm(r, time.Second) {
							confirmed++
							if !holds(r, ledgers[r.id], acked[:known]) {
								t.Errorf("%s confirmed itself and did not know of all that was acknowledged", r.id)
							}
						}
					}
				}
				heal(w, all)
				time.Sleep(time.Minute)
				for _, r := range all {
					if missing := without(acked, ledgers[r.id].all()); len(missing) > 0 {
						t.Errorf("%s lost %q", r.id, missing)
					}
					if !slices.Equal(ledgers[r.id].all(), ledgers[idA].all()) {
						t.Errorf("%s and %s applied different entries", r.id, idA)
					}
				}
				if len(acked) < 10 || confirmed < 10 {
					t.Errorf("the test does not try enough: %d entries, %d confirmed reads", len(acked), confirmed)
				}
				stopAll(t, all)
			})
		})
	}
}

// holds says whether the leader's log, applied by now or not, has every entry.
func holds(r *replica, l *ledger, entries []string) bool {
	for range 50 { // it applies what it has committed
		if len(without(entries, l.all())) == 0 {
			return true
		}
		if r.raft.State() != raft.Leader {
			return true // deposed meanwhile: no read would be answered
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

func without(all, some []string) (missing []string) {
	for _, s := range all {
		if !slices.Contains(some, s) {
			missing = append(missing, s)
		}
	}
	return missing
}

func shuffleCuts(w *world, all []*replica, random *rand.Rand) {
	from, to := all[random.IntN(len(all))], all[random.IntN(len(all))]
	switch {
	case random.IntN(3) == 0:
		heal(w, all)
	case from != to && random.IntN(2) == 0:
		w.net.Cut(from.addr, to.addr)
	case from != to:
		w.net.Part(from.addr, to.addr)
	}
}

func heal(w *world, all []*replica) {
	for _, x := range all {
		for _, y := range all {
			w.net.Heal(x.addr, y.addr)
		}
	}
}

// tired is a listener whose first accepts fail, as they do without descriptors.
type tired struct {
	net.Listener
	mu    sync.Mutex
	fails int
}

func (l *tired) Accept() (net.Conn, error) {
	l.mu.Lock()
	failing := l.fails > 0
	l.fails--
	l.mu.Unlock()
	if failing {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

func TestAcceptErrorsPassAndAreLogged(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start(idA, nil)
		b := w.start(idB, func(c *ListenerConfig) { c.Listener = &tired{Listener: c.Listener, fails: 6} })
		start := time.Now()
		c, err := a.dialer.Dial(t.Context(), idB, ProtocolRPC)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took == 0 || took > time.Second {
			t.Errorf("accepted after %v", took)
		}
		b.logs.want(t, "acceptor", "too many open files")
		_ = c.Close()
		a.close(t)
		b.close(t)
	})
}

func TestAListenerThatCannotAcceptStillCloses(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.start(idB, func(c *ListenerConfig) { c.Listener = &tired{Listener: c.Listener, fails: 1 << 30} })
		time.Sleep(time.Minute)
		b.close(t)
	})
}

func TestNoiseOnThePortHarmsNobody(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, nil)
		for _, noise := range []string{"", "\x00", "GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n", strings.Repeat("\xff", 100_000), "\x16\x03\x01\xff\xff"} {
			c, err := w.net.Dialer("x:1")(t.Context(), "tcp", b.addr)
			if err != nil {
				t.Fatal(err)
			}
			go func() { _, _ = io.WriteString(c, noise) }()
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
		c, err := a.dialer.Dial(t.Context(), idB, ProtocolRPC)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		a.close(t)
		b.close(t)
	})
}

func TestRaftOverTCPLeavesNothingBehind(t *testing.T) {
	defer goleak.VerifyNone(t)
	w := newWorld(t)
	open := func(id member.ID) (*Listener, *Raft) {
		bound, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		authority := authorityOf(t, id, secretOne)
		l, err := Listen(ListenerConfig{Listener: bound, Authority: authority})
		if err != nil {
			t.Fatal(err)
		}
		w.move(id, l.Addr().String())
		s, err := l.Stream(0, clusterID, &Dialer{Authority: authority, Resolver: w})
		if err != nil {
			t.Fatal(err)
		}
		return l, NewRaft(RaftConfig{Stream: s})
	}
	la, leader := open(idA)
	lb, follower := open(idB)
	served := make(chan struct{})
	go func() {
		defer close(served)
		for range 4 {
			rpc := <-follower.Consumer()
			if rpc.Reader != nil {
				n, _ := io.Copy(io.Discard, rpc.Reader)
				rpc.Respond(&raft.InstallSnapshotResponse{Success: n == 10<<20}, nil)
				continue
			}
			if _, ok := rpc.Command.(*raft.TimeoutNowRequest); ok {
				rpc.Respond(&raft.TimeoutNowResponse{}, nil)
				continue
			}
			inTerm(5)(rpc)
		}
	}()
	large := entries(5, 1) // as large as raft will be configured to send
	large.Entries = nil
	for i := range uint64(32) {
		large.Entries = append(large.Entries, &raft.Log{Index: 2 + i, Term: 5, Data: make([]byte, 256<<10)})
	}
	for _, req := range []*raft.AppendEntriesRequest{heartbeat(5), large} {
		if err := leader.AppendEntries("b-000002", "b-000002", req, new(raft.AppendEntriesResponse)); err != nil {
			t.Error(err)
		}
	}
	var installed raft.InstallSnapshotResponse
	snapshot := io.LimitReader(readerFunc(func(b []byte) (int, error) { return len(b), nil }), 10<<20)
	if err := leader.InstallSnapshot("b-000002", "b-000002", &raft.InstallSnapshotRequest{Term: 5, Size: 10 << 20}, &installed, snapshot); err != nil || !installed.Success {
		t.Error(installed, err)
	}
	if err := leader.TimeoutNow("b-000002", "b-000002", new(raft.TimeoutNowRequest), new(raft.TimeoutNowResponse)); err != nil {
		t.Error(err)
	}
	<-served
	if err := errors.Join(leader.Close(), lb.Close(), follower.Close(), la.Close()); err != nil {
		t.Error(err)
	}
}
