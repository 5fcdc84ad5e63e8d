// Package member holds the words the cluster's rooms share about nodes: their ids, the cluster's id, and what gossip tells
// about each. It is a leaf: the standard library alone.
package member

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Limits of names and ids, in bytes. An id stands in certificates as a DNS name, so its labels keep to DNS's 63.
const (
	MaxName   = 56
	MaxID     = MaxName + 1 + suffixHex
	suffix    = 3 // random bytes
	suffixHex = 2 * suffix
)

var (
	// ErrInvalidName: not 1 to 56 of a-z, 0-9, '-' and '.', beginning and ending in a letter or digit.
	ErrInvalidName = errors.New("invalid node name (1 to 56 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit)")
	// ErrInvalidID: not a valid name, "-" and six lower-case hex digits.
	ErrInvalidID = errors.New("invalid node id (a name, '-' and six hex digits)")
)

// ID is what raft, certificates and every header call a node: its name plus a suffix made at its first start. A wiped disk
// makes a new suffix and so a new member, never an old voter that lost its memory. Ids are also raft's addresses.
type ID string

// NewID makes an id for a node called name, with a suffix read from rand. It fails with ErrInvalidName or rand's error.
func NewID(name string, rand io.Reader) (ID, error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	var b [suffix]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", fmt.Errorf("making a node id: %w", err)
	}
	return ID(name + "-" + hex.EncodeToString(b[:])), nil
}

// ParseID checks that s has the form NewID makes; it fails with ErrInvalidID.
func ParseID(s string) (ID, error) {
	at := len(s) - suffixHex - 1
	if at < 1 || s[at] != '-' || CheckName(s[:at]) != nil || !isHex(s[at+1:]) {
		return "", fmt.Errorf("%w: %.80q", ErrInvalidID, s)
	}
	return ID(s), nil
}

// Name is the id without its suffix: what people call the node. Of a string that is no id it is the whole string.
func (id ID) Name() string {
	if _, err := ParseID(string(id)); err != nil {
		return string(id)
	}
	return string(id[:len(id)-suffixHex-1])
}

// CheckName says whether a node may have this name; it fails with ErrInvalidName. Upper case is refused because
// certificates compare DNS names without it: two ids must never look alike to them.
func CheckName(name string) error {
	if name == "" || len(name) > MaxName || !isAlnum(name[0]) || !isAlnum(name[len(name)-1]) || strings.Contains(name, "..") {
		return fmt.Errorf("%w: %.80q", ErrInvalidName, name)
	}
	for i := range len(name) {
		if c := name[i]; !isAlnum(c) && c != '-' && c != '.' {
			return fmt.Errorf("%w: %.80q", ErrInvalidName, name)
		}
	}
	return nil
}

// isAlnum and isHex know ASCII only, and lower case only: an id has one spelling.
func isAlnum(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Status is what gossip believes about a node.
type Status uint8

const (
	// Alive: it answers, or nobody has yet found that it does not.
	Alive Status = iota
	// Failed: it stopped answering; it may come back.
	Failed
	// Left: it said goodbye.
	Left
)

// String is the status as documents and logs show it.
func (s Status) String() string {
	switch s {
	case Alive:
		return "alive"
	case Failed:
		return "failed"
	case Left:
		return "left"
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// MarshalText lets JSON and logs show the status by name.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Member is one node as gossip knows it: a value, copied freely, as old as the last message about that node.
type Member struct {
	// ID names the node for ever; Name is the human part of it.
	ID   ID
	Name string
	// Boot counts the starts of that data directory, from 1. Of two members with one id the higher boot is the real one.
	Boot uint64
	// ClusterID is the cluster the node belongs to, zero while it has formed or joined none.
	ClusterID ClusterID
	// ClusterAddr and GossipAddr are host:port to dial for the cluster plane (TLS) and for gossip.
	ClusterAddr string
	GossipAddr  string
	// HTTPURL is where users reach the node, for people and status documents; it may be empty.
	HTTPURL string
	// Version is the binary's version, for people.
	Version string
	// Zone is the failure zone the operator named, or empty. Voters are spread over zones.
	Zone string
	// Replica: the node never wants to vote.
	Replica bool
	// Status is gossip's belief, held since Since (by the local clock).
	Status Status
	Since  time.Time
	// Expect is the node's --bootstrap-expect, 0 when it only joins.
	Expect int
	// MaxClusterVersion is the highest replicated cluster version the node's binary understands.
	MaxClusterVersion uint32
}
