package store

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/visit"
)

// VisitMark reads which visits of a node were counted last.
func (b *Batch) VisitMark(node string) (m VisitMark, found bool, err error) {
	if err := b.usable(); err != nil {
		return m, false, err
	}
	if node == "" || len(node) > maxNode {
		return m, false, b.fail(fmt.Errorf("%w: a node's name of %d bytes", ErrMisuse, len(node)))
	}
	row, err := b.get(b.store.schema.visitMark(b.key[:0], node))
	if err != nil || row == nil {
		return m, false, err
	}
	if m, err = decodeVisitMark(row); err != nil {
		return m, false, b.fail(err)
	}
	return m, true, nil
}

// PutVisitMark notes which visits of a node were counted last. That it does not move on is ErrMisuse.
func (b *Batch) PutVisitMark(node string, m VisitMark) error {
	if err := b.changeable(); err != nil {
		return err
	}
	last, found, err := b.VisitMark(node)
	if err != nil {
		return err
	}
	if found && !last.Before(m) {
		return b.fail(fmt.Errorf("%w: the mark of visits moves from %v to %v", ErrMisuse, last, m))
	}
	b.key = b.store.schema.visitMark(b.key[:0], node)
	return b.set(b.key, encodeVisitMark(nil, m))
}

// AddVisits counts visits of a subject in an hour, at once wherever that hour was added before.
func (b *Batch) AddVisits(t visit.Tally) error {
	if err := b.changeable(); err != nil {
		return err
	}
	if t.Hour > visit.MaxHour {
		return b.fail(fmt.Errorf("%w: visits in hour %d", ErrMisuse, t.Hour))
	}
	done, err := b.rolledVisits()
	if err != nil {
		return err
	}
	if err := b.mergeVisits(spaceVisitHours, uint32(t.Hour), t.Subject, t.Stats); err != nil {
		return err
	}
	if !done.covers(t.Hour, t.Subject) {
		return nil
	}
	return b.rollUp(t)
}

// rolledVisits is how far hours were added to what is above them.
func (b *Batch) rolledVisits() (rolled, error) {
	row, err := b.get(b.store.schema.visitRolled(b.key[:0]))
	if err != nil || row == nil {
		return rolled{}, err
	}
	r, err := decodeRolled(row)
	if err != nil {
		return rolled{}, b.fail(err)
	}
	return r, nil
}

// mergeVisits adds to a row of a space.
func (b *Batch) mergeVisits(space byte, period uint32, of visit.Subject, s visit.Stats) error {
	b.key = b.store.schema.visited(b.key[:0], space, period, of)
	old, err := b.get(b.key)
	if err != nil {
		return err
	}
	if old != nil {
		before, err := decodeStats(old)
		if err != nil {
			return b.fail(err)
		}
		s = before.Merge(s)
	}
	b.value = encodeStats(b.value[:0], s)
	return b.replace(b.key, old, b.value)
}

// rollUp adds an hour's visits to its day, its month and the total.
func (b *Batch) rollUp(t visit.Tally) error {
	day := t.Hour.Day()
	if err := b.mergeVisits(spaceVisitDays, uint32(day), t.Subject, t.Stats); err != nil {
		return err
	}
	if err := b.mergeVisits(spaceVisitMonths, uint32(day.Month()), t.Subject, t.Stats); err != nil {
		return err
	}
	b.key = b.store.schema.visitTotal(b.key[:0], t.Subject)
	old, err := b.get(b.key)
	if err != nil {
		return err
	}
	total := t.Stats.Counts
	if old != nil {
		before, err := decodeCounts(old)
		if err != nil {
			return b.fail(err)
		}
		total = total.Plus(before)
	}
	b.value = encodeCounts(b.value[:0], total)
	return b.replace(b.key, old, b.value)
}

// RollVisits adds hours before end, at most limit rows of them and the oldest first, to their days, months and totals. It gives how
// many it added.
func (b *Batch) RollVisits(end visit.Hour, limit int) (int, error) {
	if err := b.changeable(); err != nil {
		return 0, err
	}
	done, err := b.rolledVisits()
	if err != nil || done.hour >= end {
		return 0, err
	}
	due, all, err := b.visitsToRoll(done, end, limit)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	for _, t := range due {
		if err := b.rollUp(t); err != nil {
			return 0, err
		}
	}
	done = rolled{hour: due[len(due)-1].Hour, last: due[len(due)-1].Subject}
	if all {
		done = rolled{hour: end}
	}
	b.key = b.store.schema.visitRolled(b.key[:0])
	return len(due), b.set(b.key, encodeRolled(nil, done))
}

// visitsToRoll reads the rows behind done and before end, limit at most; all says that there are no more.
func (b *Batch) visitsToRoll(done rolled, end visit.Hour, limit int) (due []visit.Tally, all bool, err error) {
	s := b.store.schema
	it, err := b.rows.NewIter(&pebble.IterOptions{
		LowerBound: s.behindRolled(done), UpperBound: s.visitedFrom(spaceVisitHours, uint32(end)),
	})
	if err != nil {
		return nil, false, b.fail(err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if len(due) == limit {
			return due, false, nil
		}
		t, err := tallyAt(it)
		if err != nil {
			return nil, false, b.fail(err)
		}
		due = append(due, t)
	}
	if err := it.Error(); err != nil {
		return nil, false, b.fail(err)
	}
	return due, true, nil
}

// tallyAt reads the row of an hour that an iterator stands on.
func tallyAt(it *pebble.Iterator) (visit.Tally, error) {
	period, of, err := cutVisited(it.Key())
	if err != nil {
		return visit.Tally{}, err
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return visit.Tally{}, err
	}
	stats, err := decodeStats(value)
	return visit.Tally{Hour: visit.Hour(period), Subject: of, Stats: stats}, err
}

// visitedFrom is the first key of a space that can be of a period.
func (s schema) visitedFrom(space byte, period uint32) []byte {
	key := s.visited(nil, space, period, visit.Subject{})
	return key[:len(key)-1]
}

// behindRolled is the first key of an hour's row that was not added.
func (s schema) behindRolled(done rolled) []byte {
	if done.last == (visit.Subject{}) {
		return s.visitedFrom(spaceVisitHours, uint32(done.hour))
	}
	return append(s.visited(nil, spaceVisitHours, uint32(done.hour), done.last), 0)
}

// VisitsKept says from when on visits are kept, by their periods. Totals are kept for ever.
type VisitsKept struct {
	Hour  visit.Hour
	Day   visit.Day
	Month visit.Month
}

// each calls do with every space and the first period of it that is kept.
func (k VisitsKept) each(do func(space byte, first uint32) error) error {
	for _, e := range []struct {
		space byte
		first uint32
	}{{spaceVisitHours, uint32(k.Hour)}, {spaceVisitDays, uint32(k.Day)}, {spaceVisitMonths, uint32(k.Month)}} {
		if err := do(e.space, e.first); err != nil {
			return err
		}
	}
	return nil
}

// AgeVisits drops rows of periods that are not kept, at most limit and the oldest first, and gives how many. Hours that were not yet
// added to their days stay.
func (b *Batch) AgeVisits(kept VisitsKept, limit int) (n int, err error) {
	if err := b.changeable(); err != nil {
		return 0, err
	}
	done, err := b.rolledVisits()
	if err != nil {
		return 0, err
	}
	kept.Hour = min(kept.Hour, done.hour)
	err = kept.each(func(space byte, first uint32) error {
		dropped, err := b.dropOld(space, first, limit-n)
		n += dropped
		return err
	})
	return n, err
}

// dropOld drops rows of periods before first.
func (b *Batch) dropOld(space byte, first uint32, limit int) (n int, err error) {
	it, err := b.rows.NewIter(&pebble.IterOptions{
		LowerBound: b.store.schema.prefix(nil, space), UpperBound: b.store.schema.visitedFrom(space, first),
	})
	if err != nil {
		return 0, b.fail(err)
	}
	defer it.Close()
	for ok := it.First(); ok && n < limit; ok = it.Next() {
		if err := b.dropAt(it); err != nil {
			return n, err
		}
		n++
	}
	if err := it.Error(); err != nil {
		return n, b.fail(err)
	}
	return n, nil
}
