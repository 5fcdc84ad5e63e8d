package forming

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/test/bubble"
)

// TestOverlappingSetsNeverBothForm runs thousands of random schedules. After
// each, when the network is well again and every node is up, all of them must
// belong to a cluster. FORMING_SEED replays one schedule, FORMING_ROUNDS sets
// their number.
func TestOverlappingSetsNeverBothForm(t *testing.T) {
	first, rounds := uint64(1), uint64(2000)
	switch {
	case testing.Short():
		rounds = 200
	case raceDetector:
		rounds = 500
	}
	if s := os.Getenv("FORMING_ROUNDS"); s != "" {
		rounds, _ = strconv.ParseUint(s, 10, 64)
	}
	if s := os.Getenv("FORMING_SEED"); s != "" {
		first, _ = strconv.ParseUint(s, 10, 64)
		rounds = 1
	}
	clusters := make(map[int]int)
	for seed := first; seed < first+rounds; seed++ {
		bubble.Test(t, func(t *testing.T) {
			w := newWorld(seed, 3+int(seed%4), 2+int(seed/4%3))
			if w.expect > len(w.nodes) {
				w.expect = len(w.nodes)
			}
			w.storm()
			for _, problem := range w.calm() {
				t.Errorf("seed %d (%d nodes, %d founders): %s", seed, len(w.nodes), w.expect, problem)
			}
			clusters[len(w.founded)]++
		})
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("clusters founded, and in how many schedules: %v", clusters)
}

// storm lets the worst happen for some virtual minutes.
func (w *world) storm() {
	w.loss = []float64{0, 0.05, 0.2, 0.4}[w.random.IntN(4)]
	w.slow = []time.Duration{100 * time.Millisecond, time.Second, 4 * time.Second}[w.random.IntN(3)]
	crashes := []float64{0, 0.1, 0.3}[w.random.IntN(3)]
	w.torn = crashes / 4
	for range 20 + w.random.IntN(60) {
		for _, n := range w.nodes {
			switch {
			case w.chance(crashes / 2):
				n.crash()
			case w.chance(0.5):
				if err := n.start(); err != nil {
					w.broken = append(w.broken, err.Error())
				}
			}
			if w.chance(0.3) {
				w.look(n)
			}
		}
		time.Sleep(10 * w.lag())
	}
}

// look changes whom a node sees.
func (w *world) look(n *simNode) {
	w.mu.Lock()
	for _, m := range w.nodes {
		if w.random.IntN(3) == 0 {
			n.sees[m.id] = w.random.IntN(4) > 0
		}
	}
	w.mu.Unlock()
	n.poke()
}

// calm heals everything and returns what is wrong nevertheless.
func (w *world) calm() []string {
	w.mu.Lock()
	w.loss, w.torn, w.slow = 0, 0, 100*time.Millisecond
	w.mu.Unlock()
	for _, n := range w.nodes {
		if err := n.start(); err != nil {
			return []string{err.Error()}
		}
		w.mu.Lock()
		for _, m := range w.nodes {
			n.sees[m.id] = true
		}
		w.mu.Unlock()
		n.poke()
	}
	for range 300 {
		time.Sleep(time.Second)
		if w.allSettled() {
			break
		}
	}
	for _, n := range w.nodes {
		if !n.settled() {
			n.note("%s has found no cluster: %s", n.id, n.disk)
		}
		n.checkFounder()
	}
	for _, n := range w.nodes {
		n.crash()
		<-n.done
	}
	synctest.Wait()
	time.Sleep(10 * time.Minute) // messages still under way
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}

func (w *world) allSettled() bool {
	for _, n := range w.nodes {
		if !n.settled() {
			return false
		}
	}
	return true
}

// checkFounder checks that every founder of a cluster that exists has become a
// member of that one.
func (n *simNode) checkFounder() {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	for attempt, set := range n.w.founded {
		for _, id := range set {
			if id == n.id && n.cluster != member.Founding(set, 0) {
				n.w.broken = append(n.w.broken, fmt.Sprintf("%s is a founder by attempt %s of %v but not of that cluster", n.id, attempt, set))
			}
		}
	}
}
