package cluster

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"tinyurl/cluster/raftlog"
)

// LogStore is what a node keeps its raft log in. A node stays with the one it began with.
type LogStore string

// The log stores. The empty LogStore is LogBolt.
const (
	LogBolt LogStore = "bolt" // one file of raft-boltdb
	LogWAL  LogStore = "wal"  // a directory of raft-wal: one fsync a commit instead of two
)

// ErrOtherLogStore means that the node has kept its log in another store than it was started with.
var ErrOtherLogStore = errors.New("the raft log is kept in another store")

// ParseLogStore reads the name of a log store.
func ParseLogStore(name string) (LogStore, error) {
	if s := LogStore(name); slices.Contains(logStores(), s) {
		return s, nil
	}
	return "", fmt.Errorf("%q is neither %s nor %s", name, LogBolt, LogWAL)
}

func logStores() []LogStore { return []LogStore{LogBolt, LogWAL} }

// place is the engine of a store, and the name of what it keeps in a group's directory.
func (s LogStore) place() (engine raftlog.Engine, name string) {
	if s == LogWAL {
		return raftlog.WAL(), "raft.wal"
	}
	return raftlog.Bolt(), boltName
}

// Open is the LogOpener of the store. A directory in which the log is kept in another store is refused with ErrOtherLogStore,
// and nothing in it is changed: a voter must not come up without its votes.
func (s LogStore) Open(c LogConfig) (Log, error) {
	engine, name := s.place()
	for _, other := range logStores() {
		elsewhere, otherName := other.place()
		if otherName == name {
			continue
		}
		there := path.Join(c.Dir, otherName)
		exists, err := elsewhere.Exists(there)
		if err != nil {
			return nil, fmt.Errorf("look for another raft log: %w", err)
		}
		if exists {
			return nil, fmt.Errorf("%w: %s was written with --log-store %s; start the node with that. To change the store of a node "+
				"of a cluster that lives without it, %s", ErrOtherLogStore, there, other, wayOut)
		}
	}
	return openLog(engine, name, c)
}
