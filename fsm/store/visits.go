package store

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/visit"
)

// Visits gives the visits of a subject, in order, without periods that saw none. Visits are there as soon as they were counted.
//
// Errors: ErrMisuse for a query that is not valid. ErrClosed; the context's error. Anything else is a failing
// disk or damage, and Options.Fatal knows of it.
func (s *Store) Visits(ctx context.Context, q visit.Query) (parts []visit.Part, err error) {
	if !q.Valid() {
		return nil, fmt.Errorf("%w: visits from %d to %d by step %d", ErrMisuse, q.From, q.To, q.Step)
	}
	err = s.readUntil(ctx, func(g *generation) error {
		at := g.db.NewSnapshot()
		v := visitReader{at: at, schema: s.schema, of: q.Of}
		parts, err = v.parts(ctx, q)
		return joinClose(err, at.Close())
	})
	if err != nil {
		return nil, err
	}
	return parts, nil
}

// VisitTotals gives the number of all visits of each subject there ever were.
//
// Errors: ErrClosed; the context's error. Anything else is a failing disk or damage, and Options.Fatal knows of it.
func (s *Store) VisitTotals(ctx context.Context, of []visit.Subject) (totals []visit.Counts, err error) {
	err = s.readUntil(ctx, func(g *generation) error {
		at := g.db.NewSnapshot()
		v := visitReader{at: at, schema: s.schema}
		totals, err = v.totals(ctx, of)
		return joinClose(err, at.Close())
	})
	if err != nil {
		return nil, err
	}
	return totals, nil
}

// VisitsDue says whether there are hours before end to be added to their days, or rows that are not kept any more. Errors are those of
// Lookup.
func (s *Store) VisitsDue(end visit.Hour, kept VisitsKept) (due bool, err error) {
	err = s.read(func(g *generation) error {
		v := visitReader{at: g.db, schema: s.schema}
		done, err := v.rolled()
		if err != nil {
			return err
		}
		if done.hour < end {
			due, err = v.any(s.schema.behindRolled(done), s.schema.visitedFrom(spaceVisitHours, uint32(end)))
			if due || err != nil {
				return err
			}
		}
		kept.Hour = min(kept.Hour, done.hour)
		return kept.each(func(space byte, first uint32) error {
			old, err := v.any(s.schema.prefix(nil, space), s.schema.visitedFrom(space, first))
			due = due || old
			return err
		})
	})
	return due, err
}

// VisitMark reads which visits of a node were counted last; the zero VisitMark if none were. Errors are those of Lookup.
func (s *Store) VisitMark(node string) (m VisitMark, err error) {
	err = s.read(func(g *generation) error {
		value, err := readEngine(g.db, s.schema.visitMark(nil, node))
		if err != nil || value == nil {
			return err
		}
		m, err = decodeVisitMark(value)
		return err
	})
	return m, err
}

// visitReader reads the visits of one state.
type visitReader struct {
	at     pebble.Reader
	schema schema
	of     visit.Subject
	key    []byte // room for keys
}

// any says whether there is a row from lower up to upper.
func (v *visitReader) any(lower, upper []byte) (bool, error) {
	it, err := v.at.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return false, explain(err)
	}
	found := it.First()
	return found, joinClose(it.Error(), it.Close())
}

func (v *visitReader) rolled() (rolled, error) {
	value, err := readEngine(v.at, v.schema.visitRolled(nil))
	if err != nil || value == nil {
		return rolled{}, err
	}
	return decodeRolled(value)
}

// parts answers a query: rows as they are, and on top of days and months the hours that were not yet added to them.
func (v *visitReader) parts(ctx context.Context, q visit.Query) ([]visit.Part, error) {
	open, err := v.openHours(ctx, q)
	if err != nil {
		return nil, err
	}
	space := map[visit.Step]byte{visit.Hourly: spaceVisitHours, visit.Daily: spaceVisitDays, visit.Monthly: spaceVisitMonths}[q.Step]
	var parts []visit.Part
	for period := q.From; period < q.To; period++ {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		v.key = v.schema.visited(v.key[:0], space, period, v.of)
		value, err := readEngine(v.at, v.key)
		if err != nil {
			return nil, err
		}
		stats, added := open[period]
		if value != nil {
			row, err := decodeStats(value)
			if err != nil {
				return nil, err
			}
			stats, added = row.Merge(stats), true
		}
		if added {
			parts = append(parts, visit.Part{Period: period, Stats: stats})
		}
	}
	return parts, nil
}

// openHours gives the sums of hours that were not yet added to days, by the query's periods. Asked by hours there is nothing to add.
func (v *visitReader) openHours(ctx context.Context, q visit.Query) (map[uint32]visit.Stats, error) {
	if q.Step == visit.Hourly {
		return nil, nil
	}
	sums := make(map[uint32]visit.Stats)
	err := v.eachOpen(ctx, func(hour visit.Hour, value []byte) error {
		stats, err := decodeStats(value)
		if err != nil {
			return err
		}
		period := uint32(hour.Day())
		if q.Step == visit.Monthly {
			period = uint32(hour.Day().Month())
		}
		sums[period] = sums[period].Merge(stats)
		return nil
	})
	return sums, err
}

// eachOpen calls do with every hour of the subject that was not yet added to its day. They are few: the one that it is, and mostly none
// but that.
func (v *visitReader) eachOpen(ctx context.Context, do func(hour visit.Hour, value []byte) error) (err error) {
	done, err := v.rolled()
	if err != nil {
		return err
	}
	_, upper := v.schema.spaceBounds(spaceVisitHours)
	it, err := v.at.NewIter(&pebble.IterOptions{LowerBound: v.schema.behindRolled(done), UpperBound: upper})
	if err != nil {
		return explain(err)
	}
	defer func() { err = joinClose(err, it.Close()) }()
	for hour := done.hour; ; {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		v.key = v.schema.visited(v.key[:0], spaceVisitHours, uint32(hour), v.of)
		if !it.SeekGE(v.key) {
			return it.Error()
		}
		found, of, err := cutVisited(it.Key())
		if err != nil {
			return err
		}
		if visit.Hour(found) == hour && of == v.of {
			value, err := it.ValueAndErr()
			if err != nil {
				return err
			}
			if err := do(hour, value); err != nil {
				return err
			}
		}
		// Of the hours between this one and the row's there is nothing; of the row's hour there may be, if it came before its turn.
		hour = max(hour+1, visit.Hour(found))
	}
}

func (v *visitReader) totals(ctx context.Context, of []visit.Subject) ([]visit.Counts, error) {
	totals := make([]visit.Counts, len(of))
	for i, subject := range of {
		v.of = subject
		value, err := readEngine(v.at, v.schema.visitTotal(nil, subject))
		if err != nil {
			return nil, err
		}
		if value != nil {
			if totals[i], err = decodeCounts(value); err != nil {
				return nil, err
			}
		}
		err = v.eachOpen(ctx, func(_ visit.Hour, value []byte) error {
			stats, err := decodeStats(value)
			totals[i] = totals[i].Plus(stats.Counts)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return totals, nil
}
