package forming

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"tinyurl/cluster/member"
)

// state of a node's record.
type state string

const (
	free      state = ""          // bound to nothing
	promised  state = "promised"  // bound to another node's attempt
	proposing state = "proposing" // bound to an attempt of its own, undecided
	formed    state = "formed"    // the attempt founded a cluster: final
)

// record is what a node keeps about its promise: at most one, ever.
type record struct {
	State    state    `json:"state"`
	Proposal Proposal `json:"proposal"` // of every state but free
}

// recordFormat is the format of the file.
const recordFormat = 1

// errRecord: what the store holds was not written by this package.
var errRecord = errors.New("the promise is damaged, or of a newer version")

// envelope is the file: the record and its CRC32C. A flipped bit in an attempt
// id would have the node ask about an attempt nobody knows, and so lose its
// promise.
type envelope struct {
	Format int             `json:"format"`
	Record json.RawMessage `json:"record"`
	Sum    uint32          `json:"sum"`
}

func sum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func (r record) encode() ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return json.Marshal(envelope{Format: recordFormat, Record: b, Sum: sum(b)})
}

// decodeRecord reads what encode wrote; nothing at all is a free record.
func decodeRecord(data []byte) (record, error) {
	if len(data) == 0 {
		return record{}, nil
	}
	var e envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return record{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	if e.Format != recordFormat {
		return record{}, fmt.Errorf("%w: format %d", errRecord, e.Format)
	}
	if e.Sum != sum(e.Record) {
		return record{}, fmt.Errorf("%w: the checksum does not match", errRecord)
	}
	var r record
	if err := json.Unmarshal(e.Record, &r); err != nil {
		return record{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	switch r.State {
	case free:
		return record{}, nil
	case promised, proposing, formed:
		return r, r.Proposal.check()
	}
	return record{}, fmt.Errorf("%w: state %q", errRecord, r.State)
}

// errProposal refuses a proposal no Former makes.
var errProposal = errors.New("malformed proposal")

const (
	maxSet     = 1024
	maxAttempt = 64
)

// check refuses a proposal no Former makes.
func (p Proposal) check() error {
	if len(p.Set) == 0 || len(p.Set) > maxSet || p.Attempt == "" || len(p.Attempt) > maxAttempt {
		return fmt.Errorf("%w: %d nodes, attempt of %d bytes", errProposal, len(p.Set), len(p.Attempt))
	}
	for i, id := range p.Set {
		if id == "" || len(id) > member.MaxID || i > 0 && p.Set[i-1] >= id {
			return fmt.Errorf("%w: the set is not sorted", errProposal)
		}
	}
	return nil
}

// clone returns a copy that shares nothing with p.
func (p Proposal) clone() Proposal {
	p.Set = slices.Clone(p.Set)
	return p
}
