package gossip

import (
	"errors"
	"fmt"

	"github.com/hashicorp/memberlist"
)

// ErrCopied means that another process runs on a copy of this node's data
// directory. This one began later, so it must stop: its log and its votes may
// be older than the other's.
var ErrCopied = errors.New("another node runs on a copy of this data directory")

// conflictDelegate hears of names seen at two addresses. Memberlist calls it
// with its own lock held: it must not call back.
type conflictDelegate struct {
	self   peer // ID, boot and start alone are used
	log    *quietLogger
	report chan<- error // holds the first report
}

// NotifyConflict implements memberlist.ConflictDelegate.
func (d *conflictDelegate) NotifyConflict(existing, other *memberlist.Node) {
	if existing.Name != nodeName(d.self.ID, d.self.Boot) {
		d.log.Warn("two nodes with one identity: is one data directory a copy of the other?",
			"node", existing.Name, "addr", existing.Address(), "other", other.Address())
		return
	}
	p, err := decodePeer(other)
	if err != nil {
		d.log.Warn("another node uses our identity and makes no sense", "addr", other.Address(), "error", err)
		return
	}
	own := d.self
	own.GossipAddr = existing.Address()
	d.judge(own, p)
}

// judge decides which of two living processes with one id has to stop. Both
// come to the same verdict.
func (d *conflictDelegate) judge(own, other peer) {
	if !laterThan(own, other) {
		d.log.Error("another node runs on a copy of this data directory; it began later and must stop",
			"addr", other.GossipAddr, "boot", other.Boot)
		return
	}
	err := fmt.Errorf("%w: the node at %s (boot %d) began before this one (boot %d at %s)",
		ErrCopied, other.GossipAddr, other.Boot, own.Boot, own.GossipAddr)
	select {
	case d.report <- err:
	default: // told already
	}
}

// laterThan compares by start, then boot, then address.
func laterThan(a, b peer) bool {
	if a.started != b.started {
		return a.started > b.started
	}
	if a.Boot != b.Boot {
		return a.Boot > b.Boot
	}
	return a.GossipAddr > b.GossipAddr
}
