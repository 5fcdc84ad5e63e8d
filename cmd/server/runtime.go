package server

import (
	"os"
	"runtime/debug"
)

// gcPercent lets the heap grow further between collections than Go's 100: a node's heap is small beside what it allocates,
// and collecting all the time took a fifth of the CPU.
const gcPercent = 400

// TuneRuntime applies the memory settings to the whole process. What the operator told Go itself by GOGC and GOMEMLIMIT
// stands, unless --memory-limit says otherwise.
func TuneRuntime(s MemorySettings) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if s.Limit > 0 {
		debug.SetMemoryLimit(s.Limit)
	}
}
