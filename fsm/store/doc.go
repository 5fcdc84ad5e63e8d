// Package store keeps the replicated state of one group on disk: links, the counter, what makes operations happen once, and
// the position in the raft log that all of it corresponds to. It owns the engine (Pebble), the schema, the digest, checkpoints
// and streams of the whole state. It decides nothing: which command is refused and why is package fsm's business.
//
// Two rules carry everything else:
//
//   - The raft log is the durable one. A batch commits without sync, with the position inside it: a crash loses a suffix of
//     batches, the log replays them, and nothing is ever torn.
//   - Every replicated row is part of a running digest that moves in the same batch. Two replicas at one position have equal
//     digests, or one of them is wrong.
//
// One goroutine writes (NewBatch, Checkpoint, Replace); any number read.
package store
