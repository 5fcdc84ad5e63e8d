package cluster

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// chore is something old that the leader has put away by commands, a little with each, so that every replica does the same.
type chore struct {
	// every is the time between two looks; pause the one between two commands, so that a chore never keeps others from writing.
	every, pause time.Duration
	// due says whether there is something to do.
	due func() (bool, error)
	// does is the command that does a part of it.
	does command.Command
	// propose puts a command through the log.
	propose propose
	// undone is what is said when it could not be done.
	undone string
	log    *slog.Logger
}

// propose puts a command of the cluster's own through the log; a refusal is its error.
type propose func(ctx context.Context, c command.Command) (command.Result, error)

// run looks again and again, until ctx ends.
func (c *chore) run(ctx context.Context) {
	ticker := time.NewTicker(c.every)
	defer ticker.Stop()
	for {
		c.finish(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// finish does all that is due. What fails is left for the next look.
func (c *chore) finish(ctx context.Context) {
	pause := time.NewTicker(c.pause)
	defer pause.Stop()
	for ctx.Err() == nil {
		due, err := c.due()
		if err == nil && due {
			_, err = c.propose(ctx, c.does)
		}
		if err != nil && !errors.Is(err, link.ErrNoLeader) && ctx.Err() == nil {
			c.log.Warn(c.undone+", will try again", "error", err)
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
