// Package sim lives hours of a cluster's life in virtual time, with hardly a calm minute in them, and judges every answer.
//
// # What is real and what is not
//
// Each life is a world of its own in a testing/synctest bubble: three or five founders and a spare, every one a cluster.Node as the
// program opens it, with the real state machine, Pebble store, raft, transport, proposer, reads, gossip, forming and node-to-node RPC
// over real TLS. Simulated are the network (sim/wire), the disks (sim/disk: a crash loses what was not synced), the clocks, and the
// machines under the nodes. The HTTP layer is not part of it: clients call the node. A process that stands still is simulated by its
// network and its clients only, as nothing can stop a goroutine; package partition stops real ones.
//
// A life begins when the founders have founded a cluster. Clients (workload.go) make, follow, get, edit and delete links through nodes
// by chance, race for slugs, try again under idempotency keys, and follow everywhere at once what was just acknowledged. Links with a
// limit are visited by several at once (limits.go). API keys are made, revoked, and used on all nodes at the moments between
// (keys.go, which asks a node as cmd/server does for a request with a key). Every process counts the redirects it answers and tells the
// cluster each second, as the program does beside its node (visits.go): in the end all nodes must have counted as many visits as there
// were, but for what died untold with processes, which is known to the visit (visits). Meanwhile the
// nemesis (nemesis.go, faults_*.go) goes through a plan (plan.go) made from the seed before anything happens. In the end all is healed;
// every node must take writes soon, all must become one healthy cluster with the same of everything, all must close, leave no goroutine
// behind, and hold the same rows. Package judge judges the history. What the world itself sees go wrong is a violation as well: a node
// that stops without cause (fatal), refuses to start on a disk that works (start), does not close (close), answers with an error that no
// healthy node has, or about another link (answer), or not at all when all is healed (unanswered); a cluster that does not come to rest
// (quiet), or never does one kind of operation (never).
//
// # How hours are counted
//
// A virtual hour is an hour on the clocks of a cluster while its clients work: from the first write after the founding until every
// node has taken a write after the last healing. The founding, the quiet and the reading at the end do not count. Heartbeats are the
// product's own or twice as long; what costs most while nothing happens is slower than in production: a follower learns of a commit
// up to half a second late when nothing else is sent, which is also what shows stale reads.
//
// # Seeds
//
// A seed names the plan, the clients' choices, the network's and the disks' chances, all randomness the nodes ask for, and the random
// bytes of crypto/rand. It does not name a schedule: which of several goroutines that can run at one virtual instant runs first is
// up to the Go scheduler, as are the choices of select statements with several ready cases, the order of maps, and math/rand/v2's global
// functions (gossip and raft's election time-outs use such). Lives run with one processor and without asynchronous preemption, which
// keeps schedules close, not equal: two runs of a seed take the same plan through lives that differ after the first seconds. So
// a violation comes back with its seed often, not always; that is why the history of a failed life is written down, with what the nodes
// said, before anything else is tried.
//
// A life whose virtual time stands still is a violation (still), unless all that hold up the time wait for a lock of an engine whose
// holder is seen waiting for its disk (stands.go); such a life is broken off and counted apart.
//
// # Running
//
//	go test -tags nomsgpack ./test/sim                                        a few short lives
//	go test -tags nomsgpack ./test/sim -args -sim.hours 100                    lives until there are 100 hours
//	go test -tags nomsgpack ./test/sim -args -sim.seeds 7 -sim.verbose         one seed again, with every word of every node
//
// The last line is "N virtual hours, M operations, V violations", and the exit code is 1 if V is not 0, or if less was
// lived than asked for (a budget may end a run sooner), or if more than one life, and one of twenty, was broken off. What a failed life leaves in -sim.out
// is read with go run ./test/check <directory>/history.jsonl.
package sim
