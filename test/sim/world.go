package sim

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tinyurl/cluster/identity"
	"tinyurl/test/history"
	"tinyurl/test/sim/disk"
	"tinyurl/test/sim/wire"
)

// world is one cluster with its network, its disks and its witnesses. It lives in a bubble.
type world struct {
	plan     plan
	net      *wire.Network
	start    time.Time
	book     *logbook
	recorder *history.Recorder
	secret   identity.Secret
	machines []*machine
	visits   visits
	closing  sync.WaitGroup // one for each process that is being closed

	haste    atomic.Int32 // clients hurry while it is above zero
	restarts atomic.Int64

	mu       sync.Mutex
	problems []problem      // owned by mu
	done     map[string]int // owned by mu: faults by kind
	skipped  map[string]int // owned by mu: faults that found nobody, by kind
}

// problem is something that the world itself saw go wrong, beside what the judge finds in the history.
type problem struct {
	checker, text string
	at            time.Duration
}

// spares are machines that are not founders: they join and leave.
const spares = 1

const theSecret = "a secret of the simulation that is long enough"

func newWorld(p plan, book *logbook) (*world, error) {
	secret, err := identity.ParseSecret(theSecret)
	if err != nil {
		return nil, err
	}
	w := &world{
		plan: p, net: wire.New(randOf(p.seed, streamNetwork).Uint64()), start: book.start, book: book, secret: secret, done: map[string]int{},
		skipped: map[string]int{},
	}
	w.recorder = history.NewRecorder(w.since)
	var names []string
	for i := range p.machines + spares {
		m := newMachine(w, i)
		w.machines = append(w.machines, m)
		names = append(names, m.name)
	}
	w.recorder.Change(func(r *history.Run) { r.Ring, r.Seed, r.Nodes = "sim", p.seed, names })
	return w, nil
}

// newDisk is an empty disk as this world has them.
func (w *world) newDisk() *disk.Disk {
	d := disk.New()
	d.SetSyncDelay(w.plan.syncTime)
	return d
}

// since is the virtual time since the start of the life.
func (w *world) since() time.Duration { return time.Since(w.start) }

// founders are the machines that make up the cluster when nothing happens.
func (w *world) founders() []*machine { return w.machines[:w.plan.machines] }

// running are the machines whose process can be asked now.
func (w *world) running() []*machine {
	var up []*machine
	for _, m := range w.machines {
		if m.current() != nil {
			up = append(up, m)
		}
	}
	return up
}

// members are the machines that are meant to be up in the end: the founders, and the spares that run.
func (w *world) members() []*machine {
	var all []*machine
	for i, m := range w.machines {
		if i < w.plan.machines || m.current() != nil {
			all = append(all, m)
		}
	}
	return all
}

// named gives the machine of a name.
func (w *world) named(name string) *machine {
	for _, m := range w.machines {
		if m.name == name {
			return m
		}
	}
	return nil
}

// problem notes what must not happen.
func (w *world) problem(checker, format string, args ...any) {
	p := problem{checker: checker, text: fmt.Sprintf(format, args...), at: w.since()}
	w.book.say("PROBLEM " + p.checker + ": " + p.text)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems = append(w.problems, p)
}

// noted are the problems so far.
func (w *world) noted() []problem {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]problem(nil), w.problems...)
}

// fault writes down what was done to the cluster, and counts it; undo writes down the end of it.
func (w *world) fault(kind, format string, args ...any) {
	w.mu.Lock()
	w.done[kind]++
	w.mu.Unlock()
	w.record(kind, fmt.Sprintf(format, args...))
	w.hurry()
}

func (w *world) undo(kind, format string, args ...any) {
	w.record("heal "+kind, fmt.Sprintf(format, args...))
	w.hurry()
}

// hurry has clients hurry for a moment: what breaks, breaks when things change.
func (w *world) hurry() {
	w.haste.Add(1)
	time.AfterFunc(1500*time.Millisecond, func() { w.haste.Add(-1) })
}

func (w *world) record(kind, what string) {
	w.recorder.Fault(kind, what)
	w.book.say("FAULT " + kind + ": " + what)
}

// seeds are where a starting node looks for others: today's addresses of all machines, as a name service would tell.
func (w *world) seeds(not *machine) []string {
	var addresses []string
	for _, m := range w.machines {
		if m != not {
			addresses = append(addresses, m.host.Addr(gossipPort))
		}
	}
	return addresses
}

// leader is the machine that leads in the highest term, nil if none says so.
func (w *world) leader() *machine {
	var best *machine
	highest := uint64(0)
	for _, m := range w.running() {
		s, ok := m.view()
		if ok && s.State == "leader" && s.Term >= highest {
			best, highest = m, s.Term
		}
	}
	return best
}
