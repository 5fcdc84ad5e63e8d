package fsm

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/raft"
	"pgregory.net/rapid"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// drawHistory draws a log: three nodes that restart, repeat themselves and raise floors, clients that repeat requests, slugs
// that are codes to come, time that jumps forth and back, indexes with gaps that pass a boundary.
func drawHistory(t *rapid.T) ([]*raft.Log, []command.Entry) {
	index := rapid.SampledFrom([]uint64{1, 4070, 8190}).Draw(t, "first index")
	now := testEpoch
	writers := []*writer{{node: "a", boot: 1}, {node: "b", boot: 7}, {node: "c", boot: 1}}
	leader := writer{node: "leader", boot: 1}
	entries := []command.Entry{{Time: now, Batches: []command.Batch{leader.batch(command.Lead{CodeKey: testKey, ClusterVersion: 1})}}}
	logs := []*raft.Log{entryOf(t, index, now, entries[0].Batches...)}
	for range rapid.IntRange(1, 30).Draw(t, "entries") {
		index += rapid.Uint64Range(1, 3).Draw(t, "gap")
		now = now.Add(time.Duration(rapid.Int64Range(-60_000, 600_000).Draw(t, "ms")) * time.Millisecond)
		if rapid.IntRange(0, 9).Draw(t, "jump") == 0 {
			now = now.Add(13 * time.Hour)
		}
		if rapid.IntRange(0, 14).Draw(t, "month") == 0 {
			now = now.Add(link.ExpiredKept)
		}
		if rapid.IntRange(0, 9).Draw(t, "configuration") == 0 {
			logs = append(logs, &raft.Log{Index: index, Term: 1, Type: raft.LogConfiguration})
			entries = append(entries, command.Entry{})
			continue
		}
		e := command.Entry{Time: now}
		for range rapid.IntRange(1, 3).Draw(t, "batches") {
			e.Batches = append(e.Batches, drawWrites(t, rapid.SampledFrom(writers).Draw(t, "writer"), now))
		}
		logs = append(logs, &raft.Log{Index: index})
		entries = append(entries, e)
	}
	fillIn(entries)
	for i, e := range entries {
		if logs[i].Type == raft.LogCommand {
			logs[i] = entryOf(t, logs[i].Index, e.Time, e.Batches...)
		}
	}
	return logs, entries
}

// drawWrites draws what a node proposes: new operations, and some it has sent before.
func drawWrites(t *rapid.T, w *writer, now time.Time) command.Batch {
	switch rapid.IntRange(0, 11).Draw(t, "event") {
	case 0:
		w.boot, w.sequence, w.floor = w.boot+1, rapid.Uint64Range(0, 3).Draw(t, "sequence"), 0
	case 1, 2:
		w.floor = w.sequence
	case 3: // a batch of an earlier boot that was long on its way
		late := writer{node: w.node, boot: w.boot - 1}
		return late.batch(drawCommand(t, now))
	case 4: // overtaken
		late := writer{node: w.node, boot: w.boot, sequence: w.sequence + 50}
		return late.batch(drawCommand(t, now))
	}
	b := w.batch()
	for range rapid.IntRange(1, 4).Draw(t, "operations") {
		op := command.Operation{Command: drawCommand(t, now)}
		if rapid.IntRange(0, 2).Draw(t, "by a key") == 0 {
			op.Actor = rapid.SampledFrom(drawnKeys).Draw(t, "actor")
		}
		if rapid.IntRange(0, 3).Draw(t, "again") == 0 && w.sequence > 0 {
			// Under an identity of before: fillIn gives it the command of before.
			op.Sequence, op.Command, op.Actor = rapid.Uint64Range(1, w.sequence).Draw(t, "old"), nil, ""
		} else {
			w.sequence++
			op.Sequence = w.sequence
		}
		b.Operations = append(b.Operations, op)
	}
	return b
}

// fillIn gives repeated operations the command they had the first time; one that was never sent becomes a delete.
func fillIn(entries []command.Entry) {
	sent := make(map[string]command.Command)
	for _, e := range entries {
		for _, b := range e.Batches {
			for i := range b.Operations {
				op := &b.Operations[i]
				name := fmt.Sprintf("%s/%d/%d", b.Origin.Node, b.Origin.Boot, op.Sequence)
				if op.Command == nil {
					if op.Command = sent[name]; op.Command == nil {
						op.Command = command.Delete{Code: "a"}
					}
				}
				if sent[name] == nil {
					sent[name] = op.Command
				}
				op.Command = sent[name]
			}
		}
	}
}

var sameResults = cmp.Options{cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) && errors.Is(b, a) }), cmpopts.EquateEmpty()}

// The state machine says what a few maps say; replicas that apply one log in whatever portions, through crashes and
// snapshots, are equal.
func TestReplicasOfOneLogAreEqualAndFollowTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logs, entries := drawHistory(t)
		m := newModel()
		single := open(t, newDisk())
		defer func() { single.close() }()
		for i, l := range logs {
			answer := single.Apply(l)
			if l.Type == raft.LogConfiguration {
				continue
			}
			outcome, ok := answer.(Outcome)
			if !ok {
				t.Fatalf("entry %d: %v", l.Index, answer)
			}
			if diff := cmp.Diff(m.apply(entries[i]), outcome.Results, sameResults); diff != "" {
				t.Fatalf("entry %d:\n%s", l.Index, diff)
			}
		}
		checkModel(t, m, single)

		portions := open(t, newDisk())
		defer func() { portions.close() }()
		for rest := logs; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "portion")
			portions.ApplyBatch(rest[:n])
			rest = rest[n:]
			switch rapid.IntRange(0, 3).Draw(t, "between") {
			case 0: // a crash: raft hands over everything again
				portions = portions.reopen(rapid.IntRange(0, 100).Draw(t, "percent"), rapid.Uint64().Draw(t, "seed"))
				portions.ApplyBatch(logs[:len(logs)-len(rest)])
			case 1:
				next := throughSnapshot(t, portions)
				portions.close()
				portions = next
			}
		}
		checkEqual(t, single, portions)
		last := throughSnapshot(t, single)
		defer last.close()
		checkEqual(t, single, last)
	})
}

// throughSnapshot gives another replica the state of r by a snapshot.
func throughSnapshot(t *rapid.T, r *replica) *replica {
	meta, data := r.stream(r.snapshot(r.AppliedIndex()))
	other := open(t, newDisk())
	if err := other.restore(other.install(meta, data)); err != nil {
		t.Fatal(err)
	}
	return other
}

func checkEqual(t *rapid.T, a, b *replica) {
	t.Helper()
	pa, da := a.Store().CurrentDigest()
	pb, db := b.Store().CurrentDigest()
	if pa != pb || da != db {
		t.Fatalf("the states are %v at %+v and %v at %+v", da, pa, db, pb)
	}
	ia, ka := a.Store().Digest()
	ib, kb := b.Store().Digest()
	if ia != ib || ka != kb {
		t.Fatalf("the kept digests are %v up to %d and %v up to %d", ka, ia, kb, ib)
	}
	if err := b.Store().Verify(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func checkModel(t *rapid.T, m *model, r *replica) {
	t.Helper()
	if got := r.Store().Counter(); got != m.counter {
		t.Fatalf("counter %d, want %d", got, m.counter)
	}
	living := 0
	for _, code := range m.codes() {
		l, err := r.Store().Lookup(code)
		if m.deleted[code] {
			if !errors.Is(err, link.ErrGone) {
				t.Fatalf("deleted %q: %+v, %v", code, l, err)
			}
			continue
		}
		living++
		if err != nil || l != m.links[code] {
			t.Fatalf("link %q: %+v, %v; want %+v", code, l, err, m.links[code])
		}
	}
	for node, boot := range m.boots {
		if got, err := r.Store().Boot(node); err != nil || got != boot {
			t.Fatalf("boot %d of %s, %v; want %d", got, node, err, boot)
		}
	}
	checkAuthority(t, m, r)
	checkVisits(t, m, r)
	if got := r.Store().Links(); got != uint64(living) {
		t.Fatalf("%d links, want %d", got, living)
	}
}
