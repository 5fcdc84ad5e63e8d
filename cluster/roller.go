package cluster

import (
	"log/slog"
	"time"

	"tinyurl/fsm"
	"tinyurl/fsm/command"
	"tinyurl/fsm/store"
	"tinyurl/fsm/visit"
)

const (
	// rollEvery is the time between two looks for visits of hours that are over. Until they are added readers add them up themselves, hour
	// by hour: that is not to last, and a look that finds nothing reads only a few rows.
	rollEvery = time.Minute
	// rollPause is the time between two commands of one run. At the turn of an hour there is a row for each link that was visited in it:
	// a million of them take less than four minutes.
	rollPause = 50 * time.Millisecond
)

// newRoller adds visits of hours that are over to their days, months and totals, and drops those that are older than days. due says
// whether there are such before the end of hours, or older than is kept; stamp is the leader's of the last entry.
func newRoller(
	due func(end visit.Hour, kept store.VisitsKept) (bool, error), stamp func() time.Time, days uint32, through propose, log *slog.Logger,
) chore {
	return chore{
		every: rollEvery, pause: rollPause,
		due: func() (bool, error) {
			now := stamp()
			return due(visit.HourOf(now), fsm.VisitsKept(now, days))
		},
		does:    command.Roll{Limit: command.MaxRolled, KeptDays: days},
		propose: through, log: log,
		undone: "visits of hours that are over could not be added to their days",
	}
}
