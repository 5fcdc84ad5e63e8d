package fsm

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"

	"tinyurl/fsm/command"
	"tinyurl/fsm/store"
)

func TestASnapshotIsAStreamOfItsExactSize(t *testing.T) {
	g := lead(t)
	g.make(slug("x"))
	id := g.snapshot(g.index + 2) // raft counts no-ops
	g.make(slug("after"))
	metas, err := g.Snapshots().List()
	if err != nil || len(metas) != 1 {
		t.Fatalf("list %v, %v", metas, err)
	}
	want := &raft.SnapshotMeta{
		Version: 1, ID: id, Index: g.index + 1, Term: 1, Configuration: testServers(), ConfigurationIndex: 1, Size: metas[0].Size,
	}
	if diff := cmp.Diff(want, metas[0]); diff != "" {
		t.Errorf("meta:\n%s", diff)
	}
	meta, data := g.stream(id)
	if int64(len(data)) != meta.Size || meta.Size != metas[0].Size {
		t.Errorf("%d bytes, meta says %d", len(data), meta.Size)
	}
	h, err := store.CheckStream(bytes.NewReader(data))
	if err != nil || h.ClusterID != testCluster || h.Position.Index != g.index-1 {
		t.Errorf("header %+v, %v", h, err)
	}
	if raftIndex, stateIndex := g.Snapshots().Newest(); raftIndex != g.index+1 || stateIndex != g.index-1 {
		t.Errorf("newest at %d with state %d", raftIndex, stateIndex)
	}
}

func TestASnapshotInstalledElsewhereIsTheSameState(t *testing.T) {
	g := lead(t)
	made := g.make(slug("x"))
	g.do(keyed("s", "k", 0, 1))
	meta, data := g.stream(g.snapshot(g.index))

	other := start(t)
	id := other.install(meta, data)
	if err := other.restore(id); err != nil {
		t.Fatal(err)
	}
	if other.digest() != g.digest() || other.Store().Position() != g.Store().Position() || other.Store().Counter() != g.Store().Counter() {
		t.Error("the installed state is another one")
	}
	if l, err := other.Store().Lookup("x"); err != nil || l != made {
		t.Errorf("look-up %+v, %v", l, err)
	}
	if err := other.WaitApplied(t.Context(), g.index); err != nil {
		t.Error(err)
	}
	// Its holder may become leader: what it was given it can give.
	meta2, data2 := other.stream(id)
	if !bytes.Equal(data, data2) || meta2.Size != meta.Size || meta2.Index != meta.Index {
		t.Error("the installed snapshot is given on changed")
	}
	// And its own checkpoint of the same state is the same stream.
	g.step()
	_, ours := g.stream(g.snapshot(g.index + 1))
	if _, theirs := other.stream(other.snapshot(other.step())); !bytes.Equal(ours, theirs) {
		t.Error("two replicas' streams of one state differ")
	}
}

func TestSinksMayBeClosedTwice(t *testing.T) {
	g := lead(t)
	meta, data := g.stream(g.snapshot(g.index))
	sink, err := g.Snapshots().Create(1, meta.Index, 1, testServers(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Write(data); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := sink.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if err := sink.Cancel(); err != nil {
		t.Errorf("cancel after close: %v", err)
	}
	if _, err := sink.Write(data); err == nil {
		t.Error("a closed sink takes bytes")
	}
	if _, source, err := g.Snapshots().Open(sink.ID()); err != nil {
		t.Errorf("cancel after close took the snapshot away: %v", err)
	} else if err := source.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNotASnapshotLeavesNothing(t *testing.T) {
	g := lead(t)
	meta, data := g.stream(g.snapshot(g.index))
	foreign := config(newDisk(), func(error) {})
	foreign.ClusterID = [16]byte{0xbb}
	stranger, err := Open(foreign)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	damaged := bytes.Clone(data)
	damaged[len(damaged)/2] ^= 1
	for name, c := range map[string]struct {
		index uint64
		data  []byte
		into  *Snapshots
		want  error
	}{
		"nothing":                      {meta.Index, nil, g.Snapshots(), nil},
		"cut off":                      {meta.Index, data[:len(data)-1], g.Snapshots(), store.ErrDamaged},
		"too long":                     {meta.Index, append(bytes.Clone(data), 0), g.Snapshots(), store.ErrDamaged},
		"damaged":                      {meta.Index, damaged, g.Snapshots(), store.ErrDamaged},
		"of another cluster":           {meta.Index, data, stranger.Snapshots(), ErrForeign},
		"labelled below what it holds": {meta.Index - 1, data, g.Snapshots(), ErrCatchingUp},
	} {
		before, _ := c.into.List()
		sink, err := c.into.Create(1, c.index, 1, testServers(), 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.data != nil {
			if _, err := sink.Write(c.data); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := sink.Close(); err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		if after, _ := c.into.List(); len(after) != len(before) {
			t.Errorf("%s: a snapshot is there", name)
		}
	}
	cancelled, err := g.Snapshots().Create(1, 9, 1, testServers(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cancelled.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := cancelled.Cancel(); err != nil {
		t.Error(err)
	}
	if err := cancelled.Close(); err == nil {
		t.Error("a cancelled sink was closed")
	}
	if _, err := g.Snapshot(); !errors.Is(err, raft.ErrNothingNewToSnapshot) {
		t.Errorf("a second snapshot of one state: %v", err)
	}
	g.step()
	if s, err := g.Snapshot(); err != nil { // never persisted
		t.Error(err)
	} else {
		s.Release()
	}
	if names, err := g.disk.List("/data/groups/0/snapshots"); err != nil || len(names) != 1 {
		t.Errorf("on disk: %v, %v", names, err)
	}
	if _, err := g.Snapshots().Create(0, 9, 1, testServers(), 1, nil); err == nil {
		t.Error("a snapshot of version 0 was begun")
	}
}

func TestTwoSnapshotsAreKeptAndOpenOnesAreNotTakenAway(t *testing.T) {
	g := lead(t)
	for range 60 { // more than is buffered on the way, so that a reader is in the middle of the checkpoint
		g.make(draft("http://example.com/" + strings.Repeat("x", 8000)))
	}
	first := g.snapshot(g.index)
	_, a, err := g.Snapshots().Open(first)
	if err != nil {
		t.Fatal(err)
	}
	_, b, err := g.Snapshots().Open(first) // a checkpoint's directory can be locked by one only
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for range 3 {
		g.make(draft("http://a"))
		ids = append(ids, g.snapshot(g.index))
	}
	metas, err := g.Snapshots().List()
	if err != nil || len(metas) != 2 || metas[0].ID != ids[2] || metas[1].ID != ids[1] {
		t.Fatalf("list %v, %v", metas, err)
	}
	if _, _, err := g.Snapshots().Open(first); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a reaped snapshot is opened: %v", err)
	}
	one, err := io.ReadAll(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	two, err := io.ReadAll(b)
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("two readings of one snapshot differ (%v)", err)
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if names, _ := g.disk.List("/data/groups/0/snapshots"); len(names) != 2 {
		t.Errorf("on disk: %v", names)
	}
}

func TestAnOlderSnapshotIsNotInstalledOverANewerOne(t *testing.T) {
	g := lead(t)
	meta, data := g.stream(g.snapshot(g.index))
	g.make(draft("http://a"))
	newest := g.snapshot(g.index)
	sink, err := g.Snapshots().Create(meta.Version, meta.Index, meta.Term, meta.Configuration, meta.ConfigurationIndex, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); !errors.Is(err, ErrOldSnapshot) {
		t.Fatalf("raft would go back to an older index and configuration: %v", err)
	}
	if metas, _ := g.Snapshots().List(); metas[0].ID != newest {
		t.Errorf("list %v", metas)
	}
}

func TestClosingBreaksOffReaders(t *testing.T) {
	r := open(t, newDisk())
	g := &group{replica: r, writer: writer{node: "n1", boot: 1}, now: testEpoch}
	g.do(command.Lead{CodeKey: testKey, ClusterVersion: 1})
	id := g.snapshot(g.index)
	_, source, err := r.Snapshots().Open(id)
	if err != nil {
		t.Fatal(err)
	}
	r.close()
	if _, err := source.Read(make([]byte, 10)); err == nil {
		t.Error("read from a closed store of snapshots")
	}
	if err := source.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := r.Snapshots().Open(id); !errors.Is(err, ErrClosed) {
		t.Errorf("open after close: %v", err)
	}
	if _, err := r.Snapshots().Create(1, 9, 1, testServers(), 1, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("create after close: %v", err)
	}
}

func TestAStateIsNotReplacedByWhatItContains(t *testing.T) {
	g := lead(t)
	meta, data := g.stream(g.snapshot(g.index))
	made := g.make(slug("after"))
	id := g.install(meta, data)
	if err := g.restore(id); err != nil {
		t.Fatal(err)
	}
	if l, err := g.Store().Lookup("after"); err != nil || l != made {
		t.Errorf("an older snapshot took %+v away: %v", l, err)
	}
}

func TestAnotherStateAtTheSamePositionStopsTheNode(t *testing.T) {
	a, b := lead(t), lead(t)
	a.make(slug("x"))
	b.make(slug("y"))
	id := b.install(a.stream(a.snapshot(a.index)))
	if err := b.restore(id); !errors.Is(err, ErrDiverged) {
		t.Errorf("restore: %v, want ErrDiverged", err)
	}
	checkStopped(t, b, ErrDiverged)
}

func TestAFailedRestoreLeavesTheStateAsItWas(t *testing.T) {
	g, behind := lead(t), lead(t)
	g.make(slug("x"))
	_, data := g.stream(g.snapshot(g.index))
	before := behind.digest()
	for name, c := range map[string]struct {
		stream []byte
		want   error
	}{
		"cut off": {data[:len(data)-3], store.ErrDamaged},
		"damaged": {append(bytes.Clone(data[:len(data)-20]), data[len(data)-19:]...), store.ErrDamaged},
		"no more": {nil, store.ErrDamaged},
	} {
		if err := behind.Restore(io.NopCloser(bytes.NewReader(c.stream))); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	foreign := config(newDisk(), func(error) {})
	foreign.ClusterID = [16]byte{0xbb}
	stranger, err := Open(foreign)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if err := stranger.Restore(io.NopCloser(bytes.NewReader(data))); !errors.Is(err, ErrForeign) {
		t.Errorf("another cluster's state: %v", err)
	}
	if behind.digest() != before || behind.Failed() != nil {
		t.Error("a failed restore changed something")
	}
	if err := behind.Restore(io.NopCloser(bytes.NewReader(data))); err != nil || behind.digest() != g.digest() {
		t.Errorf("the whole stream after them: %v", err)
	}
}

// rewrite changes a file on disk, synced.
func rewrite(t *testing.T, d disk, name string, change func([]byte) []byte) {
	t.Helper()
	data, err := readFile(d, name, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeFile(d, name, change(data)); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedSnapshotsAreRefusedUnlessANewerOneStandsIn(t *testing.T) {
	flip := func(data []byte) []byte { data[len(data)/2] ^= 4; return data }
	build := func(t *testing.T) (d disk, older, newer string, g *group) {
		g = lead(t)
		older = g.snapshot(g.index)
		g.make(slug("x"))
		newer = g.snapshot(g.index)
		return g.disk.crash(100, 1), older, newer, g
	}
	manifestOf := func(id string) string { return "/data/groups/0/snapshots/" + id + "/" + manifestFile }

	t.Run("the older", func(t *testing.T) {
		d, older, newer, g := build(t)
		rewrite(t, d, manifestOf(older), flip)
		r := open(t, d)
		defer r.close()
		if metas, _ := r.Snapshots().List(); len(metas) != 1 || metas[0].ID != newer || r.digest() != g.digest() {
			t.Errorf("list %v", metas)
		}
		id := r.snapshot(r.step())
		if names, _ := d.List("/data/groups/0/snapshots"); len(names) != 2 {
			t.Errorf("after snapshot %s there are %v: the damaged one stays for ever", id, names)
		}
	})
	for name, damage := range map[string]struct {
		do   func(t *testing.T, d disk, id string)
		want error
	}{
		"flipped bit": {func(t *testing.T, d disk, id string) { rewrite(t, d, manifestOf(id), flip) }, ErrDamagedSnapshot},
		"empty": {func(t *testing.T, d disk, id string) {
			rewrite(t, d, manifestOf(id), func([]byte) []byte { return nil })
		}, ErrDamagedSnapshot},
		"gone": {func(t *testing.T, d disk, id string) { _ = d.Remove(manifestOf(id)) }, ErrDamagedSnapshot},
		"content gone": {func(t *testing.T, d disk, id string) {
			_ = d.RemoveAll("/data/groups/0/snapshots/" + id + "/" + checkpointDir)
		}, ErrDamagedSnapshot},
		"newer format": {func(t *testing.T, d disk, id string) {
			rewrite(t, d, manifestOf(id), func(data []byte) []byte {
				return bytes.Replace(data, []byte("snapshot 1"), []byte("snapshot 2"), 1)
			})
		}, errNewerManifest},
	} {
		t.Run("the newer: "+name, func(t *testing.T) {
			d, _, newer, _ := build(t)
			damage.do(t, d, newer)
			_, err := Open(config(d, func(error) {}))
			if !errors.Is(err, damage.want) || !strings.Contains(err.Error(), "joins as a new member") {
				t.Errorf("open: %v, want %v and the way out", err, damage.want)
			}
		})
	}
	t.Run("of another cluster", func(t *testing.T) {
		d, _, _, _ := build(t)
		c := config(d, func(error) {})
		c.ClusterID = [16]byte{0xbb}
		if _, err := Open(c); !errors.Is(err, ErrForeign) {
			t.Errorf("open: %v, want ErrForeign", err)
		}
	})
}
