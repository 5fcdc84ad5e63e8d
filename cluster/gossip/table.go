package gossip

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"tinyurl/cluster/member"
)

// maxMembers bounds the table; failed members go first, oldest first.
const maxMembers = 1024

// table is what this node knows of all nodes, failed ones too: memberlist
// forgets those within minutes.
type table struct {
	self peer // ID and boot alone are used; immutable
	now  func() time.Time

	mu      sync.Mutex
	cluster member.ClusterID              // guarded by mu: this node's own
	nodes   map[member.ID]map[uint64]peer // guarded by mu: by boot; never an empty inner map
	watches []chan struct{}               // guarded by mu
	waited  chan struct{}                 // guarded by mu: closed at the next change; nil when nobody waits
}

func newTable(self peer, now func() time.Time) *table {
	return &table{self: self, now: now, cluster: self.ClusterID, nodes: make(map[member.ID]map[uint64]peer)}
}

// alive records what a living node said of itself.
func (t *table) alive(p peer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	boots := t.nodes[p.ID]
	if boots == nil {
		boots = make(map[uint64]peer)
		t.nodes[p.ID] = boots
	}
	p.Status, p.Since = member.Alive, t.now()
	if old, ok := boots[p.Boot]; ok && old.Status == member.Alive {
		p.Since = old.Since
	}
	boots[p.Boot] = p
	t.tidy(p.ID)
	t.trim()
	t.changed()
}

// gone records that a node has failed or left.
func (t *table) gone(p peer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.nodes[p.ID][p.Boot]
	if !ok {
		return
	}
	s.Status, s.Since = member.Failed, t.now()
	if p.leaving || s.leaving {
		s.Status = member.Left
	}
	t.nodes[p.ID][p.Boot] = s
	t.tidy(p.ID)
	t.changed()
}

// drop forgets one boot of a node, as if it had never been seen.
func (t *table) drop(id member.ID, boot uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	boots, ok := t.nodes[id]
	if _, seen := boots[boot]; !ok || !seen {
		return
	}
	delete(boots, boot)
	if len(boots) == 0 {
		delete(t.nodes, id)
	}
	t.changed()
}

// tidy removes the dead boots of id but the one that counts. Living ones stay
// until memberlist finds them dead: they may be twins. Called with mu held.
func (t *table) tidy(id member.ID) {
	boots := t.nodes[id]
	last := lastBoot(boots)
	for boot, s := range boots {
		if boot != last && s.Status != member.Alive {
			delete(boots, boot)
		}
	}
}

// trim keeps the table within maxMembers. Called with mu held.
func (t *table) trim() {
	if len(t.nodes) <= maxMembers {
		return
	}
	var oldest member.Member
	for _, boots := range t.nodes {
		m := boots[lastBoot(boots)].Member
		if m.Status != member.Alive && (oldest.ID == "" || m.Since.Before(oldest.Since)) {
			oldest = m
		}
	}
	delete(t.nodes, oldest.ID)
}

// forget drops members that failed or left before the given time.
func (t *table) forget(before time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	dropped := false
	for id, boots := range t.nodes {
		if m := boots[lastBoot(boots)]; m.Status != member.Alive && m.Since.Before(before) {
			delete(t.nodes, id)
			dropped = true
		}
	}
	if dropped {
		t.changed()
	}
}

// joinCluster sets this node's own cluster, and forgets the members of others.
func (t *table) joinCluster(c member.ClusterID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cluster = c
	for id, boots := range t.nodes {
		if id != t.self.ID && t.foreign(boots[lastBoot(boots)].ClusterID) {
			delete(t.nodes, id)
		}
	}
	t.changed()
}

// refuses tells whether a member of cluster c has no place here.
func (t *table) refuses(c member.ClusterID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.foreign(c)
}

// foreign tells whether c is another formed cluster. Called with mu held.
func (t *table) foreign(c member.ClusterID) bool {
	return !c.IsZero() && !t.cluster.IsZero() && c != t.cluster
}

// members lists the last boot of each node, by id.
func (t *table) members() []member.Member {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]member.Member, 0, len(t.nodes))
	for _, boots := range t.nodes {
		list = append(list, boots[lastBoot(boots)].Member)
	}
	slices.SortFunc(list, func(a, b member.Member) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// member returns the last boot of a node.
func (t *table) member(id member.ID) (member.Member, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	boots, ok := t.nodes[id]
	return boots[lastBoot(boots)].Member, ok
}

// twins lists the living boots of this node's id, by boot, if there is more
// than this one.
func (t *table) twins() []peer {
	t.mu.Lock()
	defer t.mu.Unlock()
	var living []peer
	for _, s := range t.nodes[t.self.ID] {
		if s.Status == member.Alive {
			living = append(living, s)
		}
	}
	if len(living) < 2 {
		return nil
	}
	slices.SortFunc(living, func(a, b peer) int { return cmp.Compare(a.Boot, b.Boot) })
	return living
}

// watch returns a channel that holds a token after every change.
func (t *table) watch() <-chan struct{} {
	c := make(chan struct{}, 1)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watches = append(t.watches, c)
	return c
}

// next returns a channel that is closed at the next change.
func (t *table) next() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waited == nil {
		t.waited = make(chan struct{})
	}
	return t.waited
}

// changed wakes the watchers. Called with mu held.
func (t *table) changed() {
	if t.waited != nil {
		close(t.waited)
		t.waited = nil
	}
	for _, c := range t.watches {
		select {
		case c <- struct{}{}:
		default: // the token of an earlier change is still there
		}
	}
}

// lastBoot is the boot that counts: the highest of the living, else the
// highest. A copy of a data directory that ran for a moment, or a directory
// that was rolled back, leaves a dead boot above the living one.
func lastBoot(boots map[uint64]peer) (last uint64) {
	living := false
	for boot, s := range boots {
		alive := s.Status == member.Alive
		if alive && !living || alive == living && boot >= last {
			last, living = boot, alive
		}
	}
	return last
}
