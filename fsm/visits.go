package fsm

import (
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/store"
	"tinyurl/fsm/visit"
)

// countVisits counts what a node has counted, unless that was done before.
func (e *entry) countVisits(c command.Visits) error {
	mark := store.VisitMark{Boot: c.Boot, Sequence: c.Sequence}
	last, found, err := e.batch.VisitMark(c.Node)
	if err != nil || found && !last.Before(mark) {
		return err
	}
	tallies, err := c.Parse()
	if err != nil {
		return err
	}
	// A clock that is ahead must not reserve hours that others have not got to.
	latest := visit.HourOf(e.stamp.Add(time.Hour))
	for _, t := range tallies {
		t.Hour = min(t.Hour, latest)
		if err := e.batch.AddVisits(t); err != nil {
			return err
		}
	}
	return e.batch.PutVisitMark(c.Node, mark)
}

// VisitsKept says from when on visits are kept at a moment, where days are kept for so long.
func VisitsKept(now time.Time, days uint32) store.VisitsKept {
	first := visit.DayOf(now.AddDate(0, 0, -int(days)))
	return store.VisitsKept{Hour: visit.HourOf(now.Add(-visit.HoursKept)), Day: first, Month: first.Month()}
}

// rollVisits adds hours that are over, and drops what is old, in an entry no more than one roll may.
func (e *entry) rollVisits(c command.Roll) error {
	left := min(int(c.Limit), command.MaxRolled-e.rolled)
	n, err := e.batch.RollVisits(visit.HourOf(e.stamp), left)
	if err != nil {
		return err
	}
	dropped, err := e.batch.AgeVisits(VisitsKept(e.stamp, c.KeptDays), left-n)
	e.rolled += n + dropped
	return err
}
