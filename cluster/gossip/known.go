package gossip

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"tinyurl/cluster/member"
)

const (
	// maxKnown bounds the addresses kept for the next start.
	maxKnown = 64
	// keepAgain is the time between two looks whether all that is known was kept.
	keepAgain = 30 * time.Second
)

// Keeper keeps one small piece of data from one start to the next: a file in
// the node's data directory. It must be quick, or gossip closes slowly.
type Keeper interface {
	// Load returns what was last saved, nil if nothing was.
	Load() ([]byte, error)
	// Save replaces it, in one step.
	Save(data []byte) error
}

// known keeps where peers were last seen. It is a hint: a lost or damaged file
// costs a look at the seeds and no more. Safe for concurrent use.
type known struct {
	keeper Keeper // nil: nothing is kept

	mu     sync.Mutex  // held while the file is written
	peers  []knownPeer // guarded by mu
	unsure bool        // guarded by mu: the file may not hold peers
}

// knownPeer is one line of the file.
type knownPeer struct {
	ID   member.ID `json:"id"`
	Addr string    `json:"addr"`
	Seen time.Time `json:"seen"` // when it joined or was lost, by the local clock
}

// loadKnown reads the file. The error is for the log: what comes with it works.
func loadKnown(keeper Keeper) (*known, error) {
	k := &known{keeper: keeper}
	if keeper == nil {
		return k, nil
	}
	b, err := keeper.Load()
	if b != nil && err == nil {
		err = json.Unmarshal(b, &k.peers)
	}
	if err != nil {
		k.peers = nil
		return k, fmt.Errorf("known peers: %w", err)
	}
	k.peers = k.peers[:min(len(k.peers), maxKnown)]
	return k, nil
}

// run keeps what the table says of the other nodes until ctx ends.
func (k *known) run(ctx context.Context, t *table, log *quietLogger) {
	changes := t.watch()
	again := time.NewTicker(keepAgain)
	defer again.Stop()
	for {
		k.keep(t, log)
		select {
		case <-ctx.Done():
			k.keep(t, log) // the last change may have come together with the end
			return
		case <-changes:
		case <-again.C: // a disk that was full may have room by now
		}
	}
}

func (k *known) keep(t *table, log *quietLogger) {
	if err := k.update(t.self.ID, t.members()); err != nil {
		log.Warn("could not keep the addresses of the other nodes for the next start", "error", err)
	}
}

// addrs lists where to look for peers.
func (k *known) addrs() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []string
	for _, p := range k.peers {
		list = append(list, p.Addr)
	}
	return list
}

// update takes in who is known now and rewrites the file if that changed
// anything. Peers not seen since the start are kept, ones that left are not.
func (k *known) update(self member.ID, members []member.Member) error {
	if k.keeper == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var next []knownPeer
	mentioned := make(map[member.ID]bool)
	for _, m := range members {
		mentioned[m.ID] = true
		if m.ID != self && m.Status != member.Left {
			next = append(next, knownPeer{ID: m.ID, Addr: m.GossipAddr, Seen: m.Since})
		}
	}
	for _, p := range k.peers {
		if !mentioned[p.ID] {
			next = append(next, p)
		}
	}
	// The living first would be better still, but the newest are nearly that.
	slices.SortStableFunc(next, func(a, b knownPeer) int { return b.Seen.Compare(a.Seen) })
	next = next[:min(len(next), maxKnown)]
	if !k.unsure && slices.EqualFunc(next, k.peers, func(a, b knownPeer) bool { return a.ID == b.ID && a.Addr == b.Addr }) {
		return nil
	}
	k.peers, k.unsure = next, true
	if err := k.save(); err != nil {
		return err
	}
	k.unsure = false
	return nil
}

// save replaces the file in one step. Called with mu held.
func (k *known) save() error {
	b, err := json.MarshalIndent(k.peers, "", " ")
	if err != nil {
		return fmt.Errorf("known peers: %w", err)
	}
	if err := k.keeper.Save(append(b, '\n')); err != nil {
		return fmt.Errorf("known peers: %w", err)
	}
	return nil
}
