// Package cluster makes one process a node of the cluster: it keeps the node's identity, its gossip, its listener and its
// raft groups, and offers what the API needs: writes, reads, status and membership.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/fsm/store"
)

// Node is one process of the cluster. It opens and closes the parts; what they do is theirs.
type Node struct {
	config Config
	dir    dataDir
	record ownRecord
	disk   *diskWatch
	plane  *plane

	group   atomic.Pointer[Group]  // nil until the node has founded or joined a cluster
	parked  atomic.Pointer[parked] // what redirects while the disk is too full for raft
	cluster atomic.Pointer[clusterRecord]
	// foundedAlone: this very process founded the cluster, with nobody else.
	foundedAlone atomic.Bool
	stranger     atomic.Pointer[sighting]

	ready   *readiness
	started time.Time

	life  *lifetime
	left  departure
	fatal failure
}

// failure reports the first reason why a node cannot go on; those after it only follow from it.
type failure struct {
	once     sync.Once
	happened atomic.Bool
	report   func(error) // the owner's
}

// mainGroup is the one group there is.
const mainGroup uint32 = 0

// Open starts a node. What is wrong on disk is found before anything is changed or announced. Open returns at once: a node
// that is new founds or joins its cluster in the background.
func Open(c Config) (_ *Node, err error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, errors.Join(err, closeListener(c))
	}
	n := &Node{
		config: c, dir: dataDir{c.Environment.FS, c.DataDir}, ready: newReadiness(), started: time.Now(), life: newLifetime(),
		left: newDeparture(), fatal: failure{report: c.Environment.Fatal},
	}
	// The parts report to the node, which stops them, and only then to the owner: a log that failed must not be written to while the
	// owner makes up its mind.
	n.config.Environment.Fatal = n.fail
	opened, err := n.openData()
	if err != nil {
		return nil, errors.Join(err, closeListener(c))
	}
	if n.plane, err = openPlane(n); err != nil {
		if opened != nil {
			err = errors.Join(err, opened.close())
		}
		return nil, err
	}
	switch {
	case opened == nil: // it belongs to no cluster yet; settle finds one
	case n.disk.full():
		n.parked.Store(newParked(opened, n.config))
	default:
		if err := n.openGroup(opened, n.founders()); err != nil {
			return nil, errors.Join(err, n.plane.close())
		}
	}
	n.life.Go(n.settle)
	n.life.Go(n.watchCopies)
	n.life.Go(n.watchStrangers)
	return n, nil
}

func (c Config) withDefaults() Config {
	c.Tuning = c.Tuning.withDefaults()
	c.Environment = c.Environment.withDefaults()
	if c.VisitsKept == 0 {
		c.VisitsKept = DefaultVisitsKept
	}
	return c
}

// openData reads who this node is and opens its storage if it has any. The boot number is raised last, as the first change.
func (n *Node) openData() (*storage, error) {
	c := n.config
	record, err := n.dir.node(c.Name, c.Environment.Rand)
	if err != nil {
		return nil, err
	}
	cluster, err := n.dir.cluster()
	if err != nil {
		return nil, err
	}
	if err := n.makeRoom(); err != nil {
		return nil, err
	}
	var opened *storage
	if cluster != nil {
		n.cluster.Store(cluster)
		n.ready.caughtUpBefore(cluster.CaughtUp)
		if opened, err = n.openMemory(cluster); err != nil {
			return nil, err
		}
		n.log().Info("state opened", "id", record.ID, "applied", opened.position().Index)
	}
	if record.Boot, err = startBoot(record.Boot, c.Environment); err == nil {
		err = n.dir.write("node.json", record)
	}
	if err != nil {
		if opened != nil {
			err = errors.Join(err, opened.close())
		}
		return nil, err
	}
	n.record.nodeRecord, n.record.last = record, record.Boot
	return opened, nil
}

// makeRoom looks at the disk before anything is opened on it, and gives the ballast up when it is short of space.
func (n *Node) makeRoom() error {
	c := n.config
	if err := store.MakeDir(c.Environment.FS, c.DataDir); err != nil {
		return err
	}
	n.disk = newDiskWatch(c.Environment.FS, c.DataDir, c.Tuning.FreeSpace, n.log())
	reserve := ballast{fs: c.Environment.FS, dir: c.DataDir, size: ballastBytes}
	if !n.disk.full() {
		if err := reserve.hold(n.disk.free.Load(), c.Tuning.FreeSpace); err != nil {
			n.log().Warn("no space is held back for a full disk", "error", err)
		}
		return nil
	}
	released, err := reserve.release()
	if released {
		n.log().Warn("the disk is full: gave up the ballast to be able to open the state", "bytes", reserve.size)
	}
	return err
}

// openMemory opens the storage and refuses one that raft has forgotten: an old voter without its votes would elect wrongly.
func (n *Node) openMemory(cluster *clusterRecord) (*storage, error) {
	opened, err := openStorage(n.config, mainGroup, *cluster)
	if err != nil {
		return nil, err
	}
	empty, err := opened.empty()
	if err == nil && empty && cluster.HasState {
		err = fmt.Errorf("raft's log in %s is empty, and this node has voted before: %s", groupDir(n.config.DataDir, mainGroup), wayOut)
	}
	if err != nil {
		return nil, errors.Join(err, opened.close())
	}
	return opened, nil
}

// founders is the founding set, as long as raft has kept nothing yet: a founder that crashed before it could write its first
// entry writes it now.
func (n *Node) founders() []member.ID {
	if r := n.cluster.Load(); r != nil && !r.HasState {
		return r.Founders
	}
	return nil
}

func (n *Node) clusterID() member.ClusterID {
	if r := n.cluster.Load(); r != nil {
		return r.ClusterID
	}
	return member.ClusterID{}
}

// openGroup starts raft on the storage; founders is given at the first start of a founder alone.
func (n *Node) openGroup(s *storage, founders []member.ID) error {
	stream, err := n.plane.listener.Stream(mainGroup, n.clusterID(), n.plane.dialer)
	if err != nil {
		return errors.Join(err, s.close())
	}
	g, err := openGroup(n.config, groupConfig{
		id: mainGroup, self: n.record.ID, boot: n.record.Boot, laterBoot: n.laterBoot, store: s, stream: stream, disk: n.disk, others: n.plane.calls(), founders: founders,
	})
	if err != nil {
		return err
	}
	n.group.Store(g)
	if n.fatal.happened.Load() { // before there was a group to halt
		g.halt(n.life.Go)
	}
	return nil
}

// fail is the environment's Fatal: the first failure is reported, the rest follow from it. Raft stops at once: it would try
// to write its term to a log that no longer works, and panic. Redirects go on until the owner closes the node.
func (n *Node) fail(err error) {
	n.fatal.once.Do(func() {
		n.fatal.happened.Store(true) // first, so that a group opened meanwhile sees it
		if g := n.group.Load(); g != nil {
			g.halt(n.life.Go)
		}
		n.log().Error("this node cannot go on", "error", err)
		n.ready.damage(err)
		n.fatal.report(err)
	})
}

// watchCopies stops this node when another process runs on a copy of its data directory and this one is the younger.
func (n *Node) watchCopies() {
	select {
	case err := <-n.plane.gossip.Conflict():
		n.fail(err)
	case <-n.life.ctx.Done():
	}
}

// ID is the node's id.
func (n *Node) ID() member.ID { return n.record.ID }

// Boot is the number of this run, under which its operations travel (command.Origin). It grows with every start; within a run it
// grows only if the cluster turns out to know a later start of this node (its data directory was put back to an earlier state, and its
// clock is behind). Whoever numbers what it sends by it takes the number that counts when it makes up what it sends, and sends that again
// under the same one.
func (n *Node) Boot() uint64 {
	n.record.mu.Lock()
	defer n.record.mu.Unlock()
	return n.record.last
}

// Left is closed when this node has left its cluster for good; the process should exit then.
func (n *Node) Left() <-chan struct{} { return n.left.done }

func (n *Node) log() *slog.Logger { return n.config.Environment.Logger }

// Close hands leadership over, if this node leads, and stops everything. A stop is not a leave: the node stays a member.
// ctx bounds the handing over; the rest is quick unless a disk hangs.
func (n *Node) Close(ctx context.Context) error {
	n.ready.drain(true)
	g := n.group.Load()
	if g != nil {
		if err := g.members.transfer(ctx); err != nil {
			n.log().Info("stopping without handing leadership over", "reason", err)
		}
	}
	n.life.end()
	var err error
	if g := n.group.Load(); g != nil { // it may have been opened meanwhile
		err = g.close()
	} else if p := n.parked.Load(); p != nil {
		p.reads.indexes.close()
		err = p.store.close()
	}
	return errors.Join(err, n.plane.close())
}
