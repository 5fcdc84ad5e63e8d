package gossip

import (
	"errors"
	"fmt"

	"github.com/hashicorp/memberlist"

	"tinyurl/cluster/member"
)

// errForeign: a node of another formed cluster, though with our secret.
var errForeign = errors.New("the node belongs to another cluster with the same secret")

// aliveDelegate decides whom to listen to. Memberlist calls it with its own
// lock held: it must not call back. Memberlist logs what it refuses.
type aliveDelegate struct {
	table *table
	self  member.ID
	log   *quietLogger
	// strangers takes the nodes that were refused; what it has no room for is told again soon.
	strangers chan<- member.Member
}

// NotifyAlive implements memberlist.AliveDelegate.
func (d *aliveDelegate) NotifyAlive(n *memberlist.Node) error {
	p, err := decodePeer(n)
	if err != nil {
		return err
	}
	if p.ID == d.self || !d.table.refuses(p.ClusterID) {
		return nil
	}
	// It may be known from before it, or we, belonged anywhere.
	d.table.drop(p.ID, p.Boot)
	d.log.Warn("refused a node of another cluster: its secret is ours, its cluster is not; "+
		"is a seed wrong, or did it form a cluster of its own?",
		"node", p.ID, "addr", p.GossipAddr, "cluster", p.ClusterID)
	select {
	case d.strangers <- p.Member:
	default:
	}
	return fmt.Errorf("%w: %s", errForeign, p.ClusterID)
}
