package sim

import (
	"math/rand/v2"
	"sync"
	"time"

	"tinyurl/test/history"
)

// spend visits a link that has a limit, mostly one of the latest, several times at once on different nodes.
func (l *workload) spend(client int, wait time.Duration, r *rand.Rand) {
	l.mu.Lock()
	if len(l.limited) == 0 {
		l.mu.Unlock()
		return
	}
	code := l.limited[len(l.limited)-1-r.IntN(min(4, len(l.limited)))]
	l.mu.Unlock()
	l.visits(code, wait, r)()
	if r.IntN(3) == 0 {
		l.everywhere(code, r)
	}
	if r.IntN(3) == 0 {
		if up := l.world.running(); len(up) > 0 {
			if p := pick(r, up).current(); p != nil {
				l.world.read(p, client, wait, history.Get, code)
			}
		}
	}
}

// visits has some visitors, all at once, on nodes by chance. Whose they are is chosen now, and they set out when it is called.
func (l *workload) visits(code string, wait time.Duration, r *rand.Rand) func() {
	var on []*process
	for range 1 + r.IntN(4) {
		up := l.world.running()
		if len(up) == 0 {
			break
		}
		if p := pick(r, up).current(); p != nil {
			on = append(on, p)
		}
	}
	return func() {
		var all sync.WaitGroup
		for _, p := range on {
			client := l.number()
			all.Go(func() { l.world.read(p, client, wait, history.Visit, code) })
		}
		all.Wait()
	}
}
