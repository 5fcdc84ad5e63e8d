// Package store keeps the replicated state of one group on disk: links, the counter, what makes operations happen once, and
// the position in the raft log that all of it corresponds to. It owns the engine (Pebble), the schema, the digest,
// checkpoints and streams of the whole state. It decides nothing: which command is refused and why is package fsm's business.
//
// Two rules carry everything else:
//
//   - The raft log is the durable one. A batch commits without sync, with the position inside it: a crash loses a suffix of
//     batches, the log replays them, and nothing is ever torn.
//   - Every replicated row is part of a running digest that moves in the same batch. Two replicas at one position have equal
//     digests, or one of them is wrong.
//
// One goroutine writes (NewBatch, Checkpoint, Replace); any number read.
//
// # What readers see
//
// A commit publishes one immutable value: position, counter, stamp, codec, digest. It does so after the rows are readable,
// so whoever reads the counter first and looks a link up afterwards finds every id up to it. LookupProven does this in the
// right order, within one generation, and that is what makes a 404 without the leader possible.
//
// # Generations
//
// The directory holds one live generation, a directory of the engine's own, which CURRENT names:
//
//	CURRENT         the format, the live generation, a checksum
//	CURRENT.tmp     the next CURRENT, until it is renamed
//	FIRST           nothing here was ever published: a first Open that crashed may begin again
//	LOCK            held while the store is open
//	000001/         a generation
//	000002.load/    tables of a generation that a stream is being made into
//
// Replace builds a generation aside, syncs it, renames CURRENT and syncs the directory; then it points readers to the new
// generation. The old one is closed and removed when its last reader is gone. Whatever a crash leaves beside CURRENT and the
// generation it names is removed by the next Open. Data without CURRENT and without FIRST is refused: somebody lost a file,
// and to begin anew would forget links.
//
// # The digest at a boundary
//
// Replicas compare digests at multiples of 4,096 of the log index. Entries that raft keeps to itself never get here, and a
// boundary may be one of them, so what is kept is the digest as it stood before the first entry past the boundary. It is
// taken in Advance, in the middle of a batch if need be: how entries were cut into batches makes no difference.
//
// # When the engine fails
//
// A failed write, a full disk and damage are reported to Options.Fatal once, and from then on nothing is applied. The engine
// answers some of these by panicking, maybe with its locks held; where that happens under a method of this package, the
// panic becomes the method's error, and the engine is left alone, unclosed, until the process ends. In the engine's own
// goroutines it ends the process. After damage, look-ups are refused as well; after a full disk they go on.
package store
