package cluster

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"sync"
	"time"

	"tinyurl/cluster/forming"
	"tinyurl/cluster/gossip"
	"tinyurl/cluster/member"
	"tinyurl/cluster/peer"
)

// openFormer opens this node's part in founding a cluster.
func openFormer(n *Node, p *plane) (*forming.Former, error) {
	return forming.New(forming.Config{
		Self:    n.record.ID,
		Expect:  n.config.BootstrapExpect,
		Formed:  n.cluster.Load() != nil,
		Store:   keptFile{n.dir, promiseName},
		Peers:   formingCalls{p.client},
		View:    (&prospect{gossip: p.gossip, self: n.record.ID, until: time.Now().Add(n.config.Tuning.SeedPatience), log: n.log()}).view,
		Changes: p.gossip.Changes(),
		Logger:  n.log(),
		Now:     n.config.Environment.Now,
		Rand:    n.config.Environment.Rand,
		Tuning:  n.config.Tuning.Forming,
	})
}

// Files of the data directory beside those in datadir.go. The promise is named to people who have to delete it.
const (
	promiseName = "promise.json"
	peersName   = "peers.json"
)

// keptFile is a small file of the data directory, for parts that keep something there.
type keptFile struct {
	dir  dataDir
	name string
}

var (
	_ forming.Store = keptFile{}
	_ gossip.Keeper = keptFile{}
)

// Name is the file's, for people who have to delete it.
func (f keptFile) Name() string { return path.Join(f.dir.dir, f.name) }

// Load is nil when nothing was ever saved.
func (f keptFile) Load() ([]byte, error) {
	data, err := f.dir.load(f.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// Save replaces the file durably, whole or not at all.
func (f keptFile) Save(data []byte) error { return f.dir.replace(f.name, data) }

// formingCalls carries the messages of founding; the nodes are in no cluster yet.
type formingCalls struct{ client *peer.Client }

// Promise implements forming.Peers.
func (c formingCalls) Promise(ctx context.Context, to member.ID, p forming.Proposal) (forming.Answer, error) {
	return peer.Call(ctx, c.client, to, callPromise, peer.JSON[forming.Proposal, forming.Answer](), p, peer.AcrossClusters())
}

// Release implements forming.Peers.
func (c formingCalls) Release(ctx context.Context, to member.ID, p forming.Proposal) error {
	_, err := peer.Call(ctx, c.client, to, callRelease, peer.JSON[forming.Proposal, nothing](), p, peer.AcrossClusters())
	return err
}

// Form implements forming.Peers.
func (c formingCalls) Form(ctx context.Context, to member.ID, p forming.Proposal) error {
	_, err := peer.Call(ctx, c.client, to, callForm, peer.JSON[forming.Proposal, nothing](), p, peer.AcrossClusters())
	return err
}

// serveForming answers the same messages of others.
func serveForming(mux *peer.Mux, f *forming.Former) {
	peer.Handle(mux, callPromise, peer.JSON[forming.Proposal, forming.Answer](), f.HandlePromise, peer.AcrossClusters())
	peer.Handle(mux, callRelease, peer.JSON[forming.Proposal, nothing](),
		func(ctx context.Context, from member.ID, p forming.Proposal) (nothing, error) {
			return nothing{}, f.HandleRelease(ctx, from, p)
		}, peer.AcrossClusters())
	peer.Handle(mux, callForm, peer.JSON[forming.Proposal, nothing](),
		func(ctx context.Context, from member.ID, p forming.Proposal) (nothing, error) {
			return nothing{}, f.HandleForm(ctx, from, p)
		}, peer.AcrossClusters())
}

// prospect is the view of a node that may found a cluster. A seed that has not answered may belong to a cluster that is only
// slow or cut off; while that may be, nobody is seen who could found another one with this node. After a while it counts as
// a machine that is not there yet.
type prospect struct {
	gossip *gossip.Gossip
	self   member.ID
	until  time.Time
	log    *slog.Logger
	said   sync.Once
}

// view implements forming's View.
func (p *prospect) view() []member.Member {
	members := p.gossip.Members()
	silent, known := p.gossip.SilentSeeds()
	if known && len(silent) == 0 || time.Now().After(p.until) {
		return members
	}
	if known {
		p.said.Do(func() {
			p.log.Info("founding waits for seeds that have not answered", "seeds", silent, "until", p.until)
		})
	}
	return slices.DeleteFunc(members, func(m member.Member) bool { return m.ID != p.self && m.ClusterID.IsZero() })
}
