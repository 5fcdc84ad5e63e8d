package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"tinyurl/api/v1"
)

// longestBar is the length of the longest bar of a chart, in columns.
const longestBar = 40

// writeStats prints visits for people: sums, a bar for each interval, and the rankings that are not empty.
func writeStats(w io.Writer, s v1.Statistics) error {
	fmt.Fprintf(w, "%d visits: %d of people, %d of bots; about %d visitors\n\n", s.Visits.Total, s.Visits.NonBots, s.Visits.Bots, s.Visitors)
	aligned := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(aligned, strings.ToUpper(cell(s.Interval))+"\tVISITS\tBOTS\tVISITORS\t")
	most := uint64(0)
	for _, one := range s.Series {
		most = max(most, one.Total)
	}
	for _, one := range s.Series {
		fmt.Fprintf(aligned, "%s\t%d\t%d\t%d\t%s\n", intervalName(s.Interval, one.Start), one.Total, one.Bots, one.Visitors, bar(one.Total, most))
	}
	if err := aligned.Flush(); err != nil {
		return err
	}
	for _, list := range []struct {
		name string
		of   *v1.Ranking
	}{
		{"CODES", s.ShortCodes},
		{"REFERRERS", &s.Referrers},
		{"COUNTRIES", &s.Countries},
		{"BROWSERS", &s.Browsers},
		{"SYSTEMS", &s.Systems},
		{"DEVICES", &s.Devices},
		{"LANGUAGES", &s.Languages},
		{"STATUSES", &s.Statuses},
	} {
		if err := writeRanking(w, list.name, list.of); err != nil {
			return err
		}
	}
	return nil
}

// bar is a number of visits as a bar: visible if there were any, and of full length for the most.
func bar(n, most uint64) string {
	if n == 0 {
		return ""
	}
	return strings.Repeat("#", max(1, int(float64(n)/float64(most)*longestBar)))
}

// intervalName is when an interval begins, as exactly as its length asks for.
func intervalName(interval string, start v1.Time) string {
	layout := map[string]string{"hour": "2006-01-02 15:04", "month": "2006-01"}[interval]
	if layout == "" {
		layout = time.DateOnly
	}
	return start.UTC().Format(layout)
}

// writeRanking prints the most frequent values; nothing if there are none.
func writeRanking(w io.Writer, name string, of *v1.Ranking) error {
	if of == nil || len(of.Top) == 0 && of.Other == 0 {
		return nil
	}
	aligned := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(aligned, "\n%s\tVISITS\n", name)
	for _, one := range of.Top {
		fmt.Fprintf(aligned, "%s\t%d\n", cell(one.Value), one.Visits)
	}
	if of.Other > 0 {
		fmt.Fprintf(aligned, "(others)\t%d\n", of.Other)
	}
	return aligned.Flush()
}

// writeStatsCSV prints a row for each interval.
func writeStatsCSV(w io.Writer, s v1.Statistics) error {
	rows := csv.NewWriter(w)
	all := [][]string{{"start", "total", "humans", "bots", "visitors"}}
	for _, one := range s.Series {
		row := []string{moment(one.Start)}
		for _, n := range []uint64{one.Total, one.NonBots, one.Bots, one.Visitors} {
			row = append(row, strconv.FormatUint(n, 10))
		}
		all = append(all, row)
	}
	return rows.WriteAll(all)
}
