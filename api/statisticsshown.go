package api

import (
	"bytes"
	"strconv"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/visit"
)

// shown is the answer to a query in which there were parts. Orphans also say what was asked for.
func (p period) shown(parts []visit.Part, orphans bool) *v1.Statistics {
	sum := visit.Sum(parts)
	out := &v1.Statistics{
		From: v1.Time{Time: p.step.Start(p.from)}, To: v1.Time{Time: p.step.Start(p.to)}, Interval: intervals()[p.step],
		Visits: shownVisits(sum.Counts), Visitors: sum.Visitors.Estimate(), Series: make([]v1.Interval, 0, p.to-p.from),
		Referrers: p.ranking(&sum, visit.Referrer), Countries: p.ranking(&sum, visit.Country), Browsers: p.ranking(&sum, visit.Browser),
		Systems: p.ranking(&sum, visit.System), Devices: p.ranking(&sum, visit.Device), Languages: p.ranking(&sum, visit.Language),
		Statuses: p.ranking(&sum, visit.Status),
	}
	if orphans {
		codes := p.ranking(&sum, visit.Code)
		out.ShortCodes = &codes
	}
	p.each(parts, func(one v1.Interval) { out.Series = append(out.Series, one) })
	return out
}

// each calls do with every interval in order, also with those in which there were no visits.
func (p period) each(parts []visit.Part, do func(v1.Interval)) {
	for at := p.from; at < p.to; at++ {
		one := v1.Interval{Start: v1.Time{Time: p.step.Start(at)}}
		if len(parts) > 0 && parts[0].Period == at {
			one.Visits, one.Visitors = shownVisits(parts[0].Stats.Counts), parts[0].Stats.Visitors.Estimate()
			parts = parts[1:]
		}
		do(one)
	}
}

// ranking is the most frequent values of one kind.
func (p period) ranking(sum *visit.Stats, of visit.Dimension) v1.Ranking {
	top, other := sum.Lists[of].Top(p.top)
	out := v1.Ranking{Top: make([]v1.Ranked, len(top)), Other: other}
	for i, entry := range top {
		out.Top[i] = v1.Ranked{Value: entry.Value, Visits: entry.Count}
	}
	return out
}

// table is the answer as CSV: a row for each interval.
func (p period) table(parts []visit.Part) []byte {
	var out bytes.Buffer
	out.WriteString("start,total,humans,bots,visitors\n")
	p.each(parts, func(one v1.Interval) {
		line := one.Start.AppendFormat(out.AvailableBuffer(), time.RFC3339)
		for _, n := range []uint64{one.Total, one.NonBots, one.Bots, one.Visitors} {
			line = strconv.AppendUint(append(line, ','), n, 10)
		}
		out.Write(append(line, '\n'))
	})
	return out.Bytes()
}

func shownVisits(c visit.Counts) v1.Visits {
	return v1.Visits{Total: c.Total(), NonBots: c.Humans, Bots: c.Bots}
}
