package fsm

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

var (
	testCluster = [16]byte{0xc1}
	testKey     = [16]byte{0x4e, 1}
	testEpoch   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	testCodec   = link.NewCodec(testKey)
)

// disk is a file system that can crash.
type disk struct{ *vfs.MemFS }

func newDisk() disk { return disk{vfs.NewCrashableMem()} }

// crash gives the disk as a power cut leaves it: what was synced, and as many percent of the rest as chance has it.
func (d disk) crash(percent int, seed uint64) disk {
	return disk{d.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(seed, 1))})}
}

// fatals collects what Config.Fatal was told.
type fatals struct {
	mu   sync.Mutex
	told []error
}

func (f *fatals) tell(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, err)
}

func (f *fatals) all() []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told
}

// config is a state machine's on d, small.
func config(d disk, fatal func(error)) Config {
	return Config{
		ClusterID: testCluster, Dir: "/data/groups/0", FS: d, CacheBytes: 1 << 20, MemTableBytes: 256 << 10, Fatal: fatal,
	}
}

// replica is a state machine under test.
type replica struct {
	*FSM
	t      tester
	disk   disk
	fatals *fatals
}

// open opens a state machine on d that must open.
func open(t tester, d disk) *replica {
	t.Helper()
	r := &replica{t: t, disk: d, fatals: &fatals{}}
	var err error
	if r.FSM, err = Open(config(d, r.fatals.tell)); err != nil {
		t.Fatalf("open: %v", err)
	}
	return r
}

// start opens an empty state machine and closes it at the end of the test.
func start(t *testing.T) *replica {
	t.Helper()
	r := open(t, newDisk())
	t.Cleanup(func() { r.close() })
	return r
}

func (r *replica) close() {
	r.t.Helper()
	if err := r.Close(); err != nil {
		r.t.Fatalf("close: %v", err)
	}
}

// reopen crashes r's disk and opens what is left. The old state machine goes on in a world of its own, and is closed there.
func (r *replica) reopen(percent int, seed uint64) *replica {
	r.t.Helper()
	after := r.disk.crash(percent, seed)
	_ = r.Close() // it may have failed before
	return open(r.t, after)
}

// at is a stamp.
func at(d time.Duration) time.Time { return testEpoch.Add(d) }

// entryOf is a raft entry of batches.
func entryOf(t tester, index uint64, stamp time.Time, batches ...command.Batch) *raft.Log {
	t.Helper()
	data, err := command.EncodeEntry(command.Entry{Time: stamp, Batches: batches})
	if err != nil {
		t.Fatal(err)
	}
	return &raft.Log{Index: index, Term: 1, Type: raft.LogCommand, Data: data}
}

// writer makes entries of one node's operations, one after another.
type writer struct {
	node     string
	boot     uint64
	sequence uint64
	floor    uint64
}

// batch wraps commands; the sequence goes on.
func (w *writer) batch(commands ...command.Command) command.Batch {
	b := command.Batch{Origin: command.Origin{Node: w.node, Boot: w.boot}, Floor: w.floor}
	for _, c := range commands {
		w.sequence++
		b.Operations = append(b.Operations, command.Operation{Sequence: w.sequence, Command: c})
	}
	return b
}

// group is a replica with a leader's view: it applies commands as the next entries.
type group struct {
	*replica
	writer
	index uint64
	now   time.Time
	log   []*raft.Log
}

// lead starts an empty state machine and applies the first command of a leader.
func lead(t *testing.T) *group {
	t.Helper()
	g := &group{replica: start(t), writer: writer{node: "n1", boot: 1}, now: testEpoch}
	g.do(command.Lead{CodeKey: testKey, ClusterVersion: 1})
	return g
}

// next makes the next entry.
func (g *group) next(batches ...command.Batch) *raft.Log {
	g.t.Helper()
	g.index++
	l := entryOf(g.t, g.index, g.now, batches...)
	g.log = append(g.log, l)
	return l
}

// run applies one batch as the next entry.
func (g *group) run(b command.Batch) []command.Result {
	g.t.Helper()
	return g.outcome(g.Apply(g.next(b)))[0]
}

// do applies commands as the next entry.
func (g *group) do(commands ...command.Command) []command.Result {
	g.t.Helper()
	return g.run(g.batch(commands...))
}

// as applies commands of a key's holder as the next entry.
func (g *group) as(actor string, commands ...command.Command) []command.Result {
	g.t.Helper()
	return g.run(by(actor, g.batch(commands...)))
}

// by says that somebody's key asks for what is in a batch.
func by(actor string, b command.Batch) command.Batch {
	for i := range b.Operations {
		b.Operations[i].Actor = actor
	}
	return b
}

// must applies commands as the next entry, none of which is refused.
func (g *group) must(commands ...command.Command) {
	g.t.Helper()
	for i, r := range g.do(commands...) {
		if r.Err != nil {
			g.t.Fatalf("%+v: %v", commands[i], r.Err)
		}
	}
}

// people makes two creators u1 and u2 with keys k1 and k2, an editor and an administrator with keys of their names, and the key
// "free" of nobody's. All keys have all scopes.
func (g *group) people() {
	g.t.Helper()
	g.must(
		userOf("u1", access.Creator), keyOf("k1", "u1"), userOf("u2", access.Creator), keyOf("k2", "u2"), userOf("editor", access.Editor),
		keyOf("editor", "editor"), userOf("admin", access.AdminRole), keyOf("admin", "admin"), keyOf("free", ""),
	)
}

func userOf(id string, role access.Role) command.CreateUser {
	return command.CreateUser{User: access.User{ID: id, Name: "user " + id, Role: role}}
}

// keyOf makes a key with all scopes, whose secret is its id.
func keyOf(id, owner string) command.CreateKey {
	return command.CreateKey{Key: access.Key{ID: id, Name: "key " + id, Hash: hashOf(id), Scopes: access.AllScopes, Owner: owner}}
}

func hashOf(id string) access.Hash { return access.Hash(sha256.Sum256([]byte(id))) }

// outcome is an answer that must be an Outcome.
func (g *group) outcome(answer any) [][]command.Result {
	g.t.Helper()
	o, ok := answer.(Outcome)
	if !ok {
		g.t.Fatalf("answer %v; want an outcome", answer)
	}
	return o.Results
}

// make makes one link that must be made.
func (g *group) make(d link.Draft) link.Link {
	g.t.Helper()
	r := g.do(command.Create{Draft: d})[0]
	if r.Err != nil {
		g.t.Fatalf("create %+v: %v", d, r.Err)
	}
	return r.Link
}

func draft(target string) link.Draft {
	return link.Draft{Fields: link.Fields{Target: link.Target(target)}}
}

func slug(s string) link.Draft {
	return link.Draft{Fields: link.Fields{Target: "http://slug.example/"}, Slug: link.Code(s)}
}

// digest is the digest of a replica's state.
func (r *replica) digest() store.Digest {
	_, d := r.Store().CurrentDigest()
	return d
}

// snapshot takes a snapshot the way raft does, at raft's index.
func (r *replica) snapshot(raftIndex uint64) string {
	r.t.Helper()
	id, err := takeSnapshot(r.FSM, raftIndex)
	if err != nil {
		r.t.Fatalf("snapshot: %v", err)
	}
	return id
}

// step applies an entry that changes next to nothing, so that there is something new to snapshot.
func (r *replica) step() uint64 {
	r.t.Helper()
	w := writer{node: "stepper", boot: 1, sequence: r.AppliedIndex()}
	l := entryOf(r.t, r.AppliedIndex()+1, testEpoch, w.batch(command.Delete{Code: "none"}))
	if _, ok := r.Apply(l).(Outcome); !ok {
		r.t.Fatalf("entry %d has no outcome", l.Index)
	}
	return l.Index
}

// takeSnapshot does what raft's takeSnapshot does.
func takeSnapshot(f *FSM, raftIndex uint64) (string, error) {
	s, err := f.Snapshot()
	if err != nil {
		return "", err
	}
	defer s.Release()
	sink, err := f.Snapshots().Create(1, raftIndex, 1, testServers(), 1, nil)
	if err != nil {
		return "", err
	}
	if err := s.Persist(sink); err != nil {
		_ = sink.Cancel()
		return "", err
	}
	return sink.ID(), sink.Close()
}

func testServers() raft.Configuration {
	return raft.Configuration{Servers: []raft.Server{
		{ID: "n1-000001", Address: "n1-000001"},
		{ID: "n2-000002", Address: "n2-000002", Suffrage: raft.Nonvoter},
	}}
}

// stream reads a whole snapshot.
func (r *replica) stream(id string) (*raft.SnapshotMeta, []byte) {
	r.t.Helper()
	meta, source, err := r.Snapshots().Open(id)
	if err != nil {
		r.t.Fatal(err)
	}
	data, err := io.ReadAll(source)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := source.Close(); err != nil {
		r.t.Fatal(err)
	}
	return meta, data
}

// install receives a snapshot the way raft's installSnapshot does, up to the closing of the sink.
func (r *replica) install(meta *raft.SnapshotMeta, data []byte) string {
	r.t.Helper()
	sink, err := r.Snapshots().Create(meta.Version, meta.Index, meta.Term, meta.Configuration, meta.ConfigurationIndex, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := sink.Write(data[:len(data)/2]); err != nil {
		r.t.Fatal(err)
	}
	if _, err := sink.Write(data[len(data)/2:]); err != nil {
		r.t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		r.t.Fatal(err)
	}
	return sink.ID()
}

// restore does what raft does after installing: it restores the snapshot of that id.
func (r *replica) restore(id string) error {
	_, source, err := r.Snapshots().Open(id)
	if err != nil {
		return err
	}
	defer source.Close()
	return r.Restore(source)
}
