package fsm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/raft"

	"tinyurl/fsm/store"
)

const (
	// keptSnapshots is how many snapshots stay: the newest, and one before it for the disk that eats the newest.
	keptSnapshots = 2
	// tempPrefix begins the names of directories that are no snapshots yet, or no more. Opening removes them.
	tempPrefix = "tmp-"
)

// Snapshots is raft's snapshot store of one group. A snapshot is a directory with a manifest and either a checkpoint of the
// store (hard links, made here) or a stream (installed from another node). Directories are made under a temporary name and
// renamed when all of them is durable, so a crash leaves a snapshot whole or not at all. Safe for concurrent use.
type Snapshots struct {
	dir       string        // immutable
	clusterID [16]byte      // immutable
	options   store.Options // for opening checkpoints; immutable

	// turn is held by whoever changes the directory: it may take as long as the disk likes, and mu must not, as raft asks for
	// the anchor at every look into its log. A channel, since whoever waits for it waits for a disk.
	turn chan struct{}

	mu       sync.Mutex
	entries  []*snapshotEntry             // newest first; guarded by mu
	damaged  []string                     // names of what cannot be read, until the next snapshot replaces it; guarded by mu
	sequence uint64                       // the last one given out; guarded by mu
	readers  map[*snapshotReader]struct{} // what is being read; guarded by mu
	closed   bool                         // guarded by mu
	idle     sync.WaitGroup               // one for each reader; Add only under mu while not closed
}

var _ raft.SnapshotStore = (*Snapshots)(nil)

// snapshotEntry is one snapshot on disk.
type snapshotEntry struct {
	*manifest // immutable

	readers int  // how many read it; guarded by Snapshots.mu
	doomed  bool // out of the list, and removed when the last reader closes; guarded by Snapshots.mu

	checkpoint sharedCheckpoint // for kindCheckpoint
}

// OpenSnapshots opens the snapshots in dir, and makes dir if there is none. It removes what a crash left unfinished, so
// dir must belong to this process (the store's lock sees to it). o gives the file system, the group and the logger. A
// snapshot that cannot be read is passed over if there is a newer one that can; else it is refused: raft would believe in
// an index whose state nobody has.
func OpenSnapshots(dir string, clusterID [16]byte, o store.Options) (*Snapshots, error) {
	if o.FS == nil {
		o.FS = store.OSFS()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	// A checkpoint that turns out damaged fails whoever reads it; the live store is another matter.
	o.Fatal = func(err error) { o.Logger.Error("a snapshot is damaged", "error", err) }
	o.Registerer = nil
	s := &Snapshots{dir: dir, clusterID: clusterID, options: o, turn: make(chan struct{}, 1), readers: make(map[*snapshotReader]struct{})}
	if err := store.MakeDir(o.FS, dir); err != nil {
		return nil, fmt.Errorf("snapshots: %w", err)
	}
	names, err := o.FS.List(dir)
	if err != nil {
		return nil, fmt.Errorf("snapshots: %w", err)
	}
	slices.Sort(names)
	broken := make(map[string]error)
	for _, name := range names {
		if strings.HasPrefix(name, tempPrefix) {
			if err := o.FS.RemoveAll(s.path(name)); err != nil {
				return nil, fmt.Errorf("remove an unfinished snapshot: %w", err)
			}
			continue
		}
		if _, sequence, ok := parseSnapshotID(name); ok {
			s.sequence = max(s.sequence, sequence)
			if err := s.load(name); err != nil {
				broken[name] = err
			}
		}
	}
	return s, s.judge(broken)
}

func (s *Snapshots) path(elements ...string) string {
	return s.options.FS.PathJoin(append([]string{s.dir}, elements...)...)
}

// load reads one snapshot's manifest and looks whether its content is there.
func (s *Snapshots) load(name string) error {
	data, err := readFile(s.options.FS, s.path(name, manifestFile), maxManifest)
	if err != nil {
		return fmt.Errorf("%w: its manifest cannot be read: %w", ErrDamagedSnapshot, err)
	}
	m, err := decodeManifest(data)
	if err != nil {
		return err
	}
	if err := m.belongs(s.clusterID, s.options.Group); err != nil {
		return err
	}
	if m.ID != name {
		return fmt.Errorf("%w: its manifest is that of %s", ErrDamagedSnapshot, m.ID)
	}
	content := checkpointDir
	if m.Kind == kindStream {
		content = streamFile
	}
	info, err := s.options.FS.Stat(s.path(name, content))
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrDamagedSnapshot, err)
	case m.Kind == kindStream && info.Size() != m.Size:
		return fmt.Errorf("%w: its stream has %d bytes, not %d", ErrDamagedSnapshot, info.Size(), m.Size)
	}
	s.insert(m)
	return nil
}

// insert puts a snapshot in its place of the list. The caller holds mu, or is alone.
func (s *Snapshots) insert(m *manifest) {
	e := &snapshotEntry{manifest: m}
	at := slices.IndexFunc(s.entries, func(other *snapshotEntry) bool { return m.newer(other.manifest) })
	if at < 0 {
		at = len(s.entries)
	}
	s.entries = slices.Insert(s.entries, at, e)
}

// judge decides about snapshots that cannot be read.
func (s *Snapshots) judge(broken map[string]error) error {
	for name, reason := range broken {
		index, sequence, _ := parseSnapshotID(name)
		lost := &manifest{Sequence: sequence, Raft: raftMeta{Index: index}}
		if len(s.entries) == 0 || lost.newer(s.entries[0].manifest) || !errors.Is(reason, ErrDamagedSnapshot) {
			return fmt.Errorf("snapshot %s: %w. Nothing was changed. If this disk cannot be trusted, stop this node, remove its "+
				"data directory and start it again: it joins as a new member", s.path(name), reason)
		}
		s.options.Logger.Error("a snapshot is damaged; a newer one stands in for it", "snapshot", name, "error", reason)
		s.damaged = append(s.damaged, name)
	}
	return nil
}

// List gives the snapshots, newest first.
func (s *Snapshots) List() ([]*raft.SnapshotMeta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	metas := make([]*raft.SnapshotMeta, len(s.entries))
	for i, e := range s.entries {
		metas[i] = e.meta()
	}
	return metas, nil
}

// newest gives the newest snapshot; nil if there is none.
func (s *Snapshots) newest() *manifest {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.entries) == 0 {
		return nil
	}
	return s.entries[0].manifest
}

// Newest gives raft's index of the newest snapshot, and the index of the state in it; zeros if there is none.
func (s *Snapshots) Newest() (raftIndex, stateIndex uint64) {
	if m := s.newest(); m != nil {
		return m.Raft.Index, m.State.Index
	}
	return 0, 0
}

// Anchor names the last log entry the newest snapshot covers; zeros if there is none. An installed snapshot's is in no log.
func (s *Snapshots) Anchor() (index, term uint64) {
	if m := s.newest(); m != nil {
		return m.Raft.Index, m.Raft.Term
	}
	return 0, 0
}

// Open gives a snapshot as a stream of exactly meta.Size bytes. Any number may be open at once; one that is open is not
// reaped. Errors: ErrClosed, fs.ErrNotExist.
func (s *Snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, ErrClosed
	}
	at := slices.IndexFunc(s.entries, func(e *snapshotEntry) bool { return e.ID == id })
	if at < 0 {
		return nil, nil, fmt.Errorf("snapshot %s: %w", id, fs.ErrNotExist)
	}
	e := s.entries[at]
	r := newSnapshotReader(s, e)
	e.readers++
	s.readers[r] = struct{}{}
	s.idle.Add(1)
	go r.run()
	return e.meta(), r, nil
}

// left takes a reader off its snapshot, and removes a snapshot that only waited for it.
func (s *Snapshots) left(r *snapshotReader) {
	defer s.idle.Done()
	s.mu.Lock()
	delete(s.readers, r)
	r.entry.readers--
	last := r.entry.doomed && r.entry.readers == 0
	s.mu.Unlock()
	if last {
		s.turn <- struct{}{}
		s.remove(r.entry.ID)
		<-s.turn
	}
}

// nextTemp names a directory for a snapshot in the making.
func (s *Snapshots) nextTemp() (name string, sequence uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", 0, ErrClosed
	}
	s.sequence++
	return fmt.Sprintf("%s%d", tempPrefix, s.sequence), s.sequence, nil
}

// publish makes the finished directory temp the snapshot of m, and removes what is too many.
func (s *Snapshots) publish(temp string, m *manifest) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.over() {
		return ErrClosed
	}
	if err := s.options.FS.Rename(s.path(temp), s.path(m.ID)); err != nil {
		return fmt.Errorf("publish snapshot %s: %w", m.ID, err)
	}
	if err := store.SyncDir(s.options.FS, s.dir); err != nil {
		return fmt.Errorf("publish snapshot %s: %w", m.ID, err)
	}
	for _, name := range s.replace(m) {
		s.remove(name)
	}
	return nil
}

func (s *Snapshots) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// replace enters a new snapshot into the list, takes all but the newest off it, and names those that nobody reads any more.
// What cannot be removed is tried again at the next opening.
func (s *Snapshots) replace(m *manifest) (unread []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.insert(m)
	unread, s.damaged = s.damaged, nil
	kept := s.entries[:0]
	for i, e := range s.entries {
		if i < keptSnapshots {
			kept = append(kept, e)
			continue
		}
		e.doomed = true
		if e.readers == 0 {
			unread = append(unread, e.ID)
		}
	}
	clear(s.entries[len(kept):])
	s.entries = kept
	return unread
}

// remove removes a snapshot: first its name, so that a crash half-way leaves nothing that looks like one. The caller has its
// turn.
func (s *Snapshots) remove(name string) {
	s.mu.Lock()
	s.sequence++
	temp := s.path(fmt.Sprintf("%s%d", tempPrefix, s.sequence))
	s.mu.Unlock()
	err := s.options.FS.Rename(s.path(name), temp)
	if err == nil {
		err = store.SyncDir(s.options.FS, s.dir)
	}
	if err == nil {
		err = s.options.FS.RemoveAll(temp)
	}
	if err != nil {
		s.options.Logger.Warn("an old snapshot could not be removed", "snapshot", name, "error", err)
	}
}

// Close breaks off what is being read and closes the checkpoints. Later calls answer ErrClosed, List the last list.
func (s *Snapshots) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	for r := range s.readers {
		r.interrupt()
	}
	s.mu.Unlock()
	s.idle.Wait()
	return nil
}
