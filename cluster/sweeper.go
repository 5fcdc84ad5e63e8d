package cluster

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

const (
	// sweepEvery is the time between two looks for links that ended long ago. An end is kept for a month: minutes do not matter.
	sweepEvery = 10 * time.Minute
	// sweepPause is the time between two commands of one sweep, so that it never keeps others from writing.
	sweepPause = 100 * time.Millisecond
)

// sweeper has the leader delete links that ended long ago, a few at a time.
type sweeper struct {
	// ended says whether there are links that ended before a moment.
	ended func(before time.Time) (bool, error)
	// propose puts a command through the log.
	propose func(ctx context.Context, c command.Command) (command.Result, error)
	// stamp is the leader's stamp of the last entry.
	stamp func() time.Time
	log   *slog.Logger
}

// run sweeps until ctx ends.
func (s *sweeper) run(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		s.sweep(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// sweep deletes all that is due.
func (s *sweeper) sweep(ctx context.Context) {
	pause := time.NewTicker(sweepPause)
	defer pause.Stop()
	for ctx.Err() == nil {
		due, err := s.ended(s.stamp().Add(-link.ExpiredKept))
		if err == nil && due {
			_, err = s.propose(ctx, command.Sweep{Limit: command.MaxSwept})
		}
		if err != nil && !errors.Is(err, link.ErrNoLeader) && ctx.Err() == nil {
			s.log.Warn("links that ended long ago could not be deleted, will try again", "error", err)
		}
		if err != nil || !due {
			return
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
}
