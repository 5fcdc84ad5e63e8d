// Package partition is the second ring of tests: the program as it is shipped, in real processes on real disks and sockets, each
// node on a machine of its own (a network namespace, see package fabric), while the network between them is cut, slowed and
// spoilt, nodes are killed, paused, moved and wiped, and disks fill, stall and fail.
//
// One cluster lives through a group of faults, one after the other. Each is a row: load in calm, the fault for some seconds, the
// healing, the checks. Every operation of every client is written down, judged at once where one answer tells (a wrong redirect,
// a 404 for what was acknowledged) and as a whole, by package judge, when the cluster has ended.
//
// The rows run only when they are asked for (PARTITION_ROWS), as they take minutes; the tests of the clients and of the judging
// always run.
package partition
