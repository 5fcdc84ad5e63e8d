package cluster

import (
	"context"
	"log/slog"
	"time"
)

const (
	// slowCheck is how often the writes and applies under way are looked at.
	slowCheck = 100 * time.Millisecond
	// slowQuiet is the least time between two warnings.
	slowQuiet = 10 * time.Second
)

// slowness warns of a disk that is too slow for the heartbeats: they wait behind a follower's log writes and applies, so one that
// takes a third of a heartbeat's time-out is a warning, and a few in a row an election.
type slowness struct {
	limit time.Duration
	now   func() time.Time
	log   *slog.Logger
	// what is under way, by name, since when; zero when nothing is.
	underWay map[string]func() time.Time

	said time.Time // owned by run
}

func (s *slowness) run(ctx context.Context) {
	ticker := time.NewTicker(slowCheck)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.look()
		case <-ctx.Done():
			return
		}
	}
}

// look warns of the first thing that takes too long, now and then; it reports whether it warned.
func (s *slowness) look() bool {
	for what, since := range s.underWay {
		began := since()
		if began.IsZero() || s.now().Sub(began) < s.limit || s.now().Sub(s.said) < slowQuiet {
			continue
		}
		s.said = s.now()
		s.log.Warn("the disk is slow for the heartbeats", "what", what, "under_way", s.now().Sub(began), "limit", s.limit)
		return true
	}
	return false
}
