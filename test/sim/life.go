package sim

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"tinyurl/fsm/link"
	"tinyurl/test/history"
	"tinyurl/test/sim/wire"
)

// How long, in virtual time, the parts of a life may take.
const (
	// formingPatience is for the founders to found.
	formingPatience = 2 * time.Minute
	// quietPatience is for everything to settle after the last fault.
	quietPatience = 4 * time.Minute
	// writablePatience bounds the measuring of the write gap; the judge has its own mind about it.
	writablePatience = 2 * time.Minute
	// lingering is how long what runs into a deadline after the end may take.
	lingering = 3 * time.Minute
)

// lived is what came of a life.
type lived struct {
	history  history.History
	problems []problem
	faults   map[string]int
	skipped  map[string]int // faults that found nobody
	book     *logbook
	// virtual is how long the cluster lived under the workload.
	virtual  time.Duration
	restarts int64
	// visits is how many were counted, and untold how many of them died with processes before these had told, or were answered.
	visits, untold uint64
	wire           wire.Stats
}

// live lives the life of a plan, inside a bubble. out takes every line as it comes; nil for none. progress is kept at the virtual
// time, for whoever watches from outside.
func live(p plan, out io.Writer, progress *atomic.Int64) lived {
	book := newLogbook(time.Now(), out)
	defer beat(progress)()
	w, err := newWorld(p, book)
	if err != nil {
		panic(err)
	}
	l := &life{world: w}
	l.run()
	h := w.recorder.History()
	number(h, l.codec)
	w.neverDone(h.Operations)
	least, _ := w.visits.bounds()
	return lived{
		history: h, problems: w.noted(), faults: w.done, skipped: w.skipped, book: book, virtual: l.virtual,
		restarts: w.restarts.Load(), visits: w.visits.seen, untold: w.visits.seen - least, wire: w.net.Stats(),
	}
}

// beat keeps progress at the virtual time until it is stopped.
func beat(progress *atomic.Int64) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for sleep(ctx, time.Second) {
			progress.Add(int64(time.Second))
		}
	})
	return func() {
		cancel()
		all.Wait()
	}
}

// life is the course of things.
type life struct {
	world   *world
	load    *workload
	codec   *link.Codec // of this cluster, once collected
	virtual time.Duration
	healed  bool // the last fault was undone
}

func (l *life) run() {
	w := l.world
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, m := range w.founders() {
		w.ensureUp(m)
	}
	if !l.formed() {
		w.problem("forming", "no cluster in %v", formingPatience)
	} else {
		began := time.Now()
		l.load = startWorkload(w)
		(&nemesis{world: w, ctx: ctx}).run()
		l.heal()
		l.virtual = time.Since(began)
		l.load.stop()
		w.tellAll()
		l.quiet()
		l.readAll()
	}
	l.end()
}

// formed waits until every founder takes writes.
func (l *life) formed() bool {
	ctx, cancel := context.WithTimeout(context.Background(), formingPatience)
	defer cancel()
	for _, m := range l.world.founders() {
		for l.world.writable(ctx, m) != nil {
			if !sleep(ctx, 100*time.Millisecond) {
				return false
			}
		}
	}
	return true
}

// writable asks a node whether it takes writes.
func (w *world) writable(ctx context.Context, m *machine) error {
	p := m.current()
	if p == nil {
		return errBroken
	}
	return p.node.Writable(ctx)
}

// sleep waits; false when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// heal undoes what may be left of the faults and measures how soon every member takes writes.
func (l *life) heal() {
	w := l.world
	for _, m := range w.machines {
		m.heal()
		m.host.Resume()
	}
	for _, m := range w.members() {
		w.ensureUp(m)
	}
	w.net.Heal()
	w.book.say("FAULT heal: the last one")
	stamp := w.recorder.Fault("heal", "the last one")
	l.healed = true
	w.recorder.Change(func(r *history.Run) { r.HealedStamp, r.Healed = stamp.Stamp, stamp.At })
	ctx, cancel := context.WithTimeout(context.Background(), writablePatience)
	defer cancel()
	var mu sync.Mutex
	slowest, all := time.Duration(0), true
	var tries sync.WaitGroup
	for _, m := range w.members() {
		tries.Go(func() {
			took, ok := l.load.writable(ctx, m)
			mu.Lock()
			defer mu.Unlock()
			slowest, all = max(slowest, took), all && ok
			if took > 5*time.Second || !ok {
				w.book.say(fmt.Sprintf("%s took writes after %v (%v)", m.name, took, ok))
			}
		})
	}
	tries.Wait()
	if !all {
		slowest = -1
	}
	w.recorder.Change(func(r *history.Run) { r.WritableAfter = slowest })
}

// quiet waits until all members have one leader and the same of everything.
func (l *life) quiet() {
	w := l.world
	ctx, cancel := context.WithTimeout(context.Background(), quietPatience)
	defer cancel()
	for {
		why := w.unrest()
		if why == "" {
			w.book.say("all is quiet")
			return
		}
		if !sleep(ctx, time.Second) {
			w.problem("quiet", "after %v: %s", quietPatience, why)
			return
		}
	}
}

// unrest is what differs between the members; empty when nothing does.
func (w *world) unrest() string {
	var first string
	for _, m := range w.members() {
		p := m.current()
		if p == nil {
			return m.name + " is down"
		}
		s := p.node.Status(context.Background())
		if len(s.Groups) == 0 {
			return m.name + " has not joined"
		}
		if !s.Healthy {
			var ills []string
			for _, other := range s.Members {
				if !other.Healthy {
					ills = append(ills, string(other.ID)+" "+other.Error)
				}
			}
			return fmt.Sprintf("%s says it is not healthy: %v %v", m.name, s.Warnings, ills)
		}
		voters := 0
		for _, other := range s.Members {
			if other.Voter {
				voters++
			}
		}
		if want := min(5, len(w.members())); voters != want {
			return fmt.Sprintf("%s counts %d voters, not %d", m.name, voters, want)
		}
		g := s.Groups[0]
		state := fmt.Sprintf("leader %s, term %d, last %d, applied %d, %d links, counter %d", g.Leader, g.Term, g.LastIndex, g.AppliedIndex, g.Links, g.Counter)
		if first == "" {
			first = state
		}
		if state != first {
			return fmt.Sprintf("%s has %s; another has %s", m.name, state, first)
		}
	}
	return ""
}

// end cuts everyone off, so that nothing changes any more, closes all nodes, looks into their stores and logs, and sees to it that
// nothing is left.
func (l *life) end() {
	w := l.world
	for _, a := range w.machines {
		for _, b := range w.machines {
			if a != b {
				w.net.Set(a.name, b.name, cut())
			}
		}
	}
	for _, m := range w.machines {
		if p := m.current(); p != nil {
			w.closing.Go(func() {
				gone, cancel := context.WithCancel(context.Background())
				cancel()
				p.close(gone)
				p.end()
				m.host.Kill()
			})
		}
	}
	closed := make(chan struct{})
	go func() {
		w.closing.Wait()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(2 * closePatience):
		w.problem("close", "some nodes do not close")
	}
	l.collect()
	time.Sleep(lingering)
	synctest.Wait()
	if left := strangers(); len(left) > 0 {
		w.recorder.Change(func(r *history.Run) { r.Leaks = left })
	}
}

// strangers are the goroutines of this bubble but the caller's: what the nodes have left behind.
func strangers() []string {
	buf := make([]byte, 16<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var left []string
	for i, text := range strings.Split(string(buf), "\n\n") {
		head, _, _ := strings.Cut(text, "\n")
		if i > 0 && strings.Contains(head, "synctest bubble") && !strings.Contains(text, "testing/synctest.Test(") &&
			!strings.Contains(text, "testing/synctest.testingSynctestTest(") && !strings.Contains(text, "sim.beat.") {
			left = append(left, text)
		}
	}
	return left
}
