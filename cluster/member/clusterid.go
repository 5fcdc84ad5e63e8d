package member

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

// ErrInvalidClusterID: not 32 lower-case hex digits.
var ErrInvalidClusterID = errors.New("invalid cluster id (32 hex digits)")

// ClusterID tells clusters apart; it stands in every connection header, in gossip metadata and in snapshots. The zero value
// means "not formed".
type ClusterID [16]byte

// Founding is the id of the cluster founded by exactly these nodes. Generation is 0 at founding and raised by each recovery,
// so that what recovered never speaks with what it was recovered from. The order of ids is of no matter; they are not altered.
func Founding(ids []ID, generation uint32) ClusterID {
	sorted := slices.Sorted(slices.Values(ids))
	h := sha256.New()
	var n [4]byte
	// Every variable part has its length before it: no two sets can read as one string.
	h.Write(binary.BigEndian.AppendUint32(n[:0], uint32(len(sorted))))
	for _, id := range sorted {
		h.Write(binary.BigEndian.AppendUint32(n[:0], uint32(len(id))))
		h.Write([]byte(id))
	}
	h.Write(binary.BigEndian.AppendUint32(n[:0], generation))
	return ClusterID(h.Sum(nil)[:len(ClusterID{})])
}

// ParseClusterID reads what String wrote; it fails with ErrInvalidClusterID.
func ParseClusterID(s string) (ClusterID, error) {
	var c ClusterID
	if len(s) != hex.EncodedLen(len(c)) || !isHex(s) {
		return ClusterID{}, fmt.Errorf("%w: %.40q", ErrInvalidClusterID, s)
	}
	if _, err := hex.Decode(c[:], []byte(s)); err != nil {
		return ClusterID{}, fmt.Errorf("%w: %w", ErrInvalidClusterID, err)
	}
	return c, nil
}

// IsZero says that no cluster has been formed or joined.
func (c ClusterID) IsZero() bool { return c == ClusterID{} }

// String is 32 lower-case hex digits.
func (c ClusterID) String() string { return hex.EncodeToString(c[:]) }

// MarshalText and UnmarshalText carry the id through JSON as String writes it.
func (c ClusterID) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText fails with ErrInvalidClusterID.
func (c *ClusterID) UnmarshalText(text []byte) error {
	parsed, err := ParseClusterID(string(text))
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}
