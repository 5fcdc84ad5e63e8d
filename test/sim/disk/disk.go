// Package disk is the disk of one simulated node: its files and its raft log, which a power failure can cut back to what was
// synced, and which can be full, fail, stall and be slow. It waits in ways that testing/synctest knows, and works outside of
// a bubble as well.
//
// A disk is made in the bubble that uses it. What is written through it belongs to one life of a node: Crash and Kill end the
// life and return the disk of the next one.
//
// # What a fault does
//
// Writes and syncs wait for a stall to end before they have any effect. With EIO and ENOSPC there is one thing a simulation
// cannot do as a process would: where Pebble cannot write its own write-ahead log or manifest it panics in a goroutine that
// nobody can recover, and the process ends. A simulated node must not take the whole simulation with it. So these files alone
// wait for a failing disk to be well again or to lose power, and grow on a full one, while everything else, raft's log first of
// all, gets its error. What the store makes of Pebble's panics is shown by its own tests.
//
// A failing, stalled or slow disk is sick in one life; what other programs hold of a full one is still held in the next.
package disk

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"tinyurl/cluster"
	"tinyurl/fsm/store"
)

// Disk is one node's disk in one life of the node. All methods are safe for concurrent use.
type Disk struct {
	mem     *vfs.MemFS // immutable
	logs    *logs      // immutable
	gate    *gate      // immutable
	space   *space     // immutable
	history *history   // immutable, shared by the lives of a node

	// moment is held for reading while a change takes effect, and for writing while a crash looks at what there is.
	moment sync.RWMutex
}

// New makes an empty disk of a gibibyte that works.
func New() *Disk {
	return assemble(vfs.NewCrashableMem(), newSpace(defaultCapacity), &history{seen: map[storedEntry]struct{}{}}, rand.New(rand.NewPCG(1, 1)))
}

func assemble(mem *vfs.MemFS, s *space, h *history, r *rand.Rand) *Disk {
	d := &Disk{mem: mem, space: s, history: h, gate: newGate(r)}
	d.logs = &logs{disk: d, files: map[string]*logFile{}}
	return d
}

// FS is the file system of the node.
func (d *Disk) FS() store.FS { return files{FS: d.mem, disk: d} }

// OpenLog is the cluster.LogOpener of the node: the product's own, on this disk.
func (d *Disk) OpenLog(c cluster.LogConfig) (cluster.Log, error) { return cluster.LogOn(d.logs)(c) }

// Crash is a power failure: what of the unsynced data is left, none, some or all of it, is up to r. It ends this disk's life:
// what waits for it goes on, file operations succeed without effect on anything that lives on, and nothing more is appended
// to a log, so that nothing is acknowledged that the next life does not know. The node must have been cut off from the others
// before, and be closed after it.
func (d *Disk) Crash(r *rand.Rand) *Disk {
	percent := 0
	switch r.IntN(3) {
	case 1:
		percent = 1 + r.IntN(99)
	case 2:
		percent = 100
	}
	return d.end(percent, r)
}

// Kill is the end of the node's process alone: all that was written is left, synced or not. Otherwise it is as Crash.
func (d *Disk) Kill() *Disk { return d.end(100, rand.New(rand.NewPCG(2, 2))) }

// end makes the disk of the next life. percent is how much of the unsynced is left: that share of the files' blocks and names,
// and of the log a prefix, which is whole for 100.
func (d *Disk) end(percent int, r *rand.Rand) *Disk {
	d.moment.Lock()
	mem := d.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: r})
	next := assemble(mem, d.space.after(mem), d.history, rand.New(rand.NewPCG(r.Uint64(), r.Uint64())))
	d.logs.copyTo(next.logs, percent, r)
	d.gate.powerOff()
	d.space.unlimit()
	d.moment.Unlock()
	d.gate.wake()
	return next
}

// SetFull fills the disk, as another program would, to the last byte, or takes that away. What the node removes then is free
// again, and stays so when SetFull is called once more.
func (d *Disk) SetFull(full bool) {
	d.space.fill(full)
	d.gate.wake()
}

// SetFree fills the disk, as another program would, until so many bytes are free.
func (d *Disk) SetFree(bytes uint64) {
	d.space.leave(int64(bytes))
	d.gate.wake()
}

// SetFailing makes writes and syncs fail with EIO, or lets them succeed again. Reads go on.
func (d *Disk) SetFailing(failing bool) { d.gate.set(func(g *gate) { g.failing = failing }) }

// SetStalled makes writes and syncs hang, or lets them go on. Reads go on.
func (d *Disk) SetStalled(stalled bool) { d.gate.set(func(g *gate) { g.stalled = stalled }) }

// SetSyncDelay makes every sync take between a half and one and a half of delay, zero by default.
func (d *Disk) SetSyncDelay(delay time.Duration) { d.gate.set(func(g *gate) { g.syncDelay = delay }) }

// Entries gives every entry that any log of this node ever stored, or began to store, also those that were cut off or lost
// since, in the order of their first appearance. The data is shared with the disk and must not be changed.
func (d *Disk) Entries() []raft.Log { return d.history.all() }
