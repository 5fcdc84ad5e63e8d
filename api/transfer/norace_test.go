//go:build !race

package transfer_test

const (
	// streamSize is how much the test of memory reads, in bytes.
	streamSize = 200 << 20
	// hugeCell is the size of what is much too long, in bytes.
	hugeCell = 10 << 20
)
