package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// machineFaults end processes, or have them stand still.
func machineFaults() []faultKind {
	return []faultKind{
		{"crash", 5, func(n *nemesis, r *rand.Rand, d time.Duration) { n.down(r, d, "crash", n.seize(r, 1)) }},
		{"crash leader", 6, func(n *nemesis, r *rand.Rand, d time.Duration) { n.down(r, d, "crash leader", n.seizeLeader(r)) }},
		{"crash majority", 4, func(n *nemesis, r *rand.Rand, d time.Duration) {
			n.down(r, d, "crash majority", n.seize(r, n.world.plan.machines/2+1))
		}},
		{"crash all", 4, func(n *nemesis, r *rand.Rand, d time.Duration) {
			n.down(r, d, "crash all", n.seize(r, len(n.world.machines)))
		}},
		{"kill", 4, func(n *nemesis, r *rand.Rand, d time.Duration) { n.down(r, d, "kill", n.seize(r, 1)) }},
		{"kill leader", 4, func(n *nemesis, r *rand.Rand, d time.Duration) { n.down(r, d, "kill leader", n.seizeLeader(r)) }},
		{"kill all", 2, func(n *nemesis, r *rand.Rand, d time.Duration) {
			n.down(r, d, "kill all", n.seize(r, len(n.world.machines)))
		}},
		{"pause", 4, func(n *nemesis, r *rand.Rand, d time.Duration) { n.pause(r, d, "pause", n.seize(r, 1)) }},
		{"pause leader", 5, func(n *nemesis, r *rand.Rand, d time.Duration) { n.pause(r, d, "pause leader", n.seizeLeader(r)) }},
		{"stop", 4, (*nemesis).stop},
		{"stop leader", 4, (*nemesis).stopLeader},
		{"rolling restart", 3, (*nemesis).rolling},
		{"crash upon", 8, (*nemesis).crashUpon},
		{"move", 3, (*nemesis).move},
		{"move all", 2, (*nemesis).moveAll},
		{"clock", 3, (*nemesis).clock},
	}
}

// down ends processes by power failure or kill, and starts them again one by one.
func (n *nemesis) down(r *rand.Rand, lasts time.Duration, kind string, who []*machine) {
	if len(who) == 0 {
		n.skip(kind, "nobody is free")
		return
	}
	for _, m := range who {
		if kind[0] == 'k' {
			m.kill()
		} else {
			m.crash(r.Uint64())
		}
	}
	n.world.fault(kind, "%s", names(who))
	var all sync.WaitGroup
	for _, m := range who {
		away := between(r, 100*time.Millisecond, lasts)
		all.Go(func() {
			n.sleep(away)
			n.back([]*machine{m})
			n.world.undo(kind, "%s", m.name)
		})
	}
	all.Wait()
}

// pause has machines stand still: nothing comes in or goes out, and requests of clients wait. What a process computes by itself goes
// on: a bubble cannot stop goroutines. Package partition stops real processes.
func (n *nemesis) pause(r *rand.Rand, lasts time.Duration, kind string, who []*machine) {
	if len(who) == 0 {
		n.skip(kind, "nobody is free")
		return
	}
	lasts = min(lasts, between(r, 300*time.Millisecond, 15*time.Second))
	for _, m := range who {
		if p := m.current(); p != nil {
			p.paused.shut()
		}
		m.host.Pause()
	}
	n.world.fault(kind, "%s for %v", names(who), lasts)
	n.sleep(lasts)
	for _, m := range who {
		m.host.Resume()
		if p := m.current(); p != nil {
			p.paused.open()
		}
	}
	n.back(who)
	n.world.undo(kind, "%s", names(who))
}

func (n *nemesis) stop(r *rand.Rand, lasts time.Duration) {
	n.stopAll(r, lasts, "stop", n.seize(r, 1))
}

// stopLeader makes the leader hand over and go.
func (n *nemesis) stopLeader(r *rand.Rand, lasts time.Duration) {
	n.stopAll(r, lasts, "stop leader", n.seizeLeader(r))
}

func (n *nemesis) stopAll(r *rand.Rand, lasts time.Duration, kind string, who []*machine) {
	if len(who) == 0 {
		n.skip(kind, "nobody is free")
		return
	}
	n.world.fault(kind, "%s", names(who))
	for _, m := range who {
		m.stop()
	}
	n.sleep(between(r, 0, lasts))
	n.back(who)
	n.world.undo(kind, "%s", names(who))
}

// rolling restarts all machines one after the other, as an upgrade does.
func (n *nemesis) rolling(r *rand.Rand, lasts time.Duration) {
	hit := 0
	all, _ := n.shuffled(r)
	for _, m := range all {
		if m.current() == nil || !m.claim() {
			continue
		}
		if hit++; hit == 1 {
			n.world.fault("rolling restart", "")
		}
		m.stop()
		n.sleep(between(r, 0, 2*time.Second))
		n.back([]*machine{m})
		n.sleep(min(lasts/4, between(r, 500*time.Millisecond, 6*time.Second)))
	}
	if hit == 0 {
		n.skip("rolling restart", "nobody is free")
		return
	}
	n.world.undo("rolling restart", "%d machines", hit)
}

// moments are what nodes say at instants at which it hurts to lose the power.
func moments() []string {
	return []string{
		saidLeading, saidSnapshot, saidInstalled, saidAdmitting, saidHandover, saidCampaign, "starting snapshot up to", "compacting logs",
		"copied to local snapshot", "snapshot restored", "installing snapshot on", "updating configuration", "ready to write",
		"clearing log suffix", "starting restore from snapshot", "appendEntries rejected", "promoting", "state opened",
	}
}

// crashUpon waits for one of some moments and crashes whoever it befalls, or the leader, or both. One alone would often not come.
func (n *nemesis) crashUpon(r *rand.Rand, lasts time.Duration) {
	words := moments()
	r.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
	words = words[:5]
	ctx, cancel := context.WithTimeout(n.ctx, max(lasts, 30*time.Second))
	defer cancel()
	who, ok := n.world.book.await(ctx, words)
	if !ok {
		n.skip("crash upon", fmt.Sprintf("none of %q came", words))
		return
	}
	n.sleep(pick(r, []time.Duration{0, 0, 500 * time.Microsecond, 2 * time.Millisecond, between(r, 0, 100*time.Millisecond)}))
	var down []*machine
	if m := n.world.named(who); m != nil && r.IntN(4) > 0 && m.claim() {
		down = append(down, m)
	} else {
		down = n.seizeLeader(r)
	}
	if r.IntN(6) == 0 {
		down = append(down, n.seize(r, 1)...)
	}
	n.world.book.say(fmt.Sprintf("moment: one of %q", words))
	n.down(r, min(lasts, 10*time.Second), "crash upon", down)
}

// move stops a machine, or two, and starts it at another address; the first one's old address goes to the second.
func (n *nemesis) move(r *rand.Rand, lasts time.Duration) {
	n.moveThese(r, min(lasts, 10*time.Second), "move", n.seize(r, 1+r.IntN(2)))
}

func (n *nemesis) moveAll(r *rand.Rand, lasts time.Duration) {
	n.moveThese(r, min(lasts, 10*time.Second), "move all", n.seize(r, len(n.world.machines)))
}

func (n *nemesis) moveThese(r *rand.Rand, lasts time.Duration, kind string, who []*machine) {
	if len(who) == 0 {
		n.skip(kind, "nobody is free")
		return
	}
	for _, m := range who {
		if r.IntN(2) == 0 {
			m.crash(r.Uint64())
		} else {
			m.kill()
		}
	}
	free := ""
	for _, m := range who {
		old, _, _ := net.SplitHostPort(m.host.Addr(clusterPort))
		if free == "" || m.host.MoveTo(free) != nil {
			m.host.Move()
		}
		free = old
	}
	n.world.fault(kind, "%s", names(who))
	n.sleep(between(r, 0, lasts))
	n.back(who)
	n.world.undo(kind, "%s", names(who))
}

// clock sets one clock wrong while its node runs, and right again.
func (n *nemesis) clock(r *rand.Rand, lasts time.Duration) {
	up := n.world.running()
	if len(up) == 0 {
		n.skip("clock", "nobody runs")
		return
	}
	m := pick(r, up)
	by := between(r, -3*time.Second, 3*time.Second)
	if r.IntN(3) == 0 {
		by = between(r, -10*time.Minute, 10*time.Minute)
	}
	shift := func(d time.Duration) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.skew += d
	}
	shift(by)
	n.world.fault("clock", "%s by %v", m.name, by)
	n.sleep(lasts)
	shift(-by)
	n.world.undo("clock", "%s", m.name)
}
