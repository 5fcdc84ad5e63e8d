package judge

import (
	"fmt"
	"strings"
)

// checkHealing: after the last fault was undone every node accepts writes again, soon, and when all is closed nothing is left.
func checkHealing(t *trial) {
	run := t.h.Run
	switch {
	case len(t.h.Faults) == 0:
	case run.HealedStamp == 0:
		t.lack("the run does not say that its faults were undone")
	case run.WritableAfter < 0:
		t.accuse("", "a node accepted no write any more after the faults were undone")
	case run.WritableAfter > t.options.Writable:
		t.accuse("", fmt.Sprintf("a node accepted its first write %v after the faults were undone, want at most %v", run.WritableAfter, t.options.Writable))
	}
	if len(run.Leaks) > 0 {
		t.accuse("", fmt.Sprintf("%d things were left when all nodes were closed: %s", len(run.Leaks), strings.Join(run.Leaks, "; ")))
	}
}
