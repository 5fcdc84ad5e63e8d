// Package harness runs whole clusters for tests: real processes of the binary, or nodes inside the test's own process, behind
// one type. Beside them it has what a test under faults needs: a Load that creates links and writes down every one that was
// acknowledged (Ledger), a Watch that follows them all the while, and Verify, which judges every node in the end.
//
// The checkers know nothing of nodes but Endpoint, so that their own tests can put a server that lies behind them.
package harness
