package store

import (
	"time"

	"tinyurl/fsm/link"
)

// Position is a place in the raft log.
type Position struct {
	// Index is the index of the last entry the state contains; 0 is the empty state.
	Index uint64
	// Term is that entry's term.
	Term uint64
}

// Origin is what the state remembers of a node that proposes operations.
type Origin struct {
	// Boot is the highest boot of the node that was seen.
	Boot uint64
	// Floor is the lowest sequence of that boot whose result may still be asked for.
	Floor uint64
}

// Result is what became of one operation, in brief: enough to answer a repetition of it.
type Result struct {
	// Code is the link the operation made or changed; empty if it was refused.
	Code link.Code
	// Found says that the link was there before.
	Found bool
	// Err is why it was refused: nil or one of the sentinels of package link.
	Err error
}

// OnceHead is what the state remembers of a client's request under an Idempotency-Key.
type OnceHead struct {
	// Body is the SHA-256 of the request.
	Body [32]byte
	// Expires is the stamp from which the request is forgotten, in milliseconds.
	Expires time.Time
}

// scalars is the replicated state that is not rows: it fills the state row.
type scalars struct {
	counter link.ID
	stamp   uint64 // see stampOf
	codeKey [16]byte
	hasKey  bool
	version uint32
	links   uint64 // living links
}

// meta is the position row: everything about the state that is not part of it.
type meta struct {
	tally
	position      Position
	boundary      uint64 // the last index divisible by boundaryEvery that was passed
	boundaryValue Digest // the digest of the state as of boundary
}

// published is one committed state as readers see it. It is immutable.
type published struct {
	meta
	scalars
	codec    *link.Codec // nil until a code key is set
	stateRow []byte      // the state row's value as it stands among the rows; nil if there is none

	// What is known about the rows without looking: an unknown is the zero value, and is found out by the next batch that
	// needs it. It belongs to this one state, so it goes with a batch that is dropped and with a generation that is replaced.
	oncesDue  uint64     // no request expires before this stamp; 0 means that it is not known
	linksDue  uint64     // no living link ends before this stamp, likewise
	keysDue   uint64     // no API key ends before this stamp, likewise
	sizes     sizes      // how many rows there are of what a batch counts
	unused    gap        // ids without a link
	proposers []proposer // at most maxProposers, a node at most once; never changed in place
	chunks    []*chunk   // at most maxChunks, each at most once; never changed in place
}

// sizes are the numbers of rows of some kinds, each one more than it is: 0 means that it is not known.
type sizes struct{ keys, users, denied, reports uint64 }

// Summary describes a whole state.
type Summary struct {
	// Position is where in the log the state stands.
	Position Position
	// Digest is the state's digest.
	Digest Digest
	// Boundary is the last multiple of 4,096 the state has passed, and BoundaryDigest the digest kept there (see Store.Digest).
	Boundary       uint64
	BoundaryDigest Digest
	// Count is the number of rows.
	Count uint64
	// StreamSize is the exact length of the state as a stream, header and trailer included, in bytes.
	StreamSize uint64
}

// summary gives m in the form that is shown and sent.
func (m meta) summary() Summary {
	return Summary{
		Position:       m.position,
		Digest:         m.digest.digest(),
		Boundary:       m.boundary,
		BoundaryDigest: m.boundaryValue,
		Count:          m.count,
		StreamSize:     headerSize + m.size + trailerSize,
	}
}

// meta undoes summary.
func (s Summary) meta() meta {
	return meta{
		tally:         tally{digest: s.Digest.lanes(), count: s.Count, size: s.StreamSize - headerSize - trailerSize},
		position:      s.Position,
		boundary:      s.Boundary,
		boundaryValue: s.BoundaryDigest,
	}
}
