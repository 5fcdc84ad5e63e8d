package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/member"
	"tinyurl/test/bubble"
)

func TestADialIsRefusedForEachReasonAndBothLogsSayIt(t *testing.T) {
	for _, c := range []struct {
		name  string
		group uint32
		want  error
		alter func(*Stream)
	}{
		{"another cluster", 0, ErrOtherCluster, func(s *Stream) { s.cluster = member.Founding([]member.ID{idA}, 0) }},
		{"the cluster before a recovery", 0, ErrOtherCluster, func(s *Stream) { s.cluster = member.Founding([]member.ID{idA, idB, idC}, 1) }},
		{"no cluster yet", 0, ErrOtherCluster, func(s *Stream) { s.cluster = member.ClusterID{} }},
		{"an unknown group", 7, ErrUnknownGroup, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w := newWorld(t)
				a, b := w.start(idA, nil), w.start(idB, nil)
				sa, sb := a.stream(t, c.group), b.stream(t, 0)
				if c.alter != nil {
					c.alter(sa)
				}
				conn, err := sa.Dial("b-000002", time.Second)
				if !errors.Is(err, c.want) {
					t.Errorf("%v, %v", conn, err)
				}
				synctest.Wait()
				a.logs.want(t, "dialler", c.want.Error())
				b.logs.want(t, "acceptor", c.want.Error())
				_, _ = sa.Close(), sb.Close()
				a.close(t)
				b.close(t)
			})
		})
	}
}

func TestTheAcceptorBelievesTheCertificateAndNotTheHeader(t *testing.T) {
	for _, c := range []struct {
		name string
		h    header
		want error
	}{
		{"another sender", header{0, clusterID, idC, idB}, ErrNotItself},
		{"another receiver", header{0, clusterID, idA, idC}, ErrNotAddressed},
		{"the sender itself", header{0, clusterID, idA, idA}, ErrNotAddressed},
		{"all right", header{0, clusterID, idA, idB}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w := newWorld(t)
				a, b := w.start(idA, nil), w.start(idB, nil)
				sb := b.stream(t, 0)
				conn, err := a.dialer.Dial(t.Context(), idB, ProtocolRaft)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
					t.Fatal(err)
				}
				if err := c.h.writeTo(conn); err != nil {
					t.Fatal(err)
				}
				if err := readVerdict(conn); !errors.Is(err, c.want) {
					t.Errorf("verdict %v", err)
				}
				synctest.Wait()
				if c.want != nil {
					b.logs.want(t, "acceptor", c.want.Error())
					if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
						t.Errorf("after the refusal: %v", err)
					}
				}
				_, _ = conn.Close(), sb.Close()
				a.close(t)
				b.close(t)
			})
		})
	}
}

func TestDiallingANodeGossipDoesNotKnowHasNoFallback(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start(idA, nil)
		sa := a.stream(t, 0)
		if _, err := sa.Dial("b:7947", time.Second); !errors.Is(err, ErrUnresolved) {
			t.Error(err)
		}
		if _, err := sa.Dial("b-000002", time.Second); !errors.Is(err, ErrUnresolved) {
			t.Error(err)
		}
		_ = sa.Close()
		a.close(t)
	})
}

func TestAStreamsAddressIsTheNodesID(t *testing.T) {
	w := newWorld(t)
	a := w.start(idA, nil)
	sa := a.stream(t, 0)
	if got := sa.Addr(); got.String() != "a-000001" || got.Network() == "" {
		t.Errorf("%v", got)
	}
	_ = sa.Close()
	a.close(t)
}

func TestAGroupHasOneStreamAtATime(t *testing.T) {
	w := newWorld(t)
	a := w.start(idA, nil)
	first := a.stream(t, 3)
	if _, err := a.listener.Stream(3, clusterID, a.dialer); !errors.Is(err, ErrGroupTaken) {
		t.Error(err)
	}
	other := a.stream(t, 4)
	_ = first.Close()
	again := a.stream(t, 3)
	_ = first.Close() // closes nothing of its successor
	if _, err := a.listener.Stream(3, clusterID, a.dialer); !errors.Is(err, ErrGroupTaken) {
		t.Error("closing the old stream twice freed the new one's group")
	}
	_, _ = again.Close(), other.Close()
	a.close(t)
}

func TestEachGroupGetsItsOwnConnections(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, nil)
		for group := range uint32(2) {
			sb := b.stream(t, group)
			sa := a.stream(t, group)
			go func() {
				c, err := sb.Accept()
				if err != nil {
					return
				}
				_, _ = c.Write([]byte{byte(group)})
				_ = c.Close()
			}()
			c, err := sa.Dial("b-000002", 0)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(c); err != nil || len(got) != 1 || got[0] != byte(group) {
				t.Errorf("group %d: %v, %v", group, got, err)
			}
			_, _, _ = c.Close(), sa.Close(), sb.Close()
		}
		a.close(t)
		b.close(t)
	})
}

func TestClosingAStreamEndsAcceptDialAndOpenConnections(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, nil)
		sa, sb := a.stream(t, 0), b.stream(t, 0)
		accepted := make(chan net.Conn, 1)
		acceptErr := make(chan error, 1)
		go func() {
			c, _ := sb.Accept()
			accepted <- c
			_, err := sb.Accept()
			acceptErr <- err
		}()
		dialled, err := sa.Dial("b-000002", 0)
		if err != nil {
			t.Fatal(err)
		}
		theirs := <-accepted
		_ = sb.Close()
		_ = sb.Close()
		if err := <-acceptErr; !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept: %v", err)
		}
		if _, err := dialled.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the dialler reads %v", err)
		}
		if _, err := theirs.Read(make([]byte, 1)); err == nil {
			t.Error("the accepted connection still reads")
		}
		if _, err := sb.Dial("a-000001", time.Second); !errors.Is(err, net.ErrClosed) {
			t.Errorf("dial after close: %v", err)
		}
		if _, err := sa.Dial("b-000002", time.Second); !errors.Is(err, ErrUnknownGroup) {
			t.Errorf("dialling a closed stream: %v", err)
		}
		// The connection sa dialled ends with sa as well, without a word of its user.
		_ = sa.Close()
		if _, err := dialled.Write([]byte("x")); err == nil {
			t.Error("the dialled connection still writes")
		}
		a.close(t)
		b.close(t)
	})
}

func TestClosingAStreamEndsADialInProgress(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, nil)
		sa := a.stream(t, 0)
		w.net.Part(a.addr, b.addr)
		time.AfterFunc(time.Second, func() { _ = sa.Close() })
		start := time.Now()
		if _, err := sa.Dial("b-000002", time.Minute); !errors.Is(err, net.ErrClosed) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		a.close(t)
		b.close(t)
	})
}

func TestDiallingAcrossACutTakesNoLongerThanTheTimeout(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, nil)
		sa := a.stream(t, 0)
		for name, cut := range map[string]func(){
			"both ways": func() { w.net.Part(a.addr, b.addr) },
			// The connection below opens before the cut falls: what hangs is the handshake.
			"in the handshake": func() {
				dial := w.net.Dialer(a.addr)
				a.dialer.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
					c, err := dial(ctx, network, addr)
					w.net.Cut(b.addr, a.addr)
					return c, err
				}
			},
		} {
			cut()
			start := time.Now()
			if _, err := sa.Dial("b-000002", time.Minute); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != ConnectTimeout {
				t.Errorf("%s: %v after %v", name, err, time.Since(start))
			}
			w.net.Join(a.addr, b.addr)
		}
		_ = sa.Close()
		a.close(t)
		b.close(t)
	})
}

func TestAWriteToANodeThatVanishedGivesUp(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, nil)
		sa, sb := a.stream(t, 0), b.stream(t, 0)
		c, err := sa.Dial("b-000002", 0)
		if err != nil {
			t.Fatal(err)
		}
		w.net.Part(a.addr, b.addr)
		start := time.Now()
		_ = c.SetDeadline(start.Add(24 * time.Hour)) // as for a huge snapshot
		for err == nil {
			_, err = c.Write(make([]byte, 64<<10))
		}
		if took := time.Since(start); took > writeStall+5*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		w.net.Join(a.addr, b.addr)
		_, _ = sa.Close(), sb.Close()
		a.close(t)
		b.close(t)
	})
}

func TestRaftsStreamLayerErrorsReachRaftsCaller(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, nil)
		r := NewRaft(RaftConfig{Stream: a.stream(t, 0)})
		err := r.RequestVote("b-000002", "b-000002", &raft.RequestVoteRequest{}, &raft.RequestVoteResponse{})
		if !errors.Is(err, ErrUnknownGroup) {
			t.Error(err)
		}
		_ = r.Close()
		a.close(t)
		b.close(t)
	})
}
