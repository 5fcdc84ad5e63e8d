package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Ended says whether there is a living link that ended at before or earlier. Errors are those of Lookup.
func (s *Store) Ended(before time.Time) (ended bool, err error) {
	if before.UnixMilli() < 0 {
		return false, nil
	}
	last, err := stampOf(before)
	if err != nil {
		return false, err
	}
	err = s.read(func(g *generation) error {
		prefix := s.schema.due(nil)
		it, err := g.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
		if err != nil {
			return explain(err)
		}
		if it.First() {
			stamp, _, ok := cutIndex(it.Key())
			if !ok {
				return errors.Join(fmt.Errorf("%w: an index key of %d bytes", ErrDamaged, len(it.Key())), it.Close())
			}
			ended = stamp <= last
		}
		return errors.Join(it.Error(), it.Close())
	})
	return ended, err
}
