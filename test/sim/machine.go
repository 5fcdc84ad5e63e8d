package sim

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tinyurl/cluster"
	"tinyurl/test/sim/disk"
	"tinyurl/test/sim/wire"
)

// Ports of every machine.
const (
	clusterPort = 7000
	gossipPort  = 7001
)

// machine is one host with one disk, on which processes live one after the other.
type machine struct {
	world   *world
	name    string
	founder bool
	host    *wire.Host

	mu      sync.Mutex
	disk    *disk.Disk    // owned by mu
	retired []*disk.Disk  // owned by mu: disks of data directories that were wiped
	process *process      // owned by mu: nil while none runs
	starts  uint64        // owned by mu
	claimed bool          // owned by mu: a fault has it in its hands
	skew    time.Duration // owned by mu: how far the clock is ahead
}

func newMachine(w *world, number int) *machine {
	name := fmt.Sprintf("n%d", number+1)
	return &machine{
		world: w, name: name, founder: number < w.plan.machines, host: w.net.Host(name), disk: w.newDisk(), skew: w.plan.skews[number],
	}
}

// current is the running process, or nil.
func (m *machine) current() *process {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.process
}

// claim takes the machine for one fault; false if another one has it.
func (m *machine) claim() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.claimed {
		return false
	}
	m.claimed = true
	return true
}

func (m *machine) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claimed = false
}

func (m *machine) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Now().Add(m.skew)
}

// store is the disk in use.
func (m *machine) store() *disk.Disk {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.disk
}

// disks are all disks the machine ever had that can hold log entries nobody else saw.
func (m *machine) disks() []*disk.Disk {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append(append([]*disk.Disk(nil), m.retired...), m.disk)
}

// start starts a process. It is an error when the node refuses to start.
func (m *machine) start() error {
	m.mu.Lock()
	if m.process != nil {
		m.mu.Unlock()
		return nil
	}
	m.starts++
	p := &process{machine: m, number: m.starts, over: make(chan struct{}), opened: make(chan struct{}), disk: m.disk}
	p.paused.init()
	m.mu.Unlock()
	config, err := m.config(p)
	if err != nil {
		return fmt.Errorf("start %s: %w", m.name, err)
	}
	p.node, err = cluster.Open(config)
	if err != nil {
		p.end()
		close(p.opened)
		m.host.Kill()
		return fmt.Errorf("start %s: %w", m.name, err)
	}
	if p.number > 1 {
		m.world.restarts.Add(1)
		m.world.record("start", m.name) // the judge has to know that a new process may have to apply again what the old one had
	}
	m.mu.Lock()
	m.process = p
	m.mu.Unlock()
	close(p.opened)
	go m.world.visits.run(p)
	m.world.book.say(fmt.Sprintf("%s runs as %s, process %d", m.name, p.node.ID(), p.number))
	return nil
}

// take takes the running process off the machine: from now on nobody hears from it.
func (m *machine) take() *process {
	m.mu.Lock()
	p := m.process
	m.process = nil
	m.mu.Unlock()
	if p != nil {
		p.end()
	}
	return p
}

// stop ends the process as SIGTERM does, and waits for its end.
func (m *machine) stop() {
	p := m.current()
	if p == nil {
		return
	}
	// The judge has to know: a node that stops no longer waits until it has applied what it acknowledges.
	m.world.record("stop begins", m.name)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	p.close(ctx)
	m.mu.Lock()
	if m.process == p {
		m.process = nil
	}
	m.mu.Unlock()
	p.end()
	m.host.Kill()
}

// crash is a power failure: what was not synced is lost, wholly or in part.
func (m *machine) crash(seed uint64) {
	p := m.take()
	m.host.Crash()
	m.swap(func(d *disk.Disk) *disk.Disk { return d.Crash(randOf(seed, streamCrash)) })
	m.abandon(p)
}

// kill ends the process alone: what it wrote is there, synced or not.
func (m *machine) kill() {
	p := m.take()
	m.host.Kill()
	m.swap(func(d *disk.Disk) *disk.Disk { return d.Kill() })
	m.abandon(p)
}

// wipe ends the process and loses its disk: the next process begins with nothing.
func (m *machine) wipe() {
	p := m.take()
	m.host.Crash()
	old := m.swap(func(*disk.Disk) *disk.Disk { return m.world.newDisk() })
	m.mu.Lock()
	m.retired = append(m.retired, old)
	m.mu.Unlock()
	old.Kill()
	m.abandon(p)
}

// swap gives the machine the disk that follows from the one it has, and returns the old one. The process that wrote to the old one
// may go on to do so: nobody reads it any more.
func (m *machine) swap(next func(*disk.Disk) *disk.Disk) *disk.Disk {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.disk
	m.disk = next(old)
	m.disk.SetSyncDelay(m.world.plan.syncTime)
	return old
}

// abandon closes in the background what is left of a dead process.
func (m *machine) abandon(p *process) {
	if p == nil {
		return
	}
	m.world.closing.Go(func() {
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		p.close(gone)
	})
}

// heal takes every trouble away from the machine's disk.
func (m *machine) heal() {
	d := m.store()
	d.SetFull(false)
	d.SetFailing(false)
	d.SetStalled(false)
	d.SetSyncDelay(m.world.plan.syncTime)
}

// view is what the machine's own node says of its group at this moment, without asking others.
func (m *machine) view() (cluster.GroupStatus, bool) {
	p := m.current()
	if p == nil {
		return cluster.GroupStatus{}, false
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	s := p.node.Status(gone)
	if len(s.Groups) == 0 {
		return cluster.GroupStatus{}, false
	}
	return s.Groups[0], true
}
