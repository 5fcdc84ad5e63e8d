package api

import (
	"strconv"
	"time"

	"tinyurl/fsm/link"
	"tinyurl/fsm/visit"
)

const (
	// usualPeriod is how long back visits are told of if nobody says from when.
	usualPeriod = 30 * 24 * time.Hour
	// usualTop and maxTop are how many values a ranking has if nobody asks for another number, and at most.
	usualTop = 10
	maxTop   = 50
)

// Query parameters of what tells of visits.
const (
	sinceParameter    = "from"
	untilParameter    = "to"
	intervalParameter = "interval"
	topParameter      = "top"
)

func periodQuery() []parameter {
	return single(sinceParameter, untilParameter, intervalParameter, topParameter, "format", consistency)
}

// period is what is asked of visits: of which intervals, and how they are to be shown.
type period struct {
	step     visit.Step
	from, to uint32 // to is not part of it
	top      int
	csv      bool
	local    bool
}

// periodOf reads the query.
func (o *statisticsCalls) periodOf(c *call) (p period, err error) {
	if p.csv, err = either(c, "format", "json", "csv"); err != nil {
		return p, err
	}
	if p.local, err = localOf(c); err != nil {
		return p, err
	}
	if p.top, err = numberOf(c, topParameter, usualTop, 1, maxTop); err != nil {
		return p, err
	}
	if p.step, err = stepOf(c); err != nil {
		return p, err
	}
	to, err := boundOf(c, untilParameter, o.now(), 24*time.Hour)
	if err != nil {
		return p, err
	}
	from, err := boundOf(c, sinceParameter, to.Add(-usualPeriod), 0)
	if err != nil {
		return p, err
	}
	if !from.Before(to) {
		return p, invalid(link.ErrInvalidField, "from must be before to, which is now if it is not given", sinceParameter, untilParameter)
	}
	p.from, p.to = p.step.PeriodOf(from), p.step.PeriodOf(to)
	if p.step.Start(p.to).Before(to) {
		p.to++
	}
	if p.to-p.from > visit.MaxParts {
		detail := "from and to may be " + strconv.Itoa(visit.MaxParts) + " intervals apart at most"
		return p, invalid(link.ErrInvalidField, detail, sinceParameter, untilParameter)
	}
	return p, nil
}

// intervals are the names of steps.
func intervals() map[visit.Step]string {
	return map[visit.Step]string{visit.Hourly: "hour", visit.Daily: "day", visit.Monthly: "month"}
}

// stepOf reads how long an interval is.
func stepOf(c *call) (visit.Step, error) {
	if !c.query.Has(intervalParameter) {
		return visit.Daily, nil
	}
	for step, name := range intervals() {
		if c.query.Get(intervalParameter) == name {
			return step, nil
		}
	}
	return 0, invalid(link.ErrInvalidField, "interval must be hour, day or month", intervalParameter)
}

// Years of moments that can be asked for: those that periods are counted from, and those whose next month can still be written.
const (
	firstYear = 1970
	lastYear  = 9998
)

// boundOf reads a moment, or a day in UTC: its beginning, and what is added to that.
func boundOf(c *call, name string, usual time.Time, added time.Duration) (time.Time, error) {
	if !c.query.Has(name) {
		return usual, nil
	}
	text := c.query.Get(name)
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		added = 0
		t, err = time.Parse(time.RFC3339, text)
	}
	if t = t.UTC(); err != nil || t.Year() < firstYear || t.Year() > lastYear {
		detail := name + " must be a day such as 2030-01-31, or a moment such as 2030-01-31T12:00:00Z, of the years 1970 to 9998"
		return t, invalid(link.ErrInvalidField, detail, name)
	}
	return t.Add(added), nil
}
