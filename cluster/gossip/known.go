package gossip

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"tinyurl/cluster/member"
)

// maxKnown bounds the addresses kept for the next start.
const maxKnown = 64

// known keeps where peers were last seen. It is a hint: a lost or damaged file
// costs a look at the seeds and no more. Used by the joiner's goroutine alone.
type known struct {
	path  string // empty: nothing is kept
	saved []knownPeer
}

// knownPeer is one line of the file.
type knownPeer struct {
	ID   member.ID `json:"id"`
	Addr string    `json:"addr"`
	Seen time.Time `json:"seen"` // when it joined or was lost, by the local clock
}

// loadKnown reads the file. The error is for the log: what comes with it works.
func loadKnown(path string) (*known, error) {
	k := &known{path: path}
	if path == "" {
		return k, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return k, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &k.saved)
	}
	if err != nil {
		k.saved = nil
		return k, fmt.Errorf("known peers: %w", err)
	}
	k.saved = k.saved[:min(len(k.saved), maxKnown)]
	return k, nil
}

// addrs lists where to look for peers.
func (k *known) addrs() []string {
	var list []string
	for _, p := range k.saved {
		list = append(list, p.Addr)
	}
	return list
}

// update takes in who is known now and rewrites the file if that changed
// anything. Peers not seen since the start are kept, ones that left are not.
func (k *known) update(self member.ID, members []member.Member) error {
	if k.path == "" {
		return nil
	}
	var next []knownPeer
	mentioned := make(map[member.ID]bool)
	for _, m := range members {
		mentioned[m.ID] = true
		if m.ID != self && m.Status != member.Left {
			next = append(next, knownPeer{ID: m.ID, Addr: m.GossipAddr, Seen: m.Since})
		}
	}
	for _, p := range k.saved {
		if !mentioned[p.ID] {
			next = append(next, p)
		}
	}
	// The living first would be better still, but the newest are nearly that.
	slices.SortStableFunc(next, func(a, b knownPeer) int { return b.Seen.Compare(a.Seen) })
	next = next[:min(len(next), maxKnown)]
	if slices.EqualFunc(next, k.saved, func(a, b knownPeer) bool { return a.ID == b.ID && a.Addr == b.Addr }) {
		return nil
	}
	k.saved = next
	return k.save()
}

// save replaces the file in one step.
func (k *known) save() error {
	b, err := json.MarshalIndent(k.saved, "", " ")
	if err != nil {
		return fmt.Errorf("known peers: %w", err)
	}
	fresh := k.path + ".new"
	if err := os.WriteFile(fresh, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("known peers: %w", err)
	}
	if err := os.Rename(fresh, k.path); err != nil {
		return fmt.Errorf("known peers: %w", err)
	}
	return nil
}
