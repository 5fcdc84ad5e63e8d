package store

import (
	"context"
	"fmt"
)

// verifyStep is how many rows go by between two looks at the context.
const verifyStep = 1024

// Verify goes over all rows as they stand now and says whether they decode, add up to what the position row says (their
// number, their size, their digest), and whether the indexes are those of the links. Batches go on meanwhile. ErrDamaged if not; ErrClosed; the context's error.
func (s *Store) Verify(ctx context.Context) error {
	g, err := s.acquire()
	if err != nil {
		return err
	}
	defer g.release()
	snapshot := g.db.NewSnapshot()
	defer snapshot.Close()
	state, err := loadState(snapshot, s.schema)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	c := newCensus()
	err = eachRow(snapshot, s.schema, func(key, value []byte) error {
		if c.count%verifyStep == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		return c.visit(s.schema, key, value)
	})
	if err == nil {
		err = c.compare(state.tally)
	}
	if err != nil {
		return fmt.Errorf("verify entry %d: %w", state.position.Index, err)
	}
	return nil
}
