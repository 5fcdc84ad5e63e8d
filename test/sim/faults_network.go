package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"tinyurl/test/sim/wire"
)

// networkFaults change what lies between machines. All of them are healed at the end of their phase.
func networkFaults() []faultKind {
	kinds := []faultKind{
		{"halves", 5, (*nemesis).halves},
		{"leader in the minority", 6, (*nemesis).minority},
		{"isolated", 5, (*nemesis).isolated},
		{"bridge", 4, (*nemesis).bridge},
		{"ring", 3, (*nemesis).ring},
		{"mute", 4, (*nemesis).mute},
		{"deaf", 4, (*nemesis).deaf},
		{"flapping", 4, (*nemesis).flapping},
		{"slow network", 4, (*nemesis).slow},
		{"slow answers", 6, (*nemesis).slowAnswers},
		{"slow machine", 3, (*nemesis).slowMachine},
		{"lossy", 4, (*nemesis).lossy},
		{"gossip cut", 3, (*nemesis).gossipCut},
		{"raft cut", 3, (*nemesis).raftCut},
		{"packets astray", 2, (*nemesis).astray},
		{"away", 5, (*nemesis).away},
	}
	for i, k := range kinds {
		kinds[i].do = func(n *nemesis, r *rand.Rand, lasts time.Duration) {
			if len(n.world.running()) < 2 || (k.name == "bridge" || k.name == "ring") && len(n.world.running()) < 3 {
				n.skip(k.name, "too few machines run")
				return
			}
			k.do(n, r, lasts)
		}
	}
	return kinds
}

// cut is the quality of what lets nothing through.
func cut() wire.Quality { return wire.Quality{Cut: true} }

// between sets one direction.
func (n *nemesis) between(from, to *machine, q wire.Quality) {
	if from != to {
		n.world.net.Set(from.name, to.name, q)
	}
}

// part cuts every machine of one side off every machine of the other.
func (n *nemesis) part(one, other []*machine) { n.sides(one, other, cut()) }

func (n *nemesis) sides(one, other []*machine, q wire.Quality) {
	for _, a := range one {
		for _, b := range other {
			n.between(a, b, q)
			n.between(b, a, q)
		}
	}
}

// shuffled are all machines in an order by chance, those that run in front; up says how many these are, never less than two: a line
// between others is no fault.
func (n *nemesis) shuffled(r *rand.Rand) (all []*machine, up int) {
	for _, m := range n.world.machines {
		if m.current() != nil {
			all = append(all, m)
		}
	}
	up = len(all)
	for _, m := range n.world.machines {
		if !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	up = max(up, 2)
	r.Shuffle(up, func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all, up
}

// leaderFirst is shuffled with the leader in front, if there is one.
func (n *nemesis) leaderFirst(r *rand.Rand) (all []*machine, up int) {
	all, up = n.shuffled(r)
	if at := slices.Index(all, n.world.leader()); at >= 0 && at < up {
		all[0], all[at] = all[at], all[0]
	}
	return all, up
}

func (n *nemesis) halves(r *rand.Rand, lasts time.Duration) {
	all, up := n.shuffled(r)
	at := 1 + r.IntN(up-1)
	n.part(all[:at], all[at:])
	n.world.fault("halves", "%s | %s", names(all[:at]), names(all[at:]))
	n.sleep(lasts)
	n.sides(all[:at], all[at:], wire.Normal)
	n.world.undo("halves", "")
}

func (n *nemesis) minority(r *rand.Rand, lasts time.Duration) {
	all, up := n.leaderFirst(r)
	at := min(up-1, 1+r.IntN((n.world.plan.machines-1)/2))
	n.part(all[:at], all[at:])
	n.world.fault("leader in the minority", "%s | %s", names(all[:at]), names(all[at:]))
	n.sleep(lasts)
	n.sides(all[:at], all[at:], wire.Normal)
	n.world.undo("leader in the minority", "")
}

// isolated cuts off one after the other, each for a part of the time.
func (n *nemesis) isolated(r *rand.Rand, lasts time.Duration) {
	all, up := n.shuffled(r)
	few := all[:1+r.IntN(up)]
	for i := range few {
		n.part(few[i:i+1], n.world.machines)
		n.world.fault("isolated", "%s", few[i].name)
		n.sleep(lasts / time.Duration(len(few)))
		n.sides(few[i:i+1], n.world.machines, wire.Normal)
	}
	n.world.undo("isolated", "")
}

// bridge leaves one machine that both sides see.
func (n *nemesis) bridge(r *rand.Rand, lasts time.Duration) {
	all, up := n.shuffled(r)
	at := 1 + max(1, (up-1)/2)
	n.part(all[1:at], all[at:])
	n.world.fault("bridge", "%s - %s - %s", names(all[1:at]), all[0].name, names(all[at:]))
	n.sleep(lasts)
	n.sides(all[1:at], all[at:], wire.Normal)
	n.world.undo("bridge", "")
}

// ring leaves each machine its neighbours only; of five, each sees a majority that is not the others'.
func (n *nemesis) ring(r *rand.Rand, lasts time.Duration) {
	all, _ := n.shuffled(r)
	set := func(q wire.Quality) {
		for i := range all {
			for j := i + 2; j < len(all); j++ {
				if i != 0 || j != len(all)-1 {
					n.sides(all[i:i+1], all[j:j+1], q)
				}
			}
		}
	}
	set(cut())
	n.world.fault("ring", "%s", names(all))
	n.sleep(lasts)
	set(wire.Normal)
	n.world.undo("ring", "")
}

// mute lets nothing out of one machine, half the time the leader; deaf lets nothing in.
func (n *nemesis) mute(r *rand.Rand, lasts time.Duration) { n.oneWay(r, lasts, "mute") }
func (n *nemesis) deaf(r *rand.Rand, lasts time.Duration) { n.oneWay(r, lasts, "deaf") }

func (n *nemesis) oneWay(r *rand.Rand, lasts time.Duration, kind string) {
	all, up := n.shuffled(r)
	if r.IntN(2) == 0 {
		all, up = n.leaderFirst(r)
	}
	others := all[1 : 1+1+r.IntN(up-1)]
	set := func(q wire.Quality) {
		for _, m := range others {
			if kind == "mute" {
				n.between(all[0], m, q)
			} else {
				n.between(m, all[0], q)
			}
		}
	}
	set(cut())
	n.world.fault(kind, "%s, towards or from %s", all[0].name, names(others))
	n.sleep(lasts)
	set(wire.Normal)
	n.world.undo(kind, "")
}

// flapping cuts and mends again and again.
func (n *nemesis) flapping(r *rand.Rand, lasts time.Duration) {
	all, up := n.leaderFirst(r)
	at := 1 + r.IntN(up/2)
	n.world.fault("flapping", "%s | %s", names(all[:at]), names(all[at:]))
	for spent := time.Duration(0); spent < lasts; {
		bad, good := between(r, 50*time.Millisecond, 3*time.Second), between(r, 50*time.Millisecond, 2*time.Second)
		n.part(all[:at], all[at:])
		if !n.sleep(bad) {
			break
		}
		n.sides(all[:at], all[at:], wire.Normal)
		if !n.sleep(good) {
			break
		}
		spent += bad + good
	}
	n.sides(all[:at], all[at:], wire.Normal)
	n.world.undo("flapping", "")
}

func (n *nemesis) slow(r *rand.Rand, lasts time.Duration) {
	q := wire.Quality{Latency: between(r, 20*time.Millisecond, 600*time.Millisecond)}
	q.Jitter = between(r, 0, 2*q.Latency)
	n.sides(n.world.machines, n.world.machines, q)
	n.world.fault("slow network", "%v + %v", q.Latency, q.Jitter)
	n.sleep(lasts)
	n.sides(n.world.machines, n.world.machines, wire.Normal)
	n.world.undo("slow network", "")
}

// slowAnswers delays what the leader is told, but not what it says: its knowledge of the others is old.
func (n *nemesis) slowAnswers(r *rand.Rand, lasts time.Duration) {
	all, up := n.leaderFirst(r)
	q := wire.Quality{Latency: between(r, 200*time.Millisecond, 4*time.Second)}
	q.Jitter = between(r, 0, q.Latency/2)
	few := all[1 : 1+1+r.IntN(up-1)]
	for _, m := range few {
		n.between(m, all[0], q)
	}
	n.world.fault("slow answers", "%s to %s: %v + %v", names(few), all[0].name, q.Latency, q.Jitter)
	if r.IntN(2) == 0 { // and then the leader is cut off, while old answers still arrive
		n.sleep(between(r, 0, lasts/2))
		for _, m := range all[1:] {
			n.between(all[0], m, cut())
		}
		n.world.fault("slow answers", "%s is mute, too", all[0].name)
	}
	n.sleep(lasts / 2)
	n.sides(all[:1], all[1:], wire.Normal)
	n.world.undo("slow answers", "")
}

func (n *nemesis) slowMachine(r *rand.Rand, lasts time.Duration) {
	all, _ := n.shuffled(r)
	out := wire.Quality{Latency: between(r, time.Millisecond, 3*time.Second)}
	in := wire.Quality{Latency: between(r, time.Millisecond, 3*time.Second)}
	for _, m := range all[1:] {
		n.between(all[0], m, out)
		n.between(m, all[0], in)
	}
	n.world.fault("slow machine", "%s: out %v, in %v", all[0].name, out.Latency, in.Latency)
	n.sleep(lasts)
	n.sides(all[:1], all[1:], wire.Normal)
	n.world.undo("slow machine", "")
}

// lossy breaks streams and loses packets.
func (n *nemesis) lossy(r *rand.Rand, lasts time.Duration) {
	q := wire.Normal
	q.Loss = pick(r, []float64{0.002, 0.01, 0.05, 0.2})
	n.sides(n.world.machines, n.world.machines, q)
	n.world.fault("lossy", "%v", q.Loss)
	n.sleep(lasts)
	n.sides(n.world.machines, n.world.machines, wire.Normal)
	n.world.undo("lossy", "")
}

func (n *nemesis) gossipCut(r *rand.Rand, lasts time.Duration) {
	n.cutPort(r, lasts, "gossip cut", gossipPort)
}

func (n *nemesis) raftCut(r *rand.Rand, lasts time.Duration) {
	n.cutPort(r, lasts, "raft cut", clusterPort)
}

// cutPort cuts one of the two planes only.
func (n *nemesis) cutPort(r *rand.Rand, lasts time.Duration, kind string, port int) {
	all, up := n.leaderFirst(r)
	at := 1 + r.IntN(up-1)
	set := func(q wire.Quality) {
		for _, a := range all[:at] {
			for _, b := range all[at:] {
				n.world.net.SetPort(a.name, b.name, port, q)
				n.world.net.SetPort(b.name, a.name, port, q)
			}
		}
	}
	set(cut())
	n.world.fault(kind, "%s | %s", names(all[:at]), names(all[at:]))
	n.sleep(lasts)
	set(wire.Normal)
	n.world.undo(kind, "")
}

// astray loses, doubles and disorders packets: gossip has to live with it.
func (n *nemesis) astray(r *rand.Rand, lasts time.Duration) {
	q := wire.Normal
	q.Duplicate, q.Reorder = 0.3*r.Float64(), 0.3*r.Float64()
	for _, a := range n.world.machines {
		for _, b := range n.world.machines {
			if a != b {
				lossy := q
				lossy.Loss = 0.4 * r.Float64()
				n.world.net.SetPort(a.name, b.name, gossipPort, lossy)
			}
		}
	}
	n.world.fault("packets astray", "%.2f doubled, %.2f late", q.Duplicate, q.Reorder)
	n.sleep(lasts)
	for _, a := range n.world.machines {
		for _, b := range n.world.machines {
			if a != b {
				n.world.net.SetPort(a.name, b.name, gossipPort, wire.Normal)
			}
		}
	}
	n.world.undo("packets astray", "")
}

// away isolates a follower until the others have thrown away what it lacks, so that it needs a snapshot; then it comes back, often
// over a slow line, so that the installing takes its time.
func (n *nemesis) away(r *rand.Rand, lasts time.Duration) {
	all, _ := n.leaderFirst(r)
	one := all[1:2]
	n.part(one, n.world.machines)
	n.world.haste.Add(1)
	n.world.fault("away", "%s", names(one))
	n.sleep(max(lasts, 15*time.Second))
	n.world.haste.Add(-1)
	if r.IntN(2) == 0 {
		q := wire.Quality{Latency: between(r, 20*time.Millisecond, 300*time.Millisecond)}
		n.sides(one, n.world.machines, q)
		n.world.fault("away", "%s is back over a slow line", names(one))
		n.sleep(between(r, time.Second, 10*time.Second))
	}
	n.sides(one, n.world.machines, wire.Normal)
	n.world.undo("away", "%s", names(one))
}
