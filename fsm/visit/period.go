package visit

import "time"

// Hour is an hour in UTC, counted from 1970.
type Hour uint32

// Day is a day in UTC, counted from 1970.
type Day uint32

// Month is a month in UTC, counted from January 1970.
type Month uint32

// MaxHour is the last hour of the year 9999. No tally is of a later one.
const MaxHour Hour = 70389527

// HoursKept is how long visits are kept by hours.
const HoursKept = 31 * 24 * time.Hour

// HourOf is the hour of a moment; of one before 1970 it is 0, of one after MaxHour MaxHour.
func HourOf(t time.Time) Hour {
	return Hour(min(max(t.Unix(), 0)/3600, int64(MaxHour)))
}

// Start is the hour's first moment.
func (h Hour) Start() time.Time { return time.Unix(int64(h)*3600, 0).UTC() }

// Day is the day that the hour belongs to.
func (h Hour) Day() Day { return Day(h / 24) }

// DayOf is the day of a moment, bounded as HourOf is.
func DayOf(t time.Time) Day { return HourOf(t).Day() }

// Start is the day's first moment.
func (d Day) Start() time.Time { return d.First().Start() }

// First is the day's first hour.
func (d Day) First() Hour { return Hour(d) * 24 }

// Month is the month that the day belongs to.
func (d Day) Month() Month {
	t := d.Start()
	return Month((t.Year()-1970)*12 + int(t.Month()) - 1)
}

// MonthOf is the month of a moment, bounded as HourOf is.
func MonthOf(t time.Time) Month { return DayOf(t).Month() }

// Start is the month's first moment.
func (m Month) Start() time.Time {
	return time.Date(1970, 1+time.Month(m), 1, 0, 0, 0, 0, time.UTC)
}

// First is the month's first day.
func (m Month) First() Day { return DayOf(m.Start()) }
