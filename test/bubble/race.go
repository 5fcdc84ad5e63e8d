//go:build race

package bubble

// raced tells that the race detector is in the program.
const raced = true
