package live

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tinyurl/test/bubble"
)

// subscribe subscribes, or fails.
func subscribe[T any](t testing.TB, h *Hub[T]) *Subscription[T] {
	t.Helper()
	s, err := h.Subscribe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// gets fails unless the next items are these, after so many that were missed.
func gets(t testing.TB, s *Subscription[int], missed uint64, want ...int) {
	t.Helper()
	items, lost, err := s.Next(t.Context())
	if err != nil || lost != missed || !slices.Equal(items, want) {
		t.Errorf("got %v, missed %d, error %v; want %v, missed %d", items, lost, err, want, missed)
	}
}

func TestAllWhoListenGetWhatHappensWhileTheyDo(t *testing.T) {
	h := NewHub[int](2, 10)
	h.Publish([]int{1})
	a := subscribe(t, h)
	h.Publish([]int{2, 3})
	b := subscribe(t, h)
	h.Publish([]int{4})
	gets(t, a, 0, 2, 3, 4)
	gets(t, b, 0, 4)
	b.Close()
	h.Publish([]int{5})
	gets(t, a, 0, 5)
}

func TestWhoDoesNotKeepUpLosesTheOldestAndIsToldOnce(t *testing.T) {
	h := NewHub[int](2, 3)
	slow, fast := subscribe(t, h), subscribe(t, h)
	h.Publish([]int{1, 2})
	gets(t, fast, 0, 1, 2)
	h.Publish([]int{3, 4})
	gets(t, slow, 1, 2, 3, 4)
	gets(t, fast, 0, 3, 4)
	h.Publish([]int{5, 6, 7, 8, 9})
	gets(t, slow, 2, 7, 8, 9)
	h.Publish([]int{10})
	gets(t, slow, 0, 10)
}

func TestOnlySoManyMayListen(t *testing.T) {
	h := NewHub[int](2, 1)
	if h.Listened() {
		t.Error("somebody listens to a new hub")
	}
	a, b := subscribe(t, h), subscribe(t, h)
	if _, err := h.Subscribe(); !errors.Is(err, ErrTooMany) {
		t.Errorf("the third got %v, want %v", err, ErrTooMany)
	}
	a.Close()
	a.Close() // does not make room twice
	c := subscribe(t, h)
	if _, err := h.Subscribe(); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more than there was room for got %v, want %v", err, ErrTooMany)
	}
	b.Close()
	if !h.Listened() {
		t.Error("nobody listens, though one still does")
	}
	c.Close()
	if h.Listened() {
		t.Error("somebody listens after the last has left")
	}
}

func TestNextWaits(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		h := NewHub[int](1, 5)
		s := subscribe(t, h)
		began := time.Now()
		time.AfterFunc(time.Hour, func() { h.Publish(nil); h.Publish([]int{1}) })
		gets(t, s, 0, 1)
		if waited := time.Since(began); waited != time.Hour {
			t.Errorf("waited %v for what came after an hour", waited)
		}

		// Told of what was taken already, it waits on.
		h.Publish([]int{2})
		h.Publish([]int{3})
		gets(t, s, 0, 2, 3)
		time.AfterFunc(time.Minute, func() { h.Publish([]int{4}) })
		gets(t, s, 0, 4)

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, _, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Next beyond its time gave %v", err)
		}
		h.Publish([]int{5})
		if _, _, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Next of a context that is done gave %v", err)
		}
		gets(t, s, 0, 5)

		time.AfterFunc(time.Minute, s.Close)
		for range 2 {
			if _, _, err := s.Next(t.Context()); !errors.Is(err, ErrClosed) {
				t.Errorf("Next of a closed subscription gave %v, want %v", err, ErrClosed)
			}
		}
	})
}

func TestNobodyIsHandedWhatAnotherOwns(t *testing.T) {
	h := NewHub[int](2, 4)
	a, b := subscribe(t, h), subscribe(t, h)
	published := []int{1, 2}
	h.Publish(published)
	published[0] = 100
	items, _, err := a.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	items[1] = 200
	gets(t, b, 0, 1, 2)
	h.Publish([]int{3, 4, 5, 6})
	if items[0] != 1 {
		t.Errorf("what was handed over became %v", items)
	}
}

// TestRingHoldsTheNewest compares a ring with a slice that is cut.
func TestRingHoldsTheNewest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 70).Draw(t, "most")
		r := ring[int]{most: most}
		var model []int
		next := 1
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				var items []int
				for range rapid.IntRange(0, 90).Draw(t, "count") {
					items = append(items, next)
					next++
				}
				model = append(model, items...)
				over := max(len(model)-most, 0)
				model = model[over:]
				if lost := r.put(items); lost != over {
					t.Fatalf("%d lost, want %d", lost, over)
				}
			},
			"take": func(t *rapid.T) {
				if got := r.take(); !slices.Equal(got, model) {
					t.Fatalf("took %v, want %v", got, model)
				}
				model = nil
			},
			"": func(t *rapid.T) {
				kept := 0
				for _, item := range r.items {
					if item != 0 {
						kept++
					}
				}
				if kept != len(model) || len(r.items) > most {
					t.Fatalf("%d items are kept in room for %d, want %d in %d at most", kept, len(r.items), len(model), most)
				}
			},
		})
	})
}

func TestWhatIsMissedAndWhatIsHandedOverIsAll(t *testing.T) {
	const publishers, batches, size = 4, 500, 7
	h := NewHub[[2]int](9, 64)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var listeners, others sync.WaitGroup
	totals := make([]uint64, 3)
	for i := range totals {
		s := subscribe(t, h)
		listeners.Go(func() {
			newest := [publishers]int{}
			for totals[i] < publishers*batches*size {
				items, missed, err := s.Next(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				totals[i] += missed + uint64(len(items))
				for _, item := range items {
					if item[1] <= newest[item[0]] {
						t.Errorf("%d of publisher %d came after %d", item[1], item[0], newest[item[0]])
					}
					newest[item[0]] = item[1]
				}
			}
		})
	}
	for p := range publishers {
		others.Go(func() {
			items := make([][2]int, size)
			for batch := range batches {
				for i := range items {
					items[i] = [2]int{p, batch*size + i + 1}
				}
				h.Publish(items)
			}
		})
	}
	others.Go(func() { // come and go
		for range 200 {
			if s, err := h.Subscribe(); err == nil {
				s.Close()
			}
		}
	})
	others.Wait()
	listeners.Wait()
	for i, total := range totals {
		if total != publishers*batches*size {
			t.Errorf("listener %d got or missed %d, want %d", i, total, publishers*batches*size)
		}
	}
}

func TestPublishAllocatesNothingOnceThereIsRoom(t *testing.T) {
	h := NewHub[int](1, 32)
	items := make([]int, 10)
	if n := testing.AllocsPerRun(100, func() { h.Publish(items) }); n != 0 {
		t.Errorf("%v allocations for nobody", n)
	}
	subscribe(t, h)
	for range 4 {
		h.Publish(items)
	}
	if n := testing.AllocsPerRun(100, func() { h.Publish(items) }); n != 0 {
		t.Errorf("%v allocations for somebody, want none", n)
	}
}

func BenchmarkListened(b *testing.B) {
	h := NewHub[int](1, 1)
	for b.Loop() {
		if h.Listened() {
			b.Fatal("somebody listens")
		}
	}
}

func BenchmarkPublishTo10(b *testing.B) {
	h := NewHub[[200]byte](10, 1024) // as large as events are
	for range 10 {
		subscribe(b, h)
	}
	items := make([][200]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		h.Publish(items)
	}
}
