package fsm

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// FuzzTakenBatchNeverStopsAReplica takes any bytes as the batch of another node. A leader that takes it in puts it into the log of
// every replica, so whatever DecodeBatch accepts must have an outcome, the same on each of them. Its first find, kept as a seed, was a
// leader's command with a version that no binary knows.
func FuzzTakenBatchNeverStopsAReplica(f *testing.F) {
	w := writer{node: "n1", boot: 3}
	find := link.TitleField
	early := time.UnixMilli(-1).UTC()
	every := link.Draft{Fields: everyField(), Slug: "every", Owner: "u1", Host: "new.example", Find: &find, Imported: &link.Imported{CreatedAt: early, Visits: 1<<64 - 1}}
	once := &link.Once{Scope: "s", Key: "k", Row: 1, Body: [32]byte{1}}
	for _, b := range []command.Batch{
		w.batch(command.Create{Draft: draft("http://a")}, command.Create{Draft: slug("promo")}, command.Delete{Code: "promo"}),
		w.batch(command.Create{Draft: link.Draft{Fields: link.Fields{Target: "http://b"}, ExpiresIn: time.Hour, Once: once}}, command.Delete{Code: testCodec.Encode(1)}),
		w.batch(command.Lead{CodeKey: [16]byte{9}, ClusterVersion: 1}, command.Create{Draft: link.Draft{Fields: link.Fields{ValidUntil: at(-time.Hour)}}}),
		w.batch(command.Create{Draft: slug("x")}, command.Edit{Edit: link.Edit{Code: "x", Set: link.AllFields, Fields: everyField()}}, command.Consume{Code: "x"}),
		w.batch(command.Create{Draft: every}, command.Create{Draft: finding(link.TagsField, link.Fields{Tags: "a"})}, command.Sweep{Limit: command.MaxSwept}),
		w.batch(
			command.Create{Draft: slug("x")}, command.Create{Draft: imported("x", link.Imported{Conflict: link.Overwrite})}, command.Create{Draft: endedLong(1)},
			command.Edit{Edit: link.Edit{Code: "x", Set: link.ValidUntilField, Fields: link.Fields{ValidUntil: early}}}, command.Sweep{Limit: 1}, command.Delete{Code: "x"},
			command.Create{Draft: imported("x", link.Imported{Conflict: link.Rename})},
		),
		w.batch(
			userOf("u", access.Creator), keyOf("k", "u"), command.EditUser{Edit: access.UserEdit{ID: "u", Email: new("a@b")}}, command.Deny{Host: "new.example"},
			command.Create{Draft: every}, command.Create{Draft: slug("x")}, command.Report{Code: "x", Reason: "r"}, command.Dismiss{Code: "x"}, command.Allow{Host: "new.example"},
			command.RevokeKey{ID: "k"}, command.DeleteUser{ID: "u"},
		),
		func() command.Batch {
			b := w.batch(keyOf("k", ""), command.Create{Draft: every}, command.Delete{Code: "every"}, command.RevokeKey{ID: "k"}, command.Consume{Code: "every"})
			by("k", b).Operations[0].Actor = ""
			return b
		}(),
	} {
		encoded, err := command.EncodeBatch(b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		batch, err := command.DecodeBatch(encoded)
		if err != nil || slices.ContainsFunc(batch.Operations, isLead) {
			return // a leader's own command is taken from nobody (cluster.readBatch)
		}
		entry, err := command.Join(testEpoch, encoded)
		if err != nil {
			t.Fatalf("taken, and not to be put into an entry: %v", err)
		}
		var replicas []*replica
		for range 2 {
			r := open(t, newDisk())
			defer r.close()
			leader := writer{node: "leader", boot: 1}
			r.Apply(entryOf(t, 1, testEpoch, leader.batch(command.Lead{CodeKey: testKey, ClusterVersion: 1})))
			again := entryOf(t, 2, testEpoch)
			for again.Index = 2; again.Index <= 3; again.Index++ { // the second is a retry
				again.Data = entry
				if answer, ok := r.Apply(again).(Outcome); !ok {
					t.Fatalf("entry %d has no outcome: %v, %v", again.Index, answer, r.fatals.all())
				}
			}
			replicas = append(replicas, r)
		}
		if a, b := replicas[0].digest(), replicas[1].digest(); a != b {
			t.Errorf("two replicas of one log: %v and %v", a, b)
		}
		if err := replicas[0].Store().Verify(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func isLead(op command.Operation) bool {
	_, leads := op.Command.(command.Lead)
	return leads
}

// FuzzInstalledSnapshot installs any stream as raft does. A stream that is refused leaves nothing behind, neither in the state nor among the
// snapshots; one that is taken is a state that verifies.
func FuzzInstalledSnapshot(f *testing.F) {
	donor := open(f, newDisk())
	leader := writer{node: "leader", boot: 1}
	donor.Apply(entryOf(f, 1, testEpoch, leader.batch(command.Lead{CodeKey: testKey, ClusterVersion: 1})))
	donor.Apply(entryOf(f, 2, testEpoch, leader.batch(command.Create{Draft: draft("http://a")}, command.Create{Draft: slug("promo")})))
	meta, stream := donor.stream(donor.snapshot(2))
	donor.close()
	f.Add(stream)
	f.Add(stream[:len(stream)-1])
	f.Add(append(bytes.Clone(stream), 0))
	f.Add([]byte("tinyurl\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := open(t, newDisk())
		defer r.close()
		r.Apply(entryOf(t, 1, testEpoch, leader.batch(command.Lead{CodeKey: [16]byte{7}, ClusterVersion: 1})))
		before := r.digest()
		sink, err := r.Snapshots().Create(1, meta.Index, meta.Term, meta.Configuration, meta.ConfigurationIndex, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = sink.Write(data)
		if err = errors.Join(err, sink.Close()); err == nil {
			if err := r.restore(sink.ID()); err != nil {
				t.Fatalf("a snapshot was taken in and not restored: %v", err)
			}
			if err := r.Store().Verify(t.Context()); err != nil {
				t.Error(err)
			}
			return
		}
		if list, _ := r.Snapshots().List(); len(list) > 0 || r.digest() != before || len(r.fatals.all()) > 0 {
			t.Errorf("refused (%v), and left %v, %v, %v", err, list, r.digest(), r.fatals.all())
		}
		names, err := r.disk.List("/data/groups/0/snapshots")
		if err != nil || strings.Join(names, "") != "" {
			t.Errorf("left on disk: %q, %v", names, err)
		}
	})
}

// FuzzDecodeManifest reads any file as a snapshot's manifest.
func FuzzDecodeManifest(f *testing.F) {
	data, err := (&manifest{ID: snapshotID(1, 2, 3), Sequence: 3, Kind: kindStream, Size: 7, Raft: raftMeta{Version: 1, Index: 2, Term: 1}}).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)-2])
	f.Add([]byte("tinyurl snapshot 2 00000000\n{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeManifest(data)
		if err != nil {
			if !errors.Is(err, ErrDamagedSnapshot) && !errors.Is(err, errNewerManifest) {
				t.Errorf("an error of no kind: %v", err)
			}
			return
		}
		again, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := decodeManifest(again); err != nil || back.ID != m.ID || back.Size != m.Size || back.State != m.State {
			t.Errorf("%+v came back as %+v, %v", m, back, err)
		}
	})
}
