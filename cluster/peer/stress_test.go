package peer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/test/bubble"
)

// tally is what a node did, by the text of the request.
type tally struct {
	mu   sync.Mutex
	done map[string]int
}

func (l *tally) do(_ context.Context, _ member.ID, b []byte) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[string(b)]++
	return b, nil
}

// The promise on which retries rest: what is said to be unprocessed never was, what succeeded was processed once, and what is
// unknown once at most. Tried with links that fail all the time and a node that restarts.
func TestACallersBeliefIsAlwaysTrue(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 7))
				w, a, b := duo(t, nil)
				processed := &tally{done: map[string]int{}}
				Handle(b.mux, "do", Bytes(), processed.do)
				stop, stopped := make(chan struct{}), make(chan struct{})
				go func() {
					defer close(stopped)
					b = disturb(t, w, a, b, random, processed, stop)
				}()
				believed := callFromMany(t, a, seed)
				close(stop)
				<-stopped
				a.close(t)
				b.close(t)

				processed.mu.Lock()
				defer processed.mu.Unlock()
				outcomes := map[string]int{}
				for text, err := range believed {
					n := processed.done[text]
					switch {
					case err == nil:
						outcomes["ok"]++
						if n != 1 {
							t.Errorf("%s succeeded and was processed %d times", text, n)
						}
					case Unprocessed(err):
						outcomes["unprocessed"]++
						if n != 0 {
							t.Errorf("%s was processed %d times in spite of: %v", text, n, err)
						}
					case errors.Is(err, ErrUnknown):
						outcomes["unknown"]++
						if n > 1 {
							t.Errorf("%s was processed %d times", text, n)
						}
					default:
						t.Errorf("%s is neither: %v", text, err)
					}
				}
				if outcomes["ok"] == 0 || outcomes["unprocessed"] == 0 || outcomes["unknown"] == 0 {
					t.Errorf("the test does not try enough: %v", outcomes)
				}
			})
		})
	}
}

// callFromMany makes calls for a minute and reports what each caller came to believe.
func callFromMany(t *testing.T, a *node, seed uint64) map[string]error {
	var (
		mu       sync.Mutex
		believed = map[string]error{}
		callers  sync.WaitGroup
	)
	for caller := range 8 {
		random := rand.New(rand.NewPCG(seed, uint64(caller)))
		callers.Go(func() {
			end := time.Now().Add(time.Minute)
			for i := 0; time.Now().Before(end); i++ {
				text := fmt.Sprint(caller, "/", i)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+random.IntN(6000))*time.Millisecond)
				got, err := ask(ctx, a, idB, "do", text)
				cancel()
				if err == nil && got != text {
					t.Errorf("%s was answered with %s", text, got)
				}
				mu.Lock()
				believed[text] = err
				mu.Unlock()
				time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
			}
		})
	}
	callers.Wait()
	return believed
}

// disturb cuts the links, one way or both, and restarts b; it returns the last b.
func disturb(t *testing.T, w *world, a, b *node, random *rand.Rand, processed *tally, stop <-chan struct{}) *node {
	for {
		select {
		case <-stop:
			w.net.Join(a.addr, b.addr)
			return b
		case <-time.After(time.Duration(random.IntN(4000)) * time.Millisecond):
		}
		switch random.IntN(5) {
		case 0:
			w.net.Cut(a.addr, b.addr)
		case 1:
			w.net.Cut(b.addr, a.addr)
		case 2:
			b.close(t)
			time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
			b = w.start(t, idB, secretOne, nil)
			Handle(b.mux, "do", Bytes(), processed.do)
		default:
			w.net.Join(a.addr, b.addr)
		}
	}
}
