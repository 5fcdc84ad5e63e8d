package fsm

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"tinyurl/fsm/link"
	"tinyurl/test/bubble"
)

func TestWaitersAreWokenWhenTheirIndexIsApplied(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := &waiters{limit: maxWaiters}
		const n = 200
		var woken [n + 1]bool
		for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
			index := uint64(i + 1)
			go func() {
				if err := w.wait(t.Context(), index); err != nil {
					t.Error(err)
				}
				woken[index] = true
			}()
		}
		synctest.Wait()
		highest := uint64(0)
		for _, reached := range []uint64{1, 2, 50, 49, 150, n} {
			w.reached(reached)
			synctest.Wait()
			highest = max(highest, reached)
			for i := uint64(1); i <= n; i++ {
				if woken[i] != (i <= highest) {
					t.Fatalf("at %d: waiter %d is woken: %v", reached, i, woken[i])
				}
			}
		}
		if len(w.queue) != 0 {
			t.Errorf("%d waiters are left", len(w.queue))
		}
	})
}

func TestWaitingForThePastReturnsAtOnce(t *testing.T) {
	w := &waiters{limit: 1}
	w.reached(7)
	for _, index := range []uint64{0, 6, 7} {
		if err := w.wait(t.Context(), index); err != nil {
			t.Errorf("index %d: %v", index, err)
		}
	}
	w.stop(ErrClosed)
	if err := w.wait(t.Context(), 7); err != nil {
		t.Errorf("what was applied before the stop: %v", err)
	}
	if err := w.wait(t.Context(), 8); !errors.Is(err, ErrClosed) {
		t.Errorf("what was not: %v", err)
	}
}

func TestWaitersLeaveWhenTheyGiveUp(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := &waiters{limit: maxWaiters}
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		for i := range uint64(50) {
			done.Go(func() {
				ctx := ctx
				if i%2 == 0 {
					ctx = t.Context()
				}
				err := w.wait(ctx, 100-i)
				if i%2 == 0 && err != nil || i%2 == 1 && !errors.Is(err, context.Canceled) {
					t.Errorf("waiter %d: %v", i, err)
				}
			})
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		w.mu.Lock()
		left := len(w.queue)
		w.mu.Unlock()
		if left != 25 {
			t.Errorf("%d waiters are left, want 25", left)
		}
		w.reached(100)
		done.Wait()
	})
}

func TestNoMoreWaitThanTheLimit(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := &waiters{limit: 2}
		for range 2 {
			go func() {
				if err := w.wait(t.Context(), 5); !errors.Is(err, ErrClosed) {
					t.Errorf("a waiter: %v, want ErrClosed", err)
				}
			}()
		}
		synctest.Wait()
		if err := w.wait(t.Context(), 5); !errors.Is(err, link.ErrOverloaded) {
			t.Errorf("one too many: %v, want ErrOverloaded", err)
		}
		w.stop(ErrClosed)
	})
}

func TestAnApplyWakesWhoWaitsForIt(t *testing.T) {
	g := lead(t)
	waited, index := make(chan error), g.index+1
	go func() { waited <- g.WaitApplied(t.Context(), index) }()
	made := g.make(slug("x"))
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	if _, err := g.Store().Lookup(made.Code); err != nil {
		t.Errorf("applied, but not to be read: %v", err)
	}
	if !g.ApplyingSince().IsZero() {
		t.Error("idle, and yet applying")
	}
}
