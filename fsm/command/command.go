// Package command owns what goes through the raft log and what comes back: the commands and their answers as domain
// values, their protobuf encoding, its limits, and the codes by which errors keep their identity between nodes. It knows
// neither raft nor the store.
package command

import (
	"time"

	"tinyurl/fsm/command/commandpb"
	"tinyurl/fsm/link"
)

// Limits of one batch and of one entry: what is above is refused by every encoder and decoder.
const (
	// MaxOperations is the most operations in a batch, and in all batches of an entry together.
	MaxOperations = 1024
	// MaxBytes is the longest encoded batch, in bytes. An entry may be longer by its envelope (MaxEntryBytes).
	MaxBytes = 256 << 10
	// MaxEntryBytes is the longest encoded entry: MaxBytes of batches and what holds them together.
	MaxEntryBytes = MaxBytes + 8<<10
	// MaxNode is the longest node name of an origin, in bytes.
	MaxNode = 255
)

// MaxTime is the last moment that can be written in RFC 3339; stamps and validity times do not pass it.
var MaxTime = time.Date(9999, 12, 31, 23, 59, 59, int(999*time.Millisecond), time.UTC)

// Entry is one entry of the raft log: the batches of one or more nodes, applied in order under one stamp.
type Entry struct {
	// Time is the leader's stamp, in UTC with milliseconds, from 1970 to MaxTime.
	Time    time.Time
	Batches []Batch
}

// Batch is what one node proposes at once.
type Batch struct {
	Origin Origin
	// Floor is the lowest sequence of this boot that the origin has not finished with: results below it are forgotten,
	// operations below it refused.
	Floor      uint64
	Operations []Operation
}

// Origin is one run of one node. Boot grows with every start of the node.
type Origin struct {
	Node string // 1 to MaxNode bytes
	Boot uint64
}

// Operation is a command under the identity {origin, sequence}: sent again it is answered as it was the first time.
type Operation struct {
	Sequence uint64
	Command  Command
	// Actor is the id of the API key that asks, which must hold when the command is applied; empty for the root key's holder and
	// for the cluster itself.
	Actor string
}

// MaxActor is the longest Actor, in bytes.
const MaxActor = 64

// Command is what an operation does. Each kind has a file.
type Command interface {
	// toWire puts the command into its operation.
	toWire(*commandpb.Operation)
	// size is at least what the command takes on the wire, its frame aside, in bytes.
	size() int
}

// limited is a command that could hold what no decoder takes, so that it has to be checked before it is encoded: in the log it
// would stop every replica.
type limited interface {
	check() error
}

// Result answers one operation. Err is nil, ErrStale or one of the link package's sentinels, and then nothing changed.
type Result struct {
	// Link is what a create, an edit or a consume made of the link; the zero Link otherwise.
	Link link.Link
	// Found says that a create gave a link that was there before.
	Found bool
	Err   error
}
