package sim

import (
	"math/rand/v2"
	"syscall"
	"time"

	"tinyurl/test/sim/disk"
)

// diskFaults trouble the disk under a running process.
func diskFaults() []faultKind {
	bad := func(kind string, says error, set func(*disk.Disk, bool)) func(*nemesis, *rand.Rand, time.Duration) {
		return func(n *nemesis, r *rand.Rand, lasts time.Duration) {
			n.badDisk(r, lasts, excuse{why: kind, error: says}, set)
		}
	}
	return []faultKind{
		{"disk full", 3, bad("disk full", syscall.ENOSPC, (*disk.Disk).SetFull)},
		{"disk failing", 3, bad("disk failing", syscall.EIO, (*disk.Disk).SetFailing)},
		{stalled, 4, bad(stalled, nil, (*disk.Disk).SetStalled)},
		{"slow disk", 4, (*nemesis).slowDisk},
	}
}

// stalled gives no error: what a node says that stops for it is its own.
const stalled = "disk stalled"

// badDisk troubles one disk, half the time the leader's. A process that ends for it is started again and again, as a service manager
// does, until the disk is well.
func (n *nemesis) badDisk(r *rand.Rand, lasts time.Duration, why excuse, set func(*disk.Disk, bool)) {
	kind := why.why
	who := n.seize(r, 1)
	if r.IntN(2) == 0 {
		n.release(who)
		who = n.seizeLeader(r)
	}
	if len(who) == 0 {
		n.skip(kind, "nobody is free")
		return
	}
	m := who[0]
	if p := m.current(); p != nil {
		p.forgive(why)
	}
	set(m.store(), true)
	n.world.fault(kind, "%s", m.name)
	for spent := time.Duration(0); spent < lasts && n.sleep(3*time.Second); spent += 3 * time.Second {
		if m.current() != nil || kind == stalled {
			continue
		}
		set(m.store(), true)
		if err := m.start(); err != nil {
			n.world.book.say("as it should be: " + err.Error())
		} else if p := m.current(); p != nil {
			p.forgive(why)
		}
	}
	m.heal()
	if p := m.current(); p != nil {
		p.blame()
	}
	n.back(who)
	n.world.undo(kind, "%s", m.name)
}

func (n *nemesis) release(machines []*machine) {
	for _, m := range machines {
		m.release()
	}
}

// slowDisk makes every sync take its time.
func (n *nemesis) slowDisk(r *rand.Rand, lasts time.Duration) {
	who := n.seize(r, 1+r.IntN(len(n.world.machines)))
	if len(who) == 0 {
		n.skip("slow disk", "nobody is free")
		return
	}
	delay := between(r, 5*time.Millisecond, 800*time.Millisecond)
	for _, m := range who {
		m.store().SetSyncDelay(delay)
	}
	n.world.fault("slow disk", "%s: %v", names(who), delay)
	n.sleep(lasts)
	for _, m := range who {
		m.store().SetSyncDelay(n.world.plan.syncTime)
	}
	n.back(who)
	n.world.undo("slow disk", "%s", names(who))
}
