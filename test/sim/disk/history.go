package disk

import (
	"hash/maphash"
	"slices"
	"sync"

	"github.com/hashicorp/raft"
)

// history is what a node ever had in its logs, over all its lives.
type history struct {
	mu      sync.Mutex
	seen    map[storedEntry]struct{} // guarded by mu
	entries []raft.Log               // guarded by mu: in the order in which they were first seen
}

// storedEntry tells entries apart, also those that a fault gives one index and one term.
type storedEntry struct {
	index, term uint64
	kind        raft.LogType
	data        uint64 // hash
}

var dataSeed = maphash.MakeSeed()

// add remembers entries. The log's own checksum, which it keeps in the extensions, is left out.
func (h *history) add(entries []raft.Log) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range entries {
		key := storedEntry{e.Index, e.Term, e.Type, maphash.Bytes(dataSeed, e.Data)}
		if _, known := h.seen[key]; known {
			continue
		}
		h.seen[key] = struct{}{}
		e.Extensions = nil
		h.entries = append(h.entries, e)
	}
}

func (h *history) all() []raft.Log {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.entries)
}
