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
		v := visitReader{at: at, schema: s.schema}
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
	open, err := v.openSums(ctx, q)
	if err != nil {
		return nil, err
	}
	space := map[visit.Step]byte{visit.Hourly: spaceVisitHours, visit.Daily: spaceVisitDays, visit.Monthly: spaceVisitMonths}[q.Step]
	var parts []visit.Part
	for period := q.From; period < q.To; period++ {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		v.key = v.schema.visited(v.key[:0], space, period, q.Of)
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

// openSums gives the sums of hours that were not yet added to days, by the query's periods. Asked by hours there is nothing to add.
func (v *visitReader) openSums(ctx context.Context, q visit.Query) (sums map[uint32]visit.Stats, err error) {
	if q.Step == visit.Hourly {
		return nil, nil
	}
	open, err := v.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = joinClose(err, open.close()) }()
	sums = make(map[uint32]visit.Stats)
	return sums, open.each(ctx, q.Of, func(hour visit.Hour, s visit.Stats) {
		period := q.Step.PeriodOf(hour.Start())
		sums[period] = sums[period].Merge(s)
	})
}

// openHours are the rows of hours that were not yet added to their days. Of a subject they are few: that of the hour that it is, and
// mostly none but that.
type openHours struct {
	schema schema
	done   rolled
	it     *pebble.Iterator
	key    []byte // room for keys
}

// open gives the rows of hours that were not yet added. They must be closed.
func (v *visitReader) open() (*openHours, error) {
	done, err := v.rolled()
	if err != nil {
		return nil, err
	}
	_, upper := v.schema.spaceBounds(spaceVisitHours)
	it, err := v.at.NewIter(&pebble.IterOptions{LowerBound: v.schema.behindRolled(done), UpperBound: upper})
	if err != nil {
		return nil, explain(err)
	}
	return &openHours{schema: v.schema, done: done, it: it}, nil
}

func (o *openHours) close() error { return o.it.Close() }

// each calls do with every hour of a subject.
func (o *openHours) each(ctx context.Context, of visit.Subject, do func(hour visit.Hour, s visit.Stats)) error {
	for hour := o.done.hour; ; {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		o.key = o.schema.visited(o.key[:0], spaceVisitHours, uint32(hour), of)
		if !o.it.SeekGE(o.key) {
			return o.it.Error()
		}
		found, subject, err := cutVisited(o.it.Key())
		if err != nil {
			return err
		}
		if visit.Hour(found) == hour && subject == of {
			t, err := tallyAt(o.it)
			if err != nil {
				return err
			}
			do(hour, t.Stats)
		}
		// Of the hours between this one and the row's there is nothing; of the row's hour there may be, if it came before its turn.
		hour = max(hour+1, visit.Hour(found))
	}
}

func (v *visitReader) totals(ctx context.Context, of []visit.Subject) (totals []visit.Counts, err error) {
	open, err := v.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = joinClose(err, open.close()) }()
	totals = make([]visit.Counts, len(of))
	for i, subject := range of {
		v.key = v.schema.visitTotal(v.key[:0], subject)
		value, err := readEngine(v.at, v.key)
		if err != nil {
			return nil, err
		}
		if value != nil {
			if totals[i], err = decodeCounts(value); err != nil {
				return nil, err
			}
		}
		if err := open.each(ctx, subject, func(_ visit.Hour, s visit.Stats) { totals[i] = totals[i].Plus(s.Counts) }); err != nil {
			return nil, err
		}
	}
	return totals, nil
}
