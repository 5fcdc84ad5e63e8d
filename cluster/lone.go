package cluster

import (
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/member"
)

// haste is by how much raft's heartbeat and election time-outs are longer at a start than they are wanted to be: a raft whose heartbeat
// time-out is made shorter looks at once whether it hears a leader.
const haste = time.Millisecond

// standIfAlone has raft stand for election now if this node is the only voter: there is no leader it could hear of, and it would
// wait one to two heartbeats for one, at every start. Whether it may lead is decided as ever, by the configuration in its log.
func standIfAlone(r *raft.Raft, self member.ID) error {
	if ids := voters(r); len(ids) != 1 || ids[0] != self {
		return nil
	}
	c := r.ReloadableConfig()
	c.HeartbeatTimeout -= haste
	return r.ReloadConfig(c)
}
