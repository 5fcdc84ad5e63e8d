//go:build race

package transfer_test

// The race detector makes every byte dear.
const (
	// streamSize is how much the test of memory reads, in bytes.
	streamSize = 8 << 20
	// hugeCell is the size of what is much too long, in bytes.
	hugeCell = 2 << 20
)
