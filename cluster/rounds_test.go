package cluster

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tinyurl/test/bubble"
)

func TestACallerNeverJoinsARoundThatWasRunningWhenItArrived(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		asked := uint64(0)
		r := newRounds(time.Minute, func(context.Context) (uint64, error) {
			mu.Lock()
			asked++
			n := asked
			mu.Unlock()
			time.Sleep(time.Second) // the question takes a (virtual) second
			return n, nil
		})
		defer r.close()
		got := make(chan uint64, 4)
		join := func() {
			n, err := r.join(t.Context())
			if err != nil {
				t.Error(err)
			}
			got <- n
		}
		go join()
		synctest.Wait() // the first round runs
		for range 3 {
			go join()
		}
		synctest.Wait()
		if n := <-got; n != 1 {
			t.Fatalf("the first caller got round %d", n)
		}
		for range 3 {
			if n := <-got; n != 2 {
				t.Fatalf("a caller that arrived during round 1 got round %d, want the next one, shared", n)
			}
		}
	})
}

func TestACallerThatGivesUpDoesNotEndTheRound(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		r := newRounds(time.Minute, func(context.Context) (uint64, error) {
			time.Sleep(time.Second)
			return 7, nil
		})
		defer r.close()
		patient := make(chan uint64, 1)
		go func() { n, _ := r.join(t.Context()); patient <- n }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := r.join(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("err = %v", err)
		}
		if n := <-patient; n != 7 {
			t.Fatalf("got %d", n)
		}
	})
}

func TestARoundEndsAtItsOwnTimeAndAtClose(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		r := newRounds(time.Second, func(ctx context.Context) (uint64, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		start := time.Now()
		if _, err := r.join(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("err = %v", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Fatalf("the round took %v", took)
		}
		go r.join(t.Context())
		synctest.Wait()
		r.close()
		if _, err := r.join(t.Context()); !errors.Is(err, errClosed) {
			t.Fatalf("after close: %v", err)
		}
	})
}
