package gossip

import (
	"sync"

	"tinyurl/cluster/member"
)

// metaDelegate tells memberlist what this node says of itself. It implements
// memberlist.Delegate; the cluster's own messages do not travel by gossip.
type metaDelegate struct {
	mu      sync.Mutex
	self    peer   // guarded by mu
	encoded []byte // guarded by mu: self, as the others get it
}

func newMetaDelegate(self peer) (*metaDelegate, error) {
	if err := self.checkSize(); err != nil {
		return nil, err
	}
	b, err := self.encode()
	if err != nil {
		return nil, err
	}
	return &metaDelegate{self: self, encoded: b}, nil
}

// change alters what this node says of itself, or nothing on an error. Who it
// is can not be altered.
func (d *metaDelegate) change(edit func(*peer)) (member.Member, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := d.self
	edit(&next)
	next.ID, next.Boot, next.started = d.self.ID, d.self.Boot, d.self.started
	if err := next.checkSize(); err != nil {
		return d.self.Member, err
	}
	b, err := next.encode()
	if err != nil {
		return d.self.Member, err
	}
	d.self, d.encoded = next, b
	return next.Member, nil
}

// NodeMeta implements memberlist.Delegate.
func (d *metaDelegate) NodeMeta(int) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.encoded
}

// NotifyMsg implements memberlist.Delegate.
func (*metaDelegate) NotifyMsg([]byte) {}

// GetBroadcasts implements memberlist.Delegate.
func (*metaDelegate) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState implements memberlist.Delegate.
func (*metaDelegate) LocalState(bool) []byte { return nil }

// MergeRemoteState implements memberlist.Delegate.
func (*metaDelegate) MergeRemoteState([]byte, bool) {}
