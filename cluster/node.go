// Package cluster makes one process a node of the cluster: it keeps the node's identity, its gossip, its listener and its
// raft groups, and offers what the API needs: writes, reads, status and membership.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"tinyurl/cluster/forming"
	"tinyurl/cluster/gossip"
	"tinyurl/cluster/identity"
	"tinyurl/cluster/member"
	"tinyurl/cluster/peer"
	"tinyurl/cluster/transport"
	"tinyurl/fsm"
)

// Node is one process of the cluster. It opens and closes the parts; what they do is theirs.
type Node struct {
	config Config
	dir    dataDir
	record nodeRecord
	disk   *diskWatch

	gossip   *gossip.Gossip
	listener *transport.Listener
	dialer   *transport.Dialer
	peers    *peer.Client
	former   *forming.Former

	group   atomic.Pointer[Group] // nil until the node has founded or joined a cluster
	parked  atomic.Pointer[parked]
	cluster atomic.Pointer[clusterRecord]
	ready   *readiness
	started time.Time
	left    chan struct{} // closed when the node has left the cluster for good
	leaving sync.Once

	life   context.Context
	stop   context.CancelFunc
	beside sync.WaitGroup
	fatal  sync.Once
	report func(error) // the owner's Fatal
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
	n := &Node{config: c, dir: dataDir{c.Environment.FS, c.DataDir}, started: time.Now(), left: make(chan struct{})}
	n.life, n.stop = context.WithCancel(context.Background())
	n.report, n.config.Environment.Fatal = c.Environment.Fatal, n.fail
	opened, err := n.openData()
	if err != nil {
		return nil, errors.Join(err, closeListener(c))
	}
	n.disk = newDiskWatch(c.Environment.FS, c.DataDir, c.Tuning.FreeSpace, n.log())
	n.ready = newReadiness(n.config.Environment, n.cluster.Load())
	if err := n.openNetwork(); err != nil {
		if opened != nil {
			err = errors.Join(err, opened.close())
		}
		return nil, errors.Join(err, n.closeNetwork())
	}
	switch {
	case opened == nil:
	case n.disk.full():
		n.parked.Store(newParked(opened, n.config))
	default:
		if err := n.openGroup(opened, n.founders()); err != nil {
			return nil, errors.Join(err, n.closeNetwork())
		}
	}
	n.beside.Go(n.settle)
	n.beside.Go(n.watchCopies)
	return n, nil
}

func (c Config) withDefaults() Config {
	c.Tuning = c.Tuning.withDefaults()
	c.Environment = c.Environment.withDefaults()
	return c
}

func closeListener(c Config) error {
	if c.Network.Listener == nil {
		return nil
	}
	return c.Network.Listener.Close()
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
	var opened *storage
	if cluster != nil {
		n.cluster.Store(cluster)
		if opened, err = n.openMemory(cluster); err != nil {
			return nil, err
		}
		n.log().Info("state opened", "id", record.ID, "applied", opened.position().Index)
	}
	record.Boot++
	if err := n.dir.write("node.json", record); err != nil {
		if opened != nil {
			err = errors.Join(err, opened.close())
		}
		return nil, err
	}
	n.record = record
	return opened, nil
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

// openNetwork starts the listener, the client and gossip.
func (n *Node) openNetwork() error {
	c := n.config
	authority, err := identity.NewAuthority(identity.Config{
		ID: n.record.ID, Secrets: []identity.Secret{c.Secret}, Now: c.Environment.Now, Rand: c.Environment.Rand,
	})
	if err != nil {
		return err
	}
	if n.gossip, err = gossip.Open(n.life, n.gossipConfig()); err != nil {
		return err
	}
	n.dialer = &transport.Dialer{
		Authority: authority, Resolver: addressBook{n.gossip}, DialContext: c.Network.Dial, Logger: n.log(),
	}
	if n.peers, err = n.openClient(); err != nil {
		return err
	}
	if n.former, err = n.openFormer(); err != nil {
		return err
	}
	mux, err := n.serveMux()
	if err != nil {
		return err
	}
	n.listener, err = transport.Listen(transport.ListenerConfig{
		Listener: c.Network.Listener, Authority: authority, Handler: mux, Logger: n.log(), Registerer: c.Environment.Registerer,
	})
	return err
}

// addressBook tells where a node's cluster listener is. Only gossip knows; there is no fallback, as an address kept anywhere
// else may belong to another node by now.
type addressBook struct{ gossip *gossip.Gossip }

// Resolve implements transport.Resolver.
func (b addressBook) Resolve(id member.ID) (string, error) {
	m, ok := b.gossip.Member(id)
	if !ok || m.ClusterAddr == "" {
		return "", fmt.Errorf("gossip knows no address of node %s", id)
	}
	return m.ClusterAddr, nil
}

// gossipConfig is what the others are told about this node, and where they are looked for.
func (n *Node) gossipConfig() gossip.Config {
	c := n.config
	return gossip.Config{
		Self: member.Member{
			ID: n.record.ID, Name: c.Name, Boot: n.record.Boot, ClusterID: n.clusterID(), ClusterAddr: c.Network.Advertise,
			HTTPURL: c.HTTPURL, Version: c.Version, Zone: c.Zone, Replica: c.Replica, Expect: c.BootstrapExpect,
			MaxClusterVersion: fsm.MaxClusterVersion,
		},
		BindAddr: c.Network.GossipBind, AdvertiseAddr: c.Network.GossipAdvertise, Transport: c.Network.GossipTransport,
		Key: c.Secret.GossipKey(), Seeds: c.Join, KnownFile: path.Join(c.DataDir, "peers.json"),
		Logger: n.log(), Now: c.Environment.Now, Registerer: c.Environment.Registerer, Tuning: c.Tuning.Gossip,
	}
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
	stream, err := n.listener.Stream(mainGroup, n.clusterID(), n.dialer)
	if err != nil {
		return errors.Join(err, s.close())
	}
	g, err := openGroup(n.config, groupConfig{
		id: mainGroup, self: n.record.ID, boot: n.record.Boot, store: s, stream: stream, disk: n.disk, others: n, founders: founders,
	})
	if err != nil {
		return err
	}
	n.group.Store(g)
	return nil
}

// fail is the environment's Fatal: the first failure is reported, the rest follow from it. Raft stops at once: it would try
// to write its term to a log that no longer works, and panic. Redirects go on until the owner closes the node.
func (n *Node) fail(err error) {
	n.fatal.Do(func() {
		if g := n.group.Load(); g != nil {
			g.raft.Shutdown()
		}
		n.log().Error("this node cannot go on", "error", err)
		n.ready.damage(err)
		if report := n.report; report != nil {
			report(err)
		}
	})
}

// watchCopies stops this node when another process runs on a copy of its data directory and this one is the younger.
func (n *Node) watchCopies() {
	select {
	case err := <-n.gossip.Conflict():
		n.fail(err)
	case <-n.life.Done():
	}
}

// ID is the node's id.
func (n *Node) ID() member.ID { return n.record.ID }

// Left is closed when this node has left its cluster for good; the process should exit then.
func (n *Node) Left() <-chan struct{} { return n.left }

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
	n.stop()
	n.beside.Wait()
	var err error
	if g := n.group.Load(); g != nil { // it may have been opened meanwhile
		err = g.close()
	} else if p := n.parked.Load(); p != nil {
		p.reads.indexes.close()
		err = p.store.close()
	}
	return errors.Join(err, n.closeNetwork())
}

func (n *Node) closeNetwork() error {
	var errs []error
	if n.gossip != nil {
		errs = append(errs, n.gossip.Close())
	}
	if n.peers != nil {
		errs = append(errs, n.peers.Close())
	}
	if n.listener != nil {
		errs = append(errs, n.listener.Close())
	} else {
		errs = append(errs, closeListener(n.config))
	}
	return errors.Join(errs...)
}
