// Command mutations breaks the product on purpose, one fault at a time, and shows that a ring of tests notices: a ring that
// cannot fail proves nothing. It changes nothing in the tree: the broken files stand in for the real ones by the go command's
// -overlay.
//
// A mutation is a text file in testdata, a txtar archive. Its head says in "key: value" lines (an indented line goes on)
//
//	fault: what is wrong, in the product's words
//	user:  what a person would see of it
//	note:  what else should be known (optional)
//	run:   the ring that catches it (sim, scenario or partition) and the arguments of its test binary
//	also:  another ring that does, and its arguments (optional)
//	shows: a text of the output that counts in place of a violation (optional)
//
// and its sections come in pairs, "before FILE" and "after FILE": whole lines of a file, which must occur in it exactly once.
//
// A mutation is caught when the ring fails with a line that only a checker prints ("violation CHECKER after T" in ring 1). A ring that
// fails otherwise, hangs, or passes has missed it. Before the mutations of a ring with the same arguments, the unchanged
// product passes the very same run: the control.
package main
