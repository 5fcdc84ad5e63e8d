package fsm

import (
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/raft"

	"tinyurl/fsm/store"
)

// errSinkClosed: the sink was closed or cancelled before.
var errSinkClosed = errors.New("snapshot sink is closed")

// Create begins a snapshot at raft's index. What is written to the sink is kept as a stream; the state machine's own
// snapshots hand it a checkpoint instead. Nothing is there before Close.
func (s *Snapshots) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration,
	configurationIndex uint64, _ raft.Transport,
) (raft.SnapshotSink, error) {
	if version != 1 {
		return nil, fmt.Errorf("snapshot version %d is not supported", version)
	}
	temp, sequence, err := s.nextTemp()
	if err != nil {
		return nil, err
	}
	return &sink{snapshots: s, temp: temp, manifest: manifest{
		ID: snapshotID(term, index, sequence), Sequence: sequence,
		Group: s.options.Group, ClusterID: hex.EncodeToString(s.clusterID[:]),
		Raft: raftMeta{
			Version: version, Index: index, Term: term,
			Configuration: configuration.Clone(), ConfigurationIndex: configurationIndex,
		},
	}}, nil
}

// sink is a snapshot in the making. It belongs to one goroutine at a time, as raft has it; the mutex only makes Close and
// Cancel safe to repeat.
type sink struct {
	snapshots *Snapshots

	mu       sync.Mutex
	temp     string     // the directory it is made in; guarded by mu
	manifest manifest   // guarded by mu
	file     streamSink // the stream, once something was written; guarded by mu
	buf      []byte     // what was written last; guarded by mu
	done     bool       // closed or cancelled; guarded by mu
	err      error      // what Close answered; guarded by mu
}

var _ raft.SnapshotSink = (*sink)(nil)

// streamSink is the part of a file that a stream needs.
type streamSink interface {
	Write(p []byte) (int, error)
	Sync() error
	Close() error
}

// ID names the snapshot.
func (k *sink) ID() string { return k.manifest.ID }

// Write appends to the stream.
func (k *sink) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.done || k.manifest.Kind == kindCheckpoint {
		return 0, errSinkClosed
	}
	s := k.snapshots
	if k.file == nil {
		if err := store.MakeDir(s.options.FS, s.path(k.temp)); err != nil {
			return 0, err
		}
		f, err := s.options.FS.Create(s.path(k.temp, streamFile), "snapshot")
		if err != nil {
			return 0, err
		}
		k.file, k.manifest.Kind = f, kindStream
	}
	// The file system may change what it is given; a Writer must not.
	k.buf = append(k.buf[:0], p...)
	n, err := k.file.Write(k.buf)
	k.manifest.Size += int64(n)
	return n, err
}

// adopt takes over a checkpoint in temp, with what it holds: from now on the sink removes it or publishes it.
func (k *sink) adopt(temp string, summary store.Summary) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.done || k.manifest.Kind != "" {
		return errSinkClosed
	}
	k.temp = temp
	k.manifest.Kind = kindCheckpoint
	k.manifest.Size = int64(summary.StreamSize)
	k.contains(summary)
	return nil
}

// contains notes what state the snapshot holds.
func (k *sink) contains(summary store.Summary) {
	k.manifest.State = stateMeta{
		Index: summary.Position.Index, Term: summary.Position.Term, Digest: summary.Digest.String(),
	}
}

// Close makes the snapshot durable and visible. Raft calls it twice; the second call repeats the first one's answer. After
// an error nothing is left of the snapshot.
func (k *sink) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.done {
		return k.err
	}
	k.done = true
	if k.err = k.finish(); k.err != nil {
		k.err = errors.Join(k.err, k.discard())
	}
	return k.err
}

// finish does the work of Close.
func (k *sink) finish() error {
	s := k.snapshots
	switch k.manifest.Kind {
	case "":
		return errors.New("snapshot is empty")
	case kindStream:
		if err := k.finishStream(); err != nil {
			return err
		}
	}
	// Raft's index may be above the state's (no-ops), never below: whoever starts from this snapshot would hold entries its
	// log has not reached.
	if k.manifest.State.Index > k.manifest.Raft.Index {
		return fmt.Errorf("%w: the state is at %d, the snapshot at %d", ErrCatchingUp, k.manifest.State.Index, k.manifest.Raft.Index)
	}
	// Raft takes index, term and configuration from what it installs, and would go back to those of an older one.
	if newest, _ := s.Anchor(); k.manifest.Kind == kindStream && newest > k.manifest.Raft.Index {
		return fmt.Errorf("%w: it ends at %d, the newest here at %d", ErrOldSnapshot, k.manifest.Raft.Index, newest)
	}
	data, err := k.manifest.encode()
	if err != nil {
		return err
	}
	if err := writeFile(s.options.FS, s.path(k.temp, manifestFile), data); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	if err := store.SyncDir(s.options.FS, s.path(k.temp)); err != nil {
		return err
	}
	m := k.manifest
	return s.publish(k.temp, &m)
}

// finishStream makes the stream durable and checks all of it: once published it is what a restart relies on, and a damaged
// one could not be told from a node whose state is lost.
func (k *sink) finishStream() error {
	s := k.snapshots
	err := errors.Join(k.file.Sync(), k.file.Close())
	k.file = nil
	if err != nil {
		return fmt.Errorf("write the stream: %w", err)
	}
	f, err := s.options.FS.Open(s.path(k.temp, streamFile))
	if err != nil {
		return err
	}
	header, err := store.CheckStream(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("check the stream: %w", err)
	}
	if header.Group != s.options.Group || header.ClusterID != s.clusterID {
		return fmt.Errorf("%w: it is of cluster %x, group %d", ErrForeign, header.ClusterID, header.Group)
	}
	if uint64(k.manifest.Size) != header.StreamSize {
		return fmt.Errorf("%w: its stream has %d bytes, not %d", ErrDamagedSnapshot, k.manifest.Size, header.StreamSize)
	}
	k.contains(header.Summary)
	return nil
}

// Cancel gives the snapshot up. After Close it does nothing.
func (k *sink) Cancel() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.done {
		return nil
	}
	k.done, k.err = true, errSinkClosed
	return k.discard()
}

// discard removes what was made so far.
func (k *sink) discard() error {
	var err error
	if k.file != nil {
		err = k.file.Close()
		k.file = nil
	}
	return errors.Join(err, k.snapshots.options.FS.RemoveAll(k.snapshots.path(k.temp)))
}
