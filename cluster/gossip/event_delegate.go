package gossip

import (
	"log/slog"

	"github.com/hashicorp/memberlist"
)

// eventDelegate writes memberlist's events into the table. Memberlist calls it
// with its own lock held: it must not call back.
type eventDelegate struct {
	table *table
	log   *slog.Logger
}

// NotifyJoin implements memberlist.EventDelegate.
func (d *eventDelegate) NotifyJoin(n *memberlist.Node) {
	if p, ok := d.decode(n); ok {
		d.log.Info("node joined", "node", p.ID, "boot", p.Boot, "addr", p.GossipAddr, "version", p.Version)
		d.table.alive(p)
	}
}

// NotifyUpdate implements memberlist.EventDelegate.
func (d *eventDelegate) NotifyUpdate(n *memberlist.Node) {
	if p, ok := d.decode(n); ok {
		d.table.alive(p)
	}
}

// NotifyLeave implements memberlist.EventDelegate. It does not say whether the
// node failed or left, the node's own last words do.
func (d *eventDelegate) NotifyLeave(n *memberlist.Node) {
	if p, ok := d.decode(n); ok {
		what := "node failed"
		if p.leaving {
			what = "node left"
		}
		d.log.Info(what, "node", p.ID, "boot", p.Boot, "addr", p.GossipAddr)
		d.table.gone(p)
	}
}

func (d *eventDelegate) decode(n *memberlist.Node) (peer, bool) {
	p, err := decodePeer(n)
	if err != nil { // aliveDelegate lets none in
		d.log.Error("gossip from a node that makes no sense", "error", err)
		return peer{}, false
	}
	return p, true
}
