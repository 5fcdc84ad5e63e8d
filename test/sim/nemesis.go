package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// nemesis does to the cluster what the plan says.
type nemesis struct {
	world *world
	ctx   context.Context // ends when the life must come to its end
}

// faultKind is one kind of fault. do does it, waits for as long as it lasts, and undoes it.
type faultKind struct {
	name   string
	weight int
	do     func(n *nemesis, r *rand.Rand, lasts time.Duration)
}

// faultKinds are all there are. Their order is part of what a seed means.
func faultKinds() []faultKind {
	return append(append(networkFaults(), machineFaults()...), append(churnFaults(), diskFaults()...)...)
}

// run goes through the phases. Each ends with every fault of it undone.
func (n *nemesis) run() {
	kinds := map[string]faultKind{}
	for _, k := range faultKinds() {
		kinds[k.name] = k
	}
	if within := n.world.plan.within; within != nil {
		within(n.world)
	}
	for i, ph := range n.world.plan.phases {
		if !n.sleep(ph.calm) {
			return
		}
		n.world.book.say(fmt.Sprintf("phase %d", i+1))
		var all sync.WaitGroup
		for _, f := range ph.faults {
			all.Go(func() {
				if n.sleep(f.offset) {
					kinds[f.kind].do(n, randOf(f.seed, streamPlan), f.lasts)
				}
			})
		}
		all.Wait()
		n.world.net.Heal()
	}
}

// sleep waits; false when the life comes to its end.
func (n *nemesis) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-n.ctx.Done():
		return false
	}
}

// skip notes a fault that found nothing to do, and counts it apart.
func (n *nemesis) skip(kind, why string) {
	w := n.world
	w.book.say("SKIPPED " + kind + ": " + why)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skipped[kind]++
}

// seize claims running machines by chance, at most count of them; the caller releases them.
func (n *nemesis) seize(r *rand.Rand, count int) []*machine {
	up := n.world.running()
	r.Shuffle(len(up), func(i, j int) { up[i], up[j] = up[j], up[i] })
	var got []*machine
	for _, m := range up {
		if len(got) < count && m.claim() {
			got = append(got, m)
		}
	}
	return got
}

// seizeLeader claims the leader, or another running machine if nobody leads.
func (n *nemesis) seizeLeader(r *rand.Rand) []*machine {
	if m := n.world.leader(); m != nil && m.claim() {
		return []*machine{m}
	}
	return n.seize(r, 1)
}

// back brings machines up again and lets go of them.
func (n *nemesis) back(machines []*machine) {
	var all sync.WaitGroup
	for _, m := range machines {
		all.Go(func() {
			n.world.ensureUp(m)
			m.release()
		})
	}
	all.Wait()
}

// ensureUp starts a machine until it runs. A node that refuses to start on a disk that works is a fault of the product.
func (w *world) ensureUp(m *machine) {
	for try := 1; ; try++ {
		err := m.start()
		if err == nil {
			return
		}
		w.problem("start", "%v", err)
		if try == 3 { // the life goes on without what this disk held
			m.wipe()
		}
		if try == 6 {
			return
		}
		time.Sleep(time.Second)
	}
}

// restartSoon starts a machine again whose process ended by itself, as a service manager would. A fault that has the machine in its
// hands does so itself in the end.
func (w *world) restartSoon(m *machine) {
	w.closing.Go(func() {
		time.Sleep(2 * time.Second)
		if m.claim() {
			w.ensureUp(m)
			m.release()
		}
	})
}

// names lists machines.
func names(machines []*machine) string {
	text := ""
	for i, m := range machines {
		if i > 0 {
			text += " "
		}
		text += m.name
	}
	return text
}
