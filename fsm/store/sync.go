package store

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Sync makes every batch committed so far durable. Safety never needs it, as the raft log replays what a crash takes; but raft
// replays only once a leader is heard, and until then a node knows no more than what its store kept.
func (s *Store) Sync() (err error) {
	g, err := s.acquire()
	if err != nil {
		return err
	}
	defer g.release()
	defer g.alarm.recoverFault(&err)
	if err := g.db.LogData(nil, pebble.Sync); err != nil {
		err = fmt.Errorf("sync the state: %w", err)
		s.failed.report(err)
		return err
	}
	return nil
}
