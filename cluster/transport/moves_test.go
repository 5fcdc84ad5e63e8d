package transport

import (
	"context"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/member"
	"tinyurl/test/bubble"
)

// oldPlace is where nothing is refused and nothing is answered any more.
const oldPlace = "left:7947"

func TestADialFollowsANodeThatMoves(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, nil)
		sa, sb := a.stream(t, 0), b.stream(t, 0)
		go echo(sb)
		w.net.Part(a.addr, oldPlace)
		w.move(idB, oldPlace)
		time.AfterFunc(time.Second, func() { w.move(idC, "elsewhere:1") }) // which is no concern of this dial
		time.AfterFunc(2*time.Second, func() { w.move(idB, b.addr) })
		start := time.Now()
		c, err := sa.Dial("b-000002", 0)
		if err != nil || time.Since(start) != 2*time.Second {
			t.Fatalf("%v after %v", err, time.Since(start))
		}
		exchange(t, c, "here")
		_, _ = sa.Close(), sb.Close()
		a.close(t)
		b.close(t)
	})
}

func TestWhoIsNotReachedIsMissed(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, nil)
		var missed []member.ID
		a.dialer.Missed = func(id member.ID) { missed = append(missed, id) }
		expect := func(when string, ctx context.Context, to member.ID, want ...member.ID) {
			t.Helper()
			missed = nil
			c, err := a.dialer.Dial(ctx, to, ProtocolRPC)
			if err == nil {
				_ = c.Close()
			}
			if !slices.Equal(missed, want) {
				t.Errorf("%s (%v): %v are missed, want %v", when, err, missed, want)
			}
		}
		ctx := t.Context()
		expect("reached", ctx, idB)
		expect("of whom nothing is known", ctx, idC, idC)
		w.move(idC, b.addr)
		expect("where another one lives", ctx, idC, idC)
		w.net.Part(a.addr, oldPlace)
		w.move(idC, oldPlace)
		expect("where nobody answers", ctx, idC, idC)
		gone, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Second, cancel)
		expect("given up by the caller", gone, idC)
		a.close(t)
		b.close(t)
	})
}

func TestADialOfANodeThatGoesOnMovingEndsInTime(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start(idA, nil)
		sa := a.stream(t, 0)
		places := []string{"left:1", "left:2"}
		for _, p := range places {
			w.net.Part(a.addr, p)
		}
		w.move(idB, places[0])
		ctx, cancel := context.WithCancel(t.Context())
		moving := make(chan struct{})
		go func() {
			defer close(moving)
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for n := 1; ; n++ {
				select {
				case <-tick.C:
					w.move(idB, places[n%2])
				case <-ctx.Done():
					return
				}
			}
		}()
		start := time.Now()
		if _, err := sa.Dial("b-000002", 0); err == nil || time.Since(start) != ConnectTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		cancel()
		<-moving
		_ = sa.Close()
		a.close(t)
	})
}

func TestConnectionsToWhereANodeNoLongerIsAreClosed(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b, c := w.start(idA, nil), w.start(idB, nil), w.start(idC, nil)
		sa, sb, sc := a.stream(t, 0), b.stream(t, 0), c.stream(t, 0)
		go echo(sb)
		go echo(sc)
		dial := func(to raft.ServerAddress) net.Conn {
			conn, err := sa.Dial(to, 0)
			if err != nil {
				t.Fatal(err)
			}
			return conn
		}
		left, kept := dial("b-000002"), dial("c-000003")
		w.net.Part(a.addr, b.addr)
		time.AfterFunc(time.Second, func() { w.move(idB, "b-new:7947") })
		start := time.Now()
		if n, err := left.Read(make([]byte, 1)); err == nil || time.Since(start) > time.Second+goodbyeTimeout {
			t.Errorf("an answer from where the node no longer is: %d, %v after %v", n, err, time.Since(start))
		}
		exchange(t, kept, "still here")
		w.net.Join(a.addr, b.addr)
		_, _, _ = sa.Close(), sb.Close(), sc.Close()
		a.close(t)
		b.close(t)
		c.close(t)
	})
}

func TestAConnectionMadeWhileItsNodeMovedIsClosed(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, nil)
		a.dialer.Changed = nil // stream and dial look when they begin, and hear of nothing later
		sa, sb := a.stream(t, 0), b.stream(t, 0)
		synctest.Wait()
		dial := a.dialer.DialContext
		a.dialer.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			synctest.Wait()
			w.move(idB, "b-new:7947")
			return dial(ctx, network, addr)
		}
		c, err := sa.Dial("b-000002", 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte("x")); err == nil {
			t.Error("it is kept")
		}
		_, _ = sa.Close(), sb.Close()
		a.close(t)
		b.close(t)
	})
}
