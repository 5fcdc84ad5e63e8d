package sim

import (
	"context"
	"math/rand/v2"
	"time"

	"tinyurl/test/sim/disk"
)

// churnFaults change who is a member.
func churnFaults() []faultKind {
	return []faultKind{
		{"grow", 4, (*nemesis).grow},
		{"leave", 4, (*nemesis).leave},
		{"wipe", 4, (*nemesis).wipe},
	}
}

// sound reports whether the cluster could lose a member for good: a leader says that all are well and one may fail. What is lost
// beyond that is lost by right.
func (n *nemesis) sound() bool {
	m := n.world.leader()
	if m == nil {
		return false
	}
	p := m.current()
	if p == nil {
		return false
	}
	s := p.node.Status(n.ctx)
	return s.Healthy && s.FailureTolerance > 0
}

// grow starts the spare machine, or takes it away again if it is there.
func (n *nemesis) grow(r *rand.Rand, lasts time.Duration) {
	m := n.world.machines[n.world.plan.machines+r.IntN(spares)]
	if !m.claim() {
		n.skip("grow", "the spare is not free")
		return
	}
	if m.current() != nil {
		n.depart(r, m)
		return
	}
	n.world.fault("grow", "%s", m.name)
	n.back([]*machine{m})
	n.sleep(lasts)
}

// leave has a member leave for good. A founder comes back as a new member.
func (n *nemesis) leave(r *rand.Rand, lasts time.Duration) {
	if !n.sound() {
		n.skip("leave", "the cluster is not sound")
		return
	}
	who := n.seize(r, 1)
	if len(who) == 0 {
		n.skip("leave", "nobody is free")
		return
	}
	n.depart(r, who[0])
	n.sleep(between(r, 0, lasts/2))
}

// depart lets a claimed machine leave and releases it.
func (n *nemesis) depart(r *rand.Rand, m *machine) {
	p := m.current()
	if p == nil {
		m.release()
		return
	}
	n.world.fault("leave", "%s", m.name)
	ctx, cancel := context.WithTimeout(n.ctx, 30*time.Second)
	err := p.node.Leave(ctx)
	cancel()
	left := false
	select {
	case <-p.node.Left():
		left = true
	default:
	}
	if !left {
		// It goes on being a member, or goes on leaving: whoever wants to know waits no longer.
		n.world.book.say(m.name + " has not left")
		if err != nil {
			n.world.book.say(m.name + ": " + err.Error())
		}
		m.stop() // as the process would end; it may still be a member, then it comes back as one
		n.back([]*machine{m})
		return
	}
	m.stop()
	old := m.swap(func(*disk.Disk) *disk.Disk { return n.world.newDisk() })
	m.mu.Lock()
	m.retired = append(m.retired, old)
	m.mu.Unlock()
	n.sleep(between(r, 0, 5*time.Second))
	if m.founder {
		n.back([]*machine{m})
	} else {
		m.release()
	}
	n.world.undo("leave", "%s", m.name)
}

// wipe loses the disk of a machine, which comes back under the same name with nothing.
func (n *nemesis) wipe(r *rand.Rand, lasts time.Duration) {
	if !n.sound() {
		n.skip("wipe", "the cluster is not sound")
		return
	}
	who := n.seize(r, 1)
	if len(who) == 0 {
		n.skip("wipe", "nobody is free")
		return
	}
	who[0].wipe()
	n.world.fault("wipe", "%s", names(who))
	n.sleep(between(r, 0, min(lasts, 10*time.Second)))
	n.back(who)
	n.sleep(lasts)
	n.world.undo("wipe", "%s", names(who))
}
