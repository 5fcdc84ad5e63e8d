package server

import (
	"os"
	"runtime/debug"
)

// TuneRuntime applies the memory settings to the whole process. What the operator told Go itself by GOGC and GOMEMLIMIT
// stands, unless --memory-limit says otherwise.
func TuneRuntime(s MemorySettings) {
	if os.Getenv("GOGC") == "" {
		startCollector(setGCPercent)
	}
	if s.Limit > 0 {
		debug.SetMemoryLimit(s.Limit)
	}
}
