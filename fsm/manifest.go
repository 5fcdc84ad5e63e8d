package fsm

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/hashicorp/raft"
)

// Names in the directory of one snapshot.
const (
	manifestFile   = "MANIFEST"
	checkpointDir  = "checkpoint"
	streamFile     = "stream"
	manifestFormat = 1
	maxManifest    = 1 << 20 // bytes; the configuration is its only part that grows
)

// Kinds of snapshots.
const (
	kindCheckpoint = "checkpoint" // hard links to the store's files, made here; streamed when somebody asks
	kindStream     = "stream"     // one file, kept as it came from another node
)

// errNewerManifest: the manifest's format is not known here.
var errNewerManifest = errors.New("written by a newer version: upgrade this node")

// manifest says what a snapshot is. It is written last and synced: a directory without it is no snapshot.
type manifest struct {
	ID string `json:"id"`
	// Sequence tells snapshots at one index apart: the higher is the newer.
	Sequence  uint64    `json:"sequence"`
	Kind      string    `json:"kind"`
	Group     uint32    `json:"group"`
	ClusterID string    `json:"clusterId"` // hexadecimal
	Raft      raftMeta  `json:"raft"`
	State     stateMeta `json:"state"`
	// Size is the exact length of the stream, in bytes.
	Size int64 `json:"size"`
}

// raftMeta is what raft wants back of a snapshot.
type raftMeta struct {
	Version            raft.SnapshotVersion `json:"version"`
	Index              uint64               `json:"index"`
	Term               uint64               `json:"term"`
	Configuration      raft.Configuration   `json:"configuration"`
	ConfigurationIndex uint64               `json:"configurationIndex"`
}

// stateMeta is what the snapshot holds. Its index is the one a restart compares with: raft's own counts no-ops, which the
// state never sees.
type stateMeta struct {
	Index  uint64 `json:"index"`
	Term   uint64 `json:"term"`
	Digest string `json:"digest"`
}

// newer reports whether m comes before other in a list.
func (m *manifest) newer(other *manifest) bool {
	if m.Raft.Index != other.Raft.Index {
		return m.Raft.Index > other.Raft.Index
	}
	return m.Sequence > other.Sequence
}

// meta is m for raft.
func (m *manifest) meta() *raft.SnapshotMeta {
	return &raft.SnapshotMeta{
		Version: m.Raft.Version, ID: m.ID, Index: m.Raft.Index, Term: m.Raft.Term,
		Configuration: m.Raft.Configuration.Clone(), ConfigurationIndex: m.Raft.ConfigurationIndex, Size: m.Size,
	}
}

// belongs refuses a snapshot of another cluster or group.
func (m *manifest) belongs(clusterID [16]byte, group uint32) error {
	if m.ClusterID != hex.EncodeToString(clusterID[:]) || m.Group != group {
		return fmt.Errorf("%w: it is of cluster %s, group %d", ErrForeign, m.ClusterID, m.Group)
	}
	return nil
}

// snapshotID names a snapshot; the index and the sequence can be read from it when the manifest cannot.
func snapshotID(term, index, sequence uint64) string {
	return fmt.Sprintf("%d-%d-%d", term, index, sequence)
}

// parseSnapshotID undoes snapshotID.
func parseSnapshotID(name string) (index, sequence uint64, ok bool) {
	var term uint64
	n, err := fmt.Sscanf(name, "%d-%d-%d", &term, &index, &sequence)
	return index, sequence, n == 3 && err == nil && snapshotID(term, index, sequence) == name
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode gives a line with the format and the CRC-32C of what follows, and the manifest as JSON.
func (m *manifest) encode() ([]byte, error) {
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	head := fmt.Sprintf("tinyurl snapshot %d %08x\n", manifestFormat, crc32.Checksum(body, castagnoli))
	return append([]byte(head), body...), nil
}

// decodeManifest undoes encode.
func decodeManifest(data []byte) (*manifest, error) {
	head, body, _ := bytes.Cut(data, []byte("\n"))
	var format, crc uint32
	if _, err := fmt.Sscanf(string(head), "tinyurl snapshot %d %x", &format, &crc); err != nil {
		return nil, fmt.Errorf("%w: its manifest does not begin like one", ErrDamagedSnapshot)
	}
	if format > manifestFormat {
		return nil, fmt.Errorf("manifest format %d: %w", format, errNewerManifest)
	}
	if crc32.Checksum(body, castagnoli) != crc {
		return nil, fmt.Errorf("%w: its manifest's checksum is wrong", ErrDamagedSnapshot)
	}
	m := &manifest{}
	if err := json.Unmarshal(body, m); err != nil {
		return nil, fmt.Errorf("%w: its manifest: %w", ErrDamagedSnapshot, err)
	}
	return m, nil
}
