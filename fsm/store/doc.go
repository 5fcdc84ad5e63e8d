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
// so whoever reads the counter first and looks a link up afterwards finds every id up to it. Route does this in the
// right order, within one generation, and that is what makes a 404 without the leader possible.
//
// # Hot links
//
// Living links that were looked up lately are kept as look-ups answer them (hot.go), in front of the engine and within one
// generation. A hit takes no lock, no reference and no memory, and writes nothing that other readers need. A commit that
// edits or deletes links removes them before the engine has their new rows, and no row that was read before the commit is
// kept once it has begun: a look-up never sees less than the engine would have shown it. Only rows that change pay for it.
// The room is counted set by set, the table included; a row that is too long for a set, with a target of about 900 bytes or
// more, is left to the engine.
//
// # Indexes
//
// What follows from a living link besides its own row (derived.go): its places in indexes by creation, by owner, by tag, by the end
// of its time and by a hash of owner and target, and the numbers of links of an owner, of a tag, and of both. All of it
// changes in the batch that changes the link, is replicated, and goes into digests and streams. Verify and whoever reads a
// stream derive it anew and refuse a state whose indexes are not those of its links: one sum of hashes has to come out as zero.
//
// A batch keeps changed places aside and hands them to the engine in order when it is committed, or when Find or Due have to see
// them. List merges as many indexes as it is asked for tags, and picks the shortest that hold all it looks for; an owner's links it
// looks for among theirs alone, since where a page ends tells of all that were looked at. Its pages, and all of Find, Due, Tags and
// Total, are bounded in the rows they look at. What was deleted costs too, until the engine has compacted it: a batch passes it once
// (batch_find.go).
//
// # Who may do what
//
// API keys, users, denied hosts and reports are rows by their ids (values_access.go), few and read as they stand: by a batch as Rows,
// by readers as List. A key is found by the hash of its secret, and by its owner, through rows of its own, which are verified as the indexes are. How many
// rows of a kind there are is counted by the first batch that asks, and known from then on; that there are no denied hosts makes a
// create's look for its host cost nothing.
//
// # Visits
//
// Visits are rows by period and subject, the period first: what is old is dropped from the front, and what a node sends in one second
// lies side by side. What nodes count goes into the rows of hours. An hour that is over is added to its day, its month and the totals,
// some rows a batch and in the order of their keys; one row says how far that has come. So a batch of visits changes one row for each
// subject, and readers add what is not added yet, which is what the hour that goes on has of a subject: one row more.
// A row is never longer than visit.MaxEncoded; of what is frequent, it keeps the most.
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
//
// # Decisions
//
//   - Hot links, although a second cache in front of the engine was once measured and did not pay. That was before redirects
//     were made cheap; then a look-up in cached blocks was a third of what a redirect costs. Measured on two cores with a
//     million links: 5.4 to 5.7 µs and three allocations in the engine; 0.1 µs and none for a hit among links in the
//     processor's cache, 0.6 to 1 µs where every step is a miss of it. A look-up that finds a link cold makes two allocations
//     more, which do not show in its time.
//   - Their room is taken out of CacheBytes, so that the memory that was configured stays what it was. A quarter: with 64 MiB,
//     a million links and look-ups by Zipf's law (s = 1.2), no hot links took 3.7 µs, an eighth 1.0, a quarter 0.87 and a
//     half 0.90 (one run each). A hot link costs some 190 bytes; one in a cached block costs 70 to 150, but its cold neighbours come along.
//   - Links are removed before the engine's commit, and nothing is taken in until it is over, rather than afterwards: else
//     one reader could have seen a new row in the engine and the next one the old row here.
//   - No counters of hits: they would be all that readers share. What is left to the engine shows in the block cache's.
//   - Index blocks larger than 4 KiB (256 KiB, which saves most tables the second level of their index) made no difference
//     that could be measured to look-ups in cached blocks (4.2 to 5.4 against 4.7 to 5.3 µs), and are not set.
//   - Numbers of links have two key spaces, by owner and by tag, though a link with both changes one row more: with one, the tags of an
//     owner, or the number of a tag, would be sums over all owners.
//   - Places are sorted before the engine gets them, in a batch without an index: 1,024 plain creates at a time, with two
//     places each, took 8.4 µs a link as they came and 4.7 so, where 2.6 were needed without indexes (one machine, two cores).
//     What is left is the index by target: hashes have no neighbours, neither in the engine's memory nor in its tables.
//   - Places go into the digest by SHA-256 as all rows do. A hash made of multiplications took 35 ns a row instead of 119, with the
//     sum: 0.17 µs a create, some three in a hundred, which is not worth a weaker digest.
//   - Every living link has a place by creation, although links with generated codes are in that order by their ids: an import, a
//     code that somebody chose, and an edit of CreatedAt are not, and a list that merges both would have to pass any number of
//     tombstones and of such links without a cursor to stop at. New places lie behind all others, and cost little.
//   - A place ends with what the key of the link's row ends with, not with its code: codes of one moment have no order, so a page of
//     links that were made in bulk was read from all over the rows. Twenty of them among a million now cost what they cost among a
//     thousand (BenchmarkList), and of two links made in the same millisecond the list and Find know the older one.
//   - Find looks at 256 links at most: a bulk of creates may ask a thousand times, and every replica waits for it.
//   - There is no migration: data and streams of formats 1 and 2, with other indexes or none, were never released. Directories
//     and streams of them are refused by the format they name.
package store
