package cluster

import (
	"fmt"
	"time"

	"tinyurl/cluster/member"
)

// sighting is a node of another cluster with this cluster's secret.
type sighting struct {
	of member.Member
	at time.Time
}

// sightingKept is how long a sighting stands in the status; strangers that stay are seen again sooner.
const sightingKept = 2 * time.Minute

func (s *sighting) recent() bool { return s != nil && time.Since(s.at) < sightingKept }

func (s *sighting) warning() string {
	return fmt.Sprintf("node %s at %s belongs to another cluster (%s) with the same secret: one of the two should not be",
		s.of.ID, s.of.GossipAddr, s.of.ClusterID)
}

// watchStrangers looks out for a second cluster with this secret. One that this process founded alone, a moment ago, is the
// mistake: a wiped node whose command line does not say whom to join. It stops before anybody relies on it.
func (n *Node) watchStrangers() {
	for {
		select {
		case m := <-n.plane.gossip.Strangers():
			seen := &sighting{of: m, at: time.Now()}
			n.stranger.Store(seen)
			// Of two clusters that both live, one has links that people rely on; which, nobody here can tell. Only one that this process has
			// founded just now is surely the younger.
			if n.foundedAlone.Load() {
				n.fail(fmt.Errorf("this node founded a cluster of its own, but %s: if it belongs there, wipe its data directory %s and start it "+
					"with --join %s", seen.warning(), n.config.DataDir, m.GossipAddr))
				return
			}
		case <-n.life.ctx.Done():
			return
		}
	}
}
