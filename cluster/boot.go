package cluster

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"tinyurl/cluster/member"
	"tinyurl/fsm/command"
)

// boots is the number under which this node's operations travel. It is the one of this start, until the state shows that a later
// start of this node has been at work: then this data directory was rolled back, and the clock, which the number of a start is
// made of, is behind. The state machine refuses everything under the lower number, the first entry of a leader among it, so the node
// takes a number above the one that is known. What was sent under the old number is never sent again under a new one.
type boots struct {
	self member.ID
	// known is the highest number that the state has seen of an origin.
	known func(origin string) (uint64, error)
	// keep gives a number above one, for good: no later start may use it again, or the state machine would take its operations for
	// those of this one.
	keep func(above uint64) (uint64, error)
	log  *slog.Logger

	mu      sync.Mutex // held while a number is taken
	current atomic.Uint64
}

func newBoots(first uint64, self member.ID, known func(string) (uint64, error), keep func(uint64) (uint64, error), log *slog.Logger) *boots {
	b := &boots{self: self, known: known, keep: keep, log: log}
	b.current.Store(first)
	return b
}

// proposes is the identity of the operations that this node proposes.
func (b *boots) proposes() command.Origin {
	return command.Origin{Node: string(b.self), Boot: b.current.Load()}
}

// leads is the identity of a leader's own commands, which do not pass the proposer.
func (b *boots) leads() command.Origin {
	return command.Origin{Node: "leader/" + string(b.self), Boot: b.current.Load()}
}

// outrun is called when an operation was refused as stale. Most often it was only late, and nothing changes.
func (b *boots) outrun() {
	b.mu.Lock()
	defer b.mu.Unlock()
	var highest uint64
	for _, origin := range []command.Origin{b.proposes(), b.leads()} {
		known, err := b.known(origin.Node)
		if err != nil {
			return // the state cannot be read, which has stopped the node
		}
		highest = max(highest, known)
	}
	old := b.current.Load()
	if highest <= old {
		return
	}
	later, err := b.keep(highest)
	if err != nil {
		b.log.Error("could not keep a later boot number", "error", err)
		return
	}
	b.current.Store(later)
	b.log.Warn("the cluster knows a later start of this node: its data directory was rolled back, and its clock is behind",
		"boot", old, "known", highest, "now", later)
}

// ownRecord is who this node is, as this start found or made it, and what became of its boot number since.
type ownRecord struct {
	nodeRecord // immutable after Open

	mu   sync.Mutex
	last uint64 // owned by mu: the boot number in node.json
}

// laterBoot makes a boot number above one that this node has used in a life it does not remember, and keeps it: the next start counts
// on from there. A node that cannot keep it stops: as a leader it would never be ready.
func (n *Node) laterBoot(above uint64) (uint64, error) {
	n.record.mu.Lock()
	defer n.record.mu.Unlock()
	record := n.record.nodeRecord
	boot, err := unguessed(max(n.record.last, above), n.config.Environment.Rand)
	if err != nil {
		return 0, err
	}
	record.Boot = boot
	if err := n.dir.write("node.json", record); err != nil {
		n.fail(err)
		return 0, err
	}
	n.record.last = record.Boot
	return record.Boot, nil
}

// startBoot is the number of a new start: the time in Unix milliseconds. Not a counter alone: a directory that was rolled back would
// count the same numbers again, and what a node does under a number it used before is taken for what it did then.
func startBoot(last uint64, env Environment) (uint64, error) {
	if now := uint64(env.Now().UnixMilli()); now > last {
		return now, nil
	}
	return unguessed(last, env.Rand)
}

// unguessed makes a number above another where the clock, which is behind, cannot: by chance, so that a life which this directory does
// not remember, or a copy of it, has not taken the same one.
func unguessed(above uint64, random io.Reader) (uint64, error) {
	var step [4]byte
	if _, err := io.ReadFull(random, step[:]); err != nil {
		return 0, fmt.Errorf("make a boot number: %w", err)
	}
	return above + 1 + uint64(binary.BigEndian.Uint32(step[:])), nil
}
