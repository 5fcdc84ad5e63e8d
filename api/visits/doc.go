// Package visits records what visitors do: who follows a link tells it in passing, and goes on. Everything that takes time (what a
// browser is called, which country an address is of, how many came) is done afterwards by one goroutine, and once a second what was
// counted is sent to the cluster.
//
// # The life of a visit
//
//	Record    copies some words into one of a few buffers, whichever is free, and never waits. Texts that browsers repeat, such as a
//	          User-Agent, are not copied but looked up: a buffer holds pointers to them.
//	counter   takes the buffers every tenth of a second and adds each visit to the tallies of its link, of all links, or of visits that
//	          led nowhere. Here texts become classes, once for each text, and an address one register of a sketch.
//	sender    once a second makes tallies of what was counted, as many as one command holds. Until it knows that a command was
//	          counted it sends that one again, under the same mark, and what comes in between is counted together.
//	spool     a stop sends what is left, and keeps in a file what nobody took. The next start sends it under its old marks.
//
// A crash loses what was not committed, which is what came in about a second; where more links are visited in a second than one command
// holds (some 2,500 that few people visit), the others wait for the next seconds, and are lost with them. What a buffer has no room for is dropped, and counted as
// such.
//
// # Decisions
//
//   - No address is kept: neither in the tallies nor in the log, unless a setting asks for it there. Visitors are told apart by a hash of
//     address and User-Agent under a key that changes at midnight (UTC) and that only the cluster's nodes can derive.
//     The hash (xxHash) is fast and not a cryptographic one, and it does not leave the process: of its 64 bits a sketch
//     keeps 11 that choose a register, and how many zeros follow.
//   - A visit has the time at which it is taken out of its buffer, a tenth of a second later at most. To ask the clock for each costs a
//     tenth of what recording may cost, and nothing is shown by seconds.
//   - A program that fetches a link for a person (curl, a library) is a bot in statistics, and counts against a limit of visits: to
//     follow a link as often as one likes must not be a matter of what one calls oneself. Package redirect judges the latter.
//   - Visits of unknown codes, of ended links and of wrong passwords are orphans, with the codes asked for most. They are no
//     subjects of their own: whoever asks for random codes must not fill the disk.
package visits
