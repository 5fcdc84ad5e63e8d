package partition

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/raftlog"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
	"tinyurl/test/history"
)

// Kept is what a stopped node keeps on disk.
type Kept struct {
	// Entries are the log entries that would change something. First and Last are the bounds of the log.
	Entries     []history.Entry
	First, Last uint64
	Final       history.Final
	// Codec turns generated codes into the counter's values.
	Codec *link.Codec
}

// Names are the codes and API keys that a history speaks of.
type Names struct{ Codes, Keys []string }

// namesIn gives each once.
func namesIn(h history.History) (n Names) {
	codes, keys := make(map[string]bool), make(map[string]bool)
	for _, op := range h.Operations {
		if op.Code != "" && !codes[op.Code] {
			codes[op.Code] = true
			n.Codes = append(n.Codes, op.Code)
		}
		if op.Holder != "" && !keys[op.Holder] {
			keys[op.Holder] = true
			n.Keys = append(n.Keys, op.Holder)
		}
	}
	return n
}

// ReadKept reads the log and the state of a stopped node: every entry, and what became of the names. All rows of the state are
// read, and its digest is computed from them.
func ReadKept(ctx context.Context, node, dataDir string, names Names) (k Kept, err error) {
	group := filepath.Join(dataDir, "groups", "0")
	if err := k.readLog(node, filepath.Join(group, "raft.db")); err != nil {
		return k, fmt.Errorf("the log of %s: %w", node, err)
	}
	if err := k.readState(ctx, node, filepath.Join(group, "state"), names); err != nil {
		return k, fmt.Errorf("the state of %s: %w", node, err)
	}
	return k, nil
}

func (k *Kept) readLog(node, path string) (err error) {
	log, err := raftlog.Open(raftlog.Config{Path: path, NoSync: true, Fatal: func(error) {}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if k.First, err = log.FirstIndex(); err != nil {
		return err
	}
	if k.Last, err = log.LastIndex(); err != nil {
		return err
	}
	for i := max(k.First, 1); i <= k.Last; i++ {
		var entry raft.Log
		if err := log.GetLog(i, &entry); errors.Is(err, raft.ErrLogNotFound) {
			continue // below an installed snapshot
		} else if err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		effects, err := effectsOf(entry)
		if err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		if effects.Nothing() {
			continue
		}
		effects.Node, effects.Index, effects.Term = node, entry.Index, entry.Term
		k.Entries = append(k.Entries, effects)
	}
	return nil
}

// effectsOf is what a log entry would do.
func effectsOf(entry raft.Log) (effects history.Entry, err error) {
	if entry.Type != raft.LogCommand {
		return effects, nil
	}
	decoded, err := command.DecodeEntry(entry.Data)
	if err != nil {
		return effects, err
	}
	return history.Effects(decoded), nil
}

func (k *Kept) readState(ctx context.Context, node, dir string, names Names) (err error) {
	s, err := store.Open(dir, store.Options{Fatal: func(err error) { panic(err) }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Verify(ctx); err != nil {
		return err
	}
	k.Codec, _ = s.Codec()
	position, digest := s.CurrentDigest()
	k.Final = history.Final{
		Node: node, Applied: position.Index, Digest: digest.String(), Links: s.Links(), Targets: make(map[string]string),
		Visits: make(map[string]uint64), Keys: make(map[string]bool),
	}
	for _, id := range names.Keys {
		_, _, err := s.Key(id)
		if k.Final.Keys[id] = err == nil; err != nil && !errors.Is(err, link.ErrNotFound) {
			return err
		}
	}
	for _, code := range names.Codes {
		found, err := s.Lookup(link.Code(code))
		switch {
		case err == nil:
			k.Final.Targets[code] = string(found.Target)
			if found.MaxVisits != 0 {
				k.Final.Visits[code] = found.Visits
			}
		case errors.Is(err, link.ErrGone):
			k.Final.Deleted = append(k.Final.Deleted, code)
		case !errors.Is(err, link.ErrNotFound):
			return err
		}
	}
	return nil
}

// complete reports whether the logs together hold every entry from the first on.
func complete(all []Kept) bool {
	last, reach := uint64(0), uint64(1) // raft.db of a founder begins at 1; entry 1 is the configuration
	for _, k := range all {
		last = max(last, k.Last)
	}
	for grown := true; grown; {
		grown = false
		for _, k := range all {
			if k.First > 0 && k.First <= reach+1 && k.Last > reach {
				reach, grown = k.Last, true
			}
		}
	}
	return last > 0 && reach >= last
}

// union is every entry once, whoever holds it.
func union(all []Kept) []history.Entry {
	type place struct{ index, term uint64 }
	seen := make(map[place]bool)
	var entries []history.Entry
	for _, k := range all {
		for _, e := range k.Entries {
			if at := (place{e.Index, e.Term}); !seen[at] {
				seen[at] = true
				entries = append(entries, e)
			}
		}
	}
	return entries
}
