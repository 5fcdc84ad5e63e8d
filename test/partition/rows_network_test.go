//go:build linux

package partition

import (
	"fmt"
	"math/rand/v2"
	"time"

	"tinyurl/test/harness"
	"tinyurl/test/partition/fabric"
)

// The ports of the two planes between nodes, as the harness gives them.
const (
	clusterPort = 7000
	gossipPort  = 7946
)

// spoil does something to the wires between nodes and writes it down. What touched no frame would have proven nothing.
func (w *world) spoil(kind string, s spoilt, format string, args ...any) (mend func()) {
	before := w.touched(s)
	undo := w.wires.spoil(s)
	w.note(kind, format, args...)
	return func() {
		touched := w.touched(s) - before
		undo()
		if touched == 0 {
			w.Errorf("the fault touched no frame: %s %s", kind, fmt.Sprintf(format, args...))
		}
	}
}

// touched counts the frames that were dropped, held, doubled or overtaken on some wires.
func (w *world) touched(s spoilt) (frames uint64) {
	for at := range s {
		c := w.fabric.Counters(at.from, at.to)
		frames += c.Dropped + c.Delayed + c.Duplicated + c.Reordered
	}
	return frames
}

func leaderIsolated(w *world) func() {
	leader := w.leader()
	return w.spoil("cut", apart(names([]*harness.Node{leader}), names(w.cluster.Others(leader))), "leader %s from all", leader.Name())
}

// eachIsolated isolates one node after the other.
func eachIsolated(w *world) func() {
	for _, n := range w.shuffled() {
		mend := w.spoil("cut", apart([]string{n.Name()}, names(w.cluster.Others(n))), "%s from all", n.Name())
		w.hold(usual)
		mend()
		w.note("mend", "%s", n.Name())
		w.hold(2 * time.Second)
	}
	return func() {}
}

func oneWayOut(w *world) func() {
	leader := w.leader()
	return w.spoil("cut", cut(leader.Name(), names(w.cluster.Others(leader))...), "what leader %s says", leader.Name())
}

func oneWayIn(w *world) func() {
	leader := w.leader()
	s := make(spoilt)
	for _, n := range w.cluster.Others(leader) {
		s[wire{n.Name(), leader.Name(), 0}] = fabric.Quality{Cut: true}
	}
	return w.spoil("cut", s, "what leader %s hears", leader.Name())
}

// flapping cuts nodes off and on, one at a time and faster than a cluster settles.
func flapping(w *world) func() {
	r := rand.New(rand.NewPCG(w.r.Uint64(), 1))
	all := w.nodes()
	stop, stopped := make(chan struct{}), make(chan struct{})
	var touched uint64 // frames; owned by the goroutine until stopped is closed
	rest := func(least, most time.Duration) bool {
		select {
		case <-time.After(least + time.Duration(r.Int64N(int64(most-least)))):
			return true
		case <-stop:
			return false
		}
	}
	go func() {
		defer close(stopped)
		for on := true; on; {
			victim := all[r.IntN(len(all))]
			wires := apart([]string{victim.Name()}, names(w.cluster.Others(victim)))
			touched -= w.touched(wires)
			mend := w.wires.spoil(wires)
			w.note("cut", "%s from all", victim.Name())
			on = rest(200*time.Millisecond, 1800*time.Millisecond)
			touched += w.touched(wires)
			mend()
			w.note("mend", "%s", victim.Name())
			on = on && rest(50*time.Millisecond, 700*time.Millisecond)
		}
	}()
	return func() {
		close(stop)
		<-stopped
		if touched == 0 {
			w.Errorf("the fault touched no frame: flapping")
		}
	}
}

// delayed makes every direction slow by a time of its own.
func delayed(w *world) func() {
	return w.spoil("delay", between(w.names(), 0, func() fabric.Quality {
		return fabric.Quality{Delay: w.between(50*time.Millisecond, 800*time.Millisecond), Jitter: w.between(0, 50*time.Millisecond)}
	}), "50 to 800 ms")
}

// lossy makes every direction lose a share of its own.
func lossy(w *world) func() {
	return w.spoil("loss", between(w.names(), 0, func() fabric.Quality {
		return fabric.Quality{Loss: 0.05 + 0.45*w.r.Float64()}
	}), "5 to 50 %%")
}

func delayedAndLossy(w *world) func() {
	return w.spoil("delay", between(w.names(), 0, func() fabric.Quality {
		return fabric.Quality{Delay: w.between(20*time.Millisecond, 200*time.Millisecond), Loss: 0.02 + 0.1*w.r.Float64()}
	}), "20 to 200 ms, and 2 to 12 %% lost")
}

func doubledAndReordered(w *world) func() {
	return w.spoil("reorder", between(w.names(), 0, func() fabric.Quality {
		return fabric.Quality{Delay: time.Millisecond, Duplicate: 0.1 + 0.3*w.r.Float64(), Reorder: 0.1 + 0.3*w.r.Float64()}
	}), "10 to 40 %% doubled, and as many overtaken")
}

// planeCut cuts all nodes off from each other on one plane only.
func planeCut(port int) func(*world) func() {
	return func(w *world) func() {
		return w.spoil("cut", between(w.names(), port, func() fabric.Quality { return fabric.Quality{Cut: true} }), "port %d between all", port)
	}
}

// randomHalves parts the nodes in two at random, neither part empty.
func randomHalves(w *world) func() {
	all := names(w.shuffled())
	size := 1 + w.r.IntN(len(all)-1)
	return w.spoil("cut", apart(all[:size], all[size:]), "%v from %v", all[:size], all[size:])
}

// leaderInMinority leaves the leader one follower less than it needs.
func leaderInMinority(w *world) func() {
	leader := w.leader()
	others := names(w.followers(leader))
	few := append([]string{leader.Name()}, others[:(len(others)-1)/2]...)
	many := others[(len(others)-1)/2:]
	return w.spoil("cut", apart(few, many), "leader %s in %v from %v", leader.Name(), few, many)
}

// bridge parts the nodes in two halves that one node alone sees both of.
func bridge(w *world) func() {
	all := names(w.shuffled())
	middle := len(all) / 2
	return w.spoil("cut", apart(all[:middle], all[middle+1:]), "%v from %v, with %s between", all[:middle], all[middle+1:], all[middle])
}

// ringOfMajorities lets every node see a majority, and no two the same.
func ringOfMajorities(w *world) func() {
	all := names(w.shuffled())
	s := make(spoilt)
	for i, n := range all {
		for j, other := range all {
			if distance := (j - i + len(all)) % len(all); distance > 1 && distance < len(all)-1 {
				s[wire{n, other, 0}] = fabric.Quality{Cut: true}
			}
		}
	}
	return w.spoil("cut", s, "all but neighbours in the ring %v", all)
}

func leading(w *world) *harness.Node   { return w.leader() }
func following(w *world) *harness.Node { return w.followers(w.leader())[0] }
