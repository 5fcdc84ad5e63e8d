package cluster

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"tinyurl/test/bubble"
)

func TestWhenALoadGoes(t *testing.T) {
	type load struct {
		holds int
		takes time.Duration
		there int // how many had gathered when it came back
	}
	const never = time.Hour
	for name, c := range map[string]struct {
		came     []load        // loads that came back, one after the other
		away     int           // loads that travel
		left     time.Duration // since the oldest of these left
		idle     time.Duration // since the last one came back, none travelling
		gathered int
		want     time.Duration
	}{
		"nothing":                            {want: never},
		"the first one":                      {gathered: 1},
		"as many as before":                  {came: []load{{3, time.Millisecond, 0}}, gathered: 3},
		"more than before":                   {came: []load{{3, time.Millisecond, 0}}, gathered: 4},
		"fewer than before":                  {came: []load{{3, 4 * time.Millisecond, 0}}, gathered: 2, want: 4 * time.Millisecond},
		"fewer than before, for some time":   {came: []load{{3, 4 * time.Millisecond, 0}}, idle: time.Millisecond, gathered: 2, want: 3 * time.Millisecond},
		"fewer than before, for long":        {came: []load{{3, 4 * time.Millisecond, 0}}, idle: 4 * time.Millisecond, gathered: 2},
		"fewer than before, after a pause":   {came: []load{{3, 4 * time.Millisecond, 0}}, idle: time.Minute, gathered: 1},
		"fewer, and the way is long":         {came: []load{{3, time.Second, 0}}, gathered: 1, want: patienceMost},
		"those who waited already are more":  {came: []load{{3, 4 * time.Millisecond, 2}}, gathered: 4, want: 4 * time.Millisecond},
		"the last one counts":                {came: []load{{100, time.Millisecond, 0}, {2, time.Millisecond, 0}}, gathered: 2},
		"one travels":                        {away: 1, gathered: enough - 1, want: overdueLeast},
		"one travels, and there are enough":  {away: 1, gathered: enough},
		"one travels for long":               {away: 1, left: overdueLeast, gathered: 1},
		"one travels as long as usual":       {came: []load{{3, 20 * time.Millisecond, 0}}, away: 1, left: overdueLeast, gathered: 1, want: 60 * time.Millisecond},
		"one travels, as one did very long":  {came: []load{{3, time.Minute, 0}}, away: 1, left: overdueMost, gathered: 1},
		"all travel":                         {away: travelling, gathered: 100 * enough, want: never},
		"all travel for long":                {away: travelling, left: time.Minute, gathered: 1, want: never},
		"one travels and nothing has come":   {away: 1, left: time.Minute, want: never},
		"nothing, though some were expected": {came: []load{{3, 4 * time.Millisecond, 0}}, want: never},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				there := 0
				p := newPace(func() int { return there })
				for _, l := range c.came {
					back := p.leaves(l.holds)
					time.Sleep(l.takes)
					there = l.there
					back()
				}
				for range c.away {
					p.leaves(1)
				}
				time.Sleep(c.left + c.idle)
				if got := p.wait(c.gathered, time.Now()); got != c.want {
					t.Errorf("wait %v, want %v", got, c.want)
				}
			})
		})
	}
}

// Clients who write again as soon as they are answered share few loads, though none of them returns at the same moment.
func TestThoseWhoWaitedTogetherGoTogether(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const clients, writes = 16, 200
		var mu sync.Mutex
		var waiting []chan struct{}
		more := make(chan struct{}, 1)
		loads := 0
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		p := newPace(func() int { mu.Lock(); defer mu.Unlock(); return len(waiting) })
		go func() {
			for p.next(ctx, more) {
				mu.Lock()
				load := waiting
				waiting = nil
				loads++
				mu.Unlock()
				back := p.leaves(len(load))
				go func() {
					time.Sleep(2 * time.Millisecond)
					for _, answer := range load {
						close(answer)
					}
					back()
				}()
			}
		}()
		var all sync.WaitGroup
		random := rand.New(rand.NewPCG(1, 2))
		for range clients {
			pauses := make([]time.Duration, writes)
			for i := range pauses {
				pauses[i] = time.Duration(random.IntN(800)) * time.Microsecond
			}
			all.Go(func() {
				for _, pause := range pauses {
					time.Sleep(pause)
					answer := make(chan struct{})
					mu.Lock()
					waiting = append(waiting, answer)
					mu.Unlock()
					select {
					case more <- struct{}{}:
					default:
					}
					<-answer
				}
			})
		}
		began := time.Now()
		all.Wait()
		stop()
		mu.Lock()
		defer mu.Unlock()
		if mean := float64(clients*writes) / float64(loads); mean < 0.97*clients {
			t.Errorf("%d clients share a load with %.1f operations", clients, mean)
		}
		if took := time.Since(began); took > writes*4*time.Millisecond {
			t.Errorf("%d writes of each took %v: somebody waited in vain", writes, took)
		}
	})
}
