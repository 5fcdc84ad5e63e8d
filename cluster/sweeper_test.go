package cluster

import (
	"log/slog"
	"testing"
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

func TestASweepDeletesAllThatIsDueAndWaits(t *testing.T) {
	testChore(t, command.MaxSwept, func(c command.Command) int { return int(c.(command.Sweep).Limit) },
		func(p *pile, log *slog.Logger) chore {
			ended := func(before time.Time) (bool, error) {
				if !before.Equal(time.Now().Add(-link.ExpiredKept)) {
					t.Errorf("asked for links that ended before %v", before)
				}
				return p.due()
			}
			return newSweeper(ended, time.Now, p.propose, log)
		})
}
