package cluster

import (
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
)

// gapless is the log as raft sees it. It keeps three things that raft's own handling of an installed snapshot does not:
//
//   - What lies below an installed snapshot is gone from the moment the snapshot is there. Raft keeps old entries, a tail that was
//     never committed among them, and would as a leader send them to others.
//   - The log never has a hole. Raft appends above the snapshot, and the entries in between are in no log. A later leader that
//     walks back into the hole can find old duplicates to agree on, and the follower commits what stands above the hole though
//     it was never committed. So the old entries are deleted when the first one above the hole comes.
//   - The last entry of the newest snapshot can be looked at, though it is not in the log: a leader asks for its term to see
//     whether what it sends fits. Raft itself remembers it only until something is appended above it, and the follower would
//     be sent snapshots for ever after.
//
// The entry that stands for the snapshot is a no-op without data; it may be asked for its term only. Nobody can send it on as
// an entry: to send entry i raft looks at entry i-1 first, and below the snapshot there is none then.
type gapless struct {
	*raft.LogCache
	// snapshot names the last entry of the newest snapshot; zeros without one.
	snapshot func() (index, term uint64)
}

var (
	_ raft.LogStore          = gapless{}
	_ raft.MonotonicLogStore = gapless{}
)

// IsMonotonic is false whatever the store says, as no hole reaches it. Told of a store that takes none, raft would empty the log
// whenever a snapshot is installed, of acknowledged entries above it, too, and panic when it has to apply one of them.
func (gapless) IsMonotonic() bool { return false }

// StoreLog stores one entry.
func (l gapless) StoreLog(entry *raft.Log) error { return l.StoreLogs([]*raft.Log{entry}) }

// StoreLogs stores entries; those before a hole that they would leave are removed first. A crash in between leaves an empty
// log above a snapshot, which is what a node without trailing entries has.
func (l gapless) StoreLogs(entries []*raft.Log) error {
	if len(entries) == 0 {
		return nil
	}
	last, err := l.LogCache.LastIndex()
	if err != nil {
		return err
	}
	if last > 0 && entries[0].Index > last+1 {
		if err := l.empty(last, entries[0].Index); err != nil {
			return err
		}
	}
	return l.LogCache.StoreLogs(entries)
}

// empty removes all of the log, which ends at last, as next comes behind a hole that the newest snapshot fills.
func (l gapless) empty(last, next uint64) error {
	if snapshot, _ := l.snapshot(); next != snapshot+1 {
		return fmt.Errorf("entry %d does not follow the log, which ends at %d, nor the snapshot, which ends at %d", next, last, snapshot)
	}
	first, err := l.LogCache.FirstIndex()
	if err != nil {
		return err
	}
	return l.DeleteRange(first, last)
}

// FirstIndex is 0 when all of the log lies below the newest snapshot.
func (l gapless) FirstIndex() (uint64, error) {
	if hidden, err := l.hidden(); hidden || err != nil {
		return 0, err
	}
	return l.LogCache.FirstIndex()
}

// LastIndex is 0 when all of the log lies below the newest snapshot.
func (l gapless) LastIndex() (uint64, error) {
	if hidden, err := l.hidden(); hidden || err != nil {
		return 0, err
	}
	return l.LogCache.LastIndex()
}

// hidden reports whether all of the log lies below the newest snapshot: one that was installed, as our own end within the log.
func (l gapless) hidden() (bool, error) {
	last, err := l.LogCache.LastIndex()
	at, _ := l.snapshot()
	return last < at, err
}

// GetLog gives an entry, or what stands for the last entry of the newest snapshot.
func (l gapless) GetLog(index uint64, entry *raft.Log) error {
	at, term := l.snapshot()
	if index > at { // by far the most
		return l.LogCache.GetLog(index, entry)
	}
	hidden, err := l.hidden()
	if err != nil {
		return err
	}
	if err = raft.ErrLogNotFound; !hidden {
		err = l.LogCache.GetLog(index, entry)
	}
	if !errors.Is(err, raft.ErrLogNotFound) || at != index || at <= 1 { // entry 1 is sent without a look at the one before it
		return err
	}
	if first, firstErr := l.FirstIndex(); firstErr != nil || first != 0 && first < index {
		// Older entries can be read, so this one could be asked for to be sent.
		return err
	}
	*entry = raft.Log{Index: index, Term: term, Type: raft.LogNoop}
	return nil
}
