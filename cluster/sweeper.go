package cluster

import (
	"log/slog"
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

const (
	// sweepEvery is the time between two looks for links that ended long ago. An end is kept for a month: minutes do not matter.
	sweepEvery = 10 * time.Minute
	// sweepPause is the time between two commands of one sweep.
	sweepPause = 100 * time.Millisecond
)

// newSweeper deletes links that ended long ago. ended says whether there are links that ended before a moment; stamp is the leader's of
// the last entry.
func newSweeper(ended func(before time.Time) (bool, error), stamp func() time.Time, through propose, log *slog.Logger) chore {
	return chore{
		every: sweepEvery, pause: sweepPause,
		due:     func() (bool, error) { return ended(stamp().Add(-link.ExpiredKept)) },
		does:    command.Sweep{Limit: command.MaxSwept},
		propose: through, log: log,
		undone: "links that ended long ago could not be deleted",
	}
}
