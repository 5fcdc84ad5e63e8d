package sim

import (
	"fmt"
	"strings"
	"testing"
)

// pieces of dumps.
const (
	dumpHead    = "fatal error: virtual time stands still\ngoroutine 5 [running]:\ntinyurl/test/sim.watch(0x1)\n\n"
	dumpWaiter  = "goroutine %d [sync.Mutex.Lock, synctest bubble 1]:\ninternal/sync.runtime_SemacquireMutex(0x0?)\n\t/go/sema.go:1\ninternal/sync.(*Mutex).lockSlow(%s)\nsync.(*Mutex).Lock(...)\n%s\ncreated by somebody in goroutine %d\n\t/x.go:1\n\n"
	dumpHolder  = "goroutine %d [chan receive (durable), synctest bubble 1]:\ntinyurl/test/sim/disk.(*gate).pass(0x1)\ntinyurl/test/sim/disk.(*file).Sync(0x1)\n%s\ncreated by somebody in goroutine 7\n\n"
	granter     = "github.com/cockroachdb/pebble/v2.(*DB).GetWaitingCompaction(0xdb1)\ngithub.com/cockroachdb/pebble/v2.(*ConcurrencyLimitScheduler).periodicGranter(0x2)"
	opener      = "github.com/cockroachdb/pebble/v2.Open({0x1, 0x2})\ntinyurl/fsm/store.Open()"
	rotator     = "github.com/cockroachdb/pebble/v2.(*DB).rotateWAL(0xdb1)"
	logWriter   = "github.com/cockroachdb/pebble/v2/record.(*LogWriter).flushLoop(0x1)"
	applier     = "tinyurl/fsm.(*FSM).ApplyBatch(0x1)\ngithub.com/hashicorp/raft.(*Raft).runFSM(0x2)"
	intoListing = "tinyurl/fsm/store.(*listener).Event(0x1)\ngithub.com/cockroachdb/pebble/v2.(*DB).flush(0xdb1)"
)

func waiter(id int, mutex, frames string, parent int) string {
	return fmt.Sprintf(dumpWaiter, id, mutex, frames, parent)
}

func holding(id int, frames string) string { return fmt.Sprintf(dumpHolder, id, frames) }

// A disk excuses only whoever waits for a lock that somebody at this disk holds.
func TestOnlyAnEnginesLockMayHoldUpTheTime(t *testing.T) {
	for name, c := range map[string]struct {
		dump    string
		accused int
	}{
		"an engine that opens":                        {waiter(11, "0xa", granter, 10) + holding(10, opener), 0},
		"two wait, one through a parent that is gone": {waiter(11, "0xa", granter, 10) + waiter(14, "0xa", granter, 12) + holding(10, opener), 0},
		"the same engine by its address":              {waiter(11, "0xa", granter, 3) + holding(20, rotator), 0},
		"the product's lock beside a disk":            {waiter(11, "0xa", applier, 10) + holding(10, opener), 1},
		"a lock of the product inside the engine":     {waiter(11, "0xa", intoListing, 10) + holding(10, opener), 1},
		"an engine's lock and the product's":          {waiter(11, "0xa", granter, 10) + waiter(12, "0xb", applier, 10) + holding(10, opener), 1},
		"another engine's disk":                       {waiter(11, "0xa", granter, 3) + holding(10, opener), 1},
		"a disk under no lock":                        {waiter(11, "0xa", granter, 10) + holding(10, logWriter), 1},
		"no disk at all":                              {waiter(11, "0xa", granter, 10), 1},
		"one that computes":                           {"goroutine 9 [runnable, synctest bubble 1]:\ntinyurl/cluster.spin()\n\n" + holding(10, opener), 1},
		"nobody":                                      {holding(10, opener), 1},
	} {
		if got := standsStill(dumpHead + c.dump); len(got) != c.accused {
			t.Errorf("%s: accused are %d, want %d:\n%s", name, len(got), c.accused, strings.Join(got, "\n"))
		}
	}
}
