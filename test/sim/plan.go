package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// plan is all that is decided about a life before it begins. Every choice in it comes from the seed, so that a seed names one plan
// for as long as this file does not change.
type plan struct {
	seed     uint64
	machines int
	// snapshotEvery and trailing are raft's SnapshotThreshold and TrailingLogs, in entries. Small ones make snapshots, installs
	// and truncation happen all the time.
	snapshotEvery, trailing uint64
	snapshotLook            time.Duration
	syncTime                time.Duration // of a healthy disk
	commit                  time.Duration // how soon followers learn of a commit when nothing else is sent
	heartbeat               time.Duration
	clients                 int
	think                   time.Duration   // mean pause of a client between two requests, in calm times
	skews                   []time.Duration // of each machine's clock
	patience                time.Duration   // of a client, for one answer
	phases                  []phase
	// within is run among the phases; tests alone set it.
	within func(*world)
}

// phase is a calm time and the faults that follow it, all at once.
type phase struct {
	calm   time.Duration
	faults []fault
}

// fault is one thing done to the cluster and undone.
type fault struct {
	kind   string
	offset time.Duration // from the end of the calm
	lasts  time.Duration
	seed   uint64 // of what is chosen when it happens: whom, how much
}

// lifeLength is about how long the faults of one life take.
const lifeLength = 30 * time.Minute

// streams of random numbers made of one seed; each has its own, so that a change in one leaves the others as they were.
const (
	streamPlan = iota + 1
	streamNetwork
	streamWorkload
	streamCrash
	streamCrypto
)

func randOf(seed, stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }

// newPlan makes the plan of a seed. machines is 3 or 5; 0 leaves it to the seed.
func newPlan(seed uint64, machines int, length time.Duration) plan {
	r := randOf(seed, streamPlan)
	p := plan{seed: seed, machines: pick(r, []int{3, 3, 3, 5})}
	if machines != 0 {
		p.machines = machines
	}
	p.trailing = pick(r, []uint64{16, 32, 64, 256})
	p.snapshotEvery = pick(r, []uint64{24, 48, 96, 300})
	p.snapshotLook = between(r, 2*time.Second, 12*time.Second)
	p.syncTime = pick(r, []time.Duration{0, 0, 2 * time.Millisecond, 8 * time.Millisecond})
	p.commit = pick(r, []time.Duration{100 * time.Millisecond, 300 * time.Millisecond, 500 * time.Millisecond, 500 * time.Millisecond})
	p.heartbeat = pick(r, []time.Duration{time.Second, 2 * time.Second})
	p.clients = 3 + r.IntN(4)
	p.think = between(r, 6*time.Second, 14*time.Second) // clients hurry when something happens
	p.patience = between(r, 1500*time.Millisecond, 8*time.Second)
	worst := pick(r, []time.Duration{0, 200 * time.Millisecond, time.Second})
	for range p.machines + spares {
		p.skews = append(p.skews, between(r, -worst, worst))
	}
	if r.IntN(6) == 0 { // one clock is far off: such a leader has to hand over
		p.skews[r.IntN(p.machines)] = between(r, -time.Minute, time.Minute)
	}
	for spent := time.Duration(0); spent < length; {
		ph := newPhase(r)
		p.phases = append(p.phases, ph)
		spent += ph.length()
	}
	return p
}

// newPhase takes one fault, often two, now and then three.
func newPhase(r *rand.Rand) phase {
	ph := phase{calm: between(r, 500*time.Millisecond, 30*time.Second)}
	n := 1
	if r.IntN(5) < 3 {
		n++
		if r.IntN(4) == 0 {
			n++
		}
	}
	for range n {
		f := fault{kind: choose(r), seed: r.Uint64(), lasts: between(r, 2*time.Second, 40*time.Second)}
		if r.IntN(5) == 0 {
			f.lasts = between(r, 40*time.Second, 100*time.Second)
		}
		if len(ph.faults) > 0 {
			f.offset = time.Duration(r.Int64N(int64(ph.faults[0].lasts)))
		}
		ph.faults = append(ph.faults, f)
	}
	return ph
}

func (ph phase) length() time.Duration {
	longest := time.Duration(0)
	for _, f := range ph.faults {
		longest = max(longest, f.offset+f.lasts)
	}
	return ph.calm + longest
}

// choose takes a kind of fault by its weight.
func choose(r *rand.Rand) string {
	total := 0
	for _, k := range faultKinds() {
		total += k.weight
	}
	at := r.IntN(total)
	for _, k := range faultKinds() {
		if at -= k.weight; at < 0 {
			return k.name
		}
	}
	panic("weights that do not add up")
}

// String is the plan for people.
func (p plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d machines, snapshot every %d entries (looked at every %v), %d trailing, %d clients, a request every %v each, clocks off by %v\n",
		p.seed, p.machines, p.snapshotEvery, p.snapshotLook, p.trailing, p.clients, p.think, p.skews)
	for i, ph := range p.phases {
		fmt.Fprintf(&b, "phase %d: calm %v", i+1, ph.calm)
		for _, f := range ph.faults {
			fmt.Fprintf(&b, "; %s after %v for %v", f.kind, f.offset, f.lasts)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// between takes a duration from [from, to], in whole milliseconds.
func between(r *rand.Rand, from, to time.Duration) time.Duration {
	if to <= from {
		return from
	}
	return (from + time.Duration(r.Int64N(int64(to-from)+1))).Truncate(time.Millisecond)
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
