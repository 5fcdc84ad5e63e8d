package peer

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/test/bubble"
)

func TestCallersThatComeTogetherShareOneConnection(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, a, b := duo(t, nil)
		Handle(b.mux, "echo", Bytes(), echoed)
		var all sync.WaitGroup
		for range 10 * MaxInFlightPerNode {
			all.Go(func() {
				if got, err := ask(t.Context(), a, idB, "echo", "x"); err != nil || got != "x" {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
		all.Wait()
		if n := a.dials.Load(); n != 1 {
			t.Errorf("%d connections", n)
		}
		a.close(t)
		b.close(t)
	})
}

func TestCallsBeyondTheClientsLimitWaitTheirTurn(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, a, b := duo(t, func(_ *MuxConfig, c *ClientConfig) { c.MaxInFlight = 1 })
		Handle(b.mux, "second", Bytes(), func(context.Context, member.ID, []byte) ([]byte, error) {
			time.Sleep(time.Second)
			return nil, nil
		})
		start := time.Now()
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if _, err := ask(t.Context(), a, idB, "second", ""); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		if _, err := ask(ctx, a, idB, "second", ""); !errors.Is(err, ErrOverloaded) || !Unprocessed(err) {
			t.Errorf("a call that had no turn: %v", err)
		}
		cancel()
		all.Wait()
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("three calls one by one took %v", took)
		}
		a.close(t)
		b.close(t)
	})
}

func TestOneCallersImpatienceIsNotAnothers(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, a, b := duo(t, nil)
		Handle(b.mux, "echo", Bytes(), echoed)
		w.net.Part(a.addr, b.addr)
		time.AfterFunc(2*time.Second, func() { w.net.Join(a.addr, b.addr) })
		patient := make(chan error, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		go func() { // comes while the first one's dial is on its way
			<-ctx.Done()
			_, err := ask(t.Context(), a, idB, "echo", "x")
			patient <- err
		}()
		if _, err := ask(ctx, a, idB, "echo", "x"); !errors.Is(err, ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the impatient: %v", err)
		}
		cancel()
		if err := <-patient; err != nil {
			t.Errorf("the patient: %v", err)
		}
		if n := a.dials.Load(); n != 1 {
			t.Errorf("%d dials", n)
		}
		a.close(t)
		b.close(t)
	})
}

func TestANodeThatDiesIsNoticedWithinFiveSeconds(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, a, b := duo(t, nil)
		Handle(b.mux, "echo", Bytes(), echoed)
		Handle(b.mux, "wait", Bytes(), func(ctx context.Context, _ member.ID, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if _, err := ask(t.Context(), a, idB, "echo", "x"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		failed := make(chan error)
		go func() {
			_, err := ask(ctx, a, idB, "wait", "")
			failed <- err
		}()
		synctest.Wait()
		w.net.Part(a.addr, b.addr)
		start := time.Now()
		if err := <-failed; !errors.Is(err, ErrUnknown) || Unprocessed(err) || time.Since(start) > 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		start = time.Now()
		if _, err := ask(ctx, a, idB, "echo", "x"); !errors.Is(err, ErrUnreachable) || time.Since(start) > 3*time.Second {
			t.Errorf("the next call: %v after %v", err, time.Since(start))
		}
		w.net.Join(a.addr, b.addr)
		if _, err := ask(ctx, a, idB, "echo", "x"); err != nil {
			t.Errorf("healed: %v", err)
		}
		a.close(t)
		b.close(t)
	})
}

func TestCallsGoOnAfterTheOtherNodeRestarted(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, a, b := duo(t, nil)
		Handle(b.mux, "echo", Bytes(), echoed)
		if _, err := ask(t.Context(), a, idB, "echo", "x"); err != nil {
			t.Fatal(err)
		}
		b.close(t)
		synctest.Wait()
		if _, err := ask(t.Context(), a, idB, "echo", "x"); !errors.Is(err, ErrUnreachable) {
			t.Errorf("while it is down: %v", err)
		}
		b = w.start(t, idB, secretOne, nil)
		Handle(b.mux, "echo", Bytes(), echoed)
		if _, err := ask(t.Context(), a, idB, "echo", "x"); err != nil {
			t.Errorf("once it is back: %v", err)
		}
		a.close(t)
		b.close(t)
	})
}

func TestCallsGoOnAfterIdleTimeAndThroughIt(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, a, b := duo(t, nil)
		Handle(b.mux, "echo", Bytes(), echoed)
		for _, pause := range []time.Duration{
			0, time.Second, time.Minute, idleTimeout - time.Nanosecond, idleTimeout, idleTimeout + time.Nanosecond, time.Hour, 24 * time.Hour,
		} {
			time.Sleep(pause)
			if _, err := ask(t.Context(), a, idB, "echo", "x"); err != nil {
				t.Errorf("after %v: %v", pause, err)
			}
		}
		if n := a.dials.Load(); n < 2 || n > 5 {
			t.Errorf("%d dials", n)
		}
		a.close(t)
		b.close(t)
	})
}

func TestRequestsThatWereGivenUpDoNotBlockTheNext(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, a, b := duo(t, nil)
		Handle(b.mux, "echo", Bytes(), echoed)
		Handle(b.mux, "wait", Bytes(), func(ctx context.Context, _ member.ID, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if _, err := ask(t.Context(), a, idB, "echo", "x"); err != nil {
			t.Fatal(err)
		}
		w.net.Part(a.addr, b.addr)
		for range 5 { // five times what fits at once, given up before the connection is
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			var all sync.WaitGroup
			for range MaxInFlightPerNode {
				all.Go(func() { _, _ = ask(ctx, a, idB, "wait", "") })
			}
			all.Wait()
			cancel()
		}
		w.net.Join(a.addr, b.addr)
		if _, err := ask(t.Context(), a, idB, "echo", "x"); err != nil {
			t.Error(err)
		}
		a.close(t)
		b.close(t)
	})
}

func TestForgetDropsTheConnectionAndALaterCallDialsAnew(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, a, b := duo(t, nil)
		Handle(b.mux, "echo", Bytes(), echoed)
		a.client.Forget("nobody-000009")
		for want := range int64(3) {
			if _, err := ask(t.Context(), a, idB, "echo", "x"); err != nil {
				t.Fatal(err)
			}
			if n := a.dials.Load(); n != want+1 {
				t.Errorf("%d dials, want %d", n, want+1)
			}
			a.client.Forget(idB)
			if len(a.client.nodes) != 0 {
				t.Error("the node is remembered")
			}
		}
		a.close(t)
		b.close(t)
	})
}

func TestClosingTheClientEndsItsCallsAndLeavesNothing(t *testing.T) {
	bubble.Test(t, func(t *testing.T) { // the bubble fails when a goroutine stays
		w, a, b := duo(t, nil)
		Handle(b.mux, "wait", Bytes(), func(ctx context.Context, _ member.ID, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		w.move(idC, "far:1")
		w.net.Part(a.addr, "far:1")
		failed := make(chan error, 2)
		for _, id := range []member.ID{idB, idC} { // one in flight, one dialling
			go func() {
				_, err := ask(t.Context(), a, id, "wait", "")
				failed <- err
			}()
		}
		synctest.Wait()
		start := time.Now()
		for range 2 {
			if err := a.client.Close(); err != nil {
				t.Error(err)
			}
		}
		if <-failed == nil || <-failed == nil {
			t.Error("a call survived its client")
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("took %v", took)
		}
		if _, err := ask(t.Context(), a, idB, "wait", ""); !errors.Is(err, ErrClosed) || !errors.Is(err, ErrUnreachable) {
			t.Errorf("afterwards: %v", err)
		}
		a.close(t)
		b.close(t)
	})
}
