package visit

import "time"

// Step is how long a part of an answer about visits is.
type Step uint8

// The steps.
const (
	Hourly Step = iota + 1
	Daily
	Monthly
)

// PeriodOf is the period of a step that a moment lies in.
func (s Step) PeriodOf(t time.Time) uint32 {
	switch s {
	case Hourly:
		return uint32(HourOf(t))
	case Daily:
		return uint32(DayOf(t))
	}
	return uint32(MonthOf(t))
}

// Start is the first moment of a period.
func (s Step) Start(period uint32) time.Time {
	switch s {
	case Hourly:
		return Hour(period).Start()
	case Daily:
		return Day(period).Start()
	}
	return Month(period).Start()
}

// MaxParts is the most parts of an answer: each may be a row.
const MaxParts = 1000

// Query asks for the visits of a subject.
type Query struct {
	Of Subject
	// Step is how long a part is. From and To are periods of that length: hours, days or months since 1970. To is not part of it, and
	// is no more than MaxParts behind From.
	Step     Step
	From, To uint32
}

// Valid says whether the query can be answered.
func (q Query) Valid() bool {
	return q.Step >= Hourly && q.Step <= Monthly && q.To >= q.From && q.To-q.From <= MaxParts
}

// Part is the visits of one period, which is counted as in a query.
type Part struct {
	Period uint32
	Stats  Stats
}

// Sum is the visits of all parts.
func Sum(parts []Part) Stats {
	var sum Stats
	for _, p := range parts {
		sum = sum.Merge(p.Stats)
	}
	return sum
}
