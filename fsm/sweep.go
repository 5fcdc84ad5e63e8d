package fsm

import (
	"fmt"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// sweepExpired deletes links that ended long ago, in an entry no more than one sweep may: whatever else is in the entry, the
// readers of a replica wait for it.
func (e *entry) sweepExpired(c command.Sweep) error {
	codes, err := e.batch.Due(e.stamp.Add(-link.ExpiredKept), min(int(c.Limit), command.MaxSwept-e.swept))
	if err != nil {
		return err
	}
	e.swept += len(codes)
	for _, code := range codes {
		if err := e.end(code); err != nil {
			return fmt.Errorf("sweep %q: %w", code, err)
		}
	}
	return nil
}
