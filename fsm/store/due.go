package store

import (
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
		lower, upper := s.schema.spaceBounds(spaceDue)
		it, err := g.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
		if err != nil {
			return explain(err)
		}
		if !it.First() {
			return joinClose(it.Error(), it.Close())
		}
		at, err := spotAt(it)
		ended = err == nil && spot(at).stamp() <= last
		return joinClose(err, it.Close())
	})
	return ended, err
}
