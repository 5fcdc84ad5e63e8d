package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api/v1"
)

// someStats are visits of three days: none, a few, and most of them.
func someStats() v1.Statistics {
	day := func(of int, total, bots, visitors uint64) v1.Interval {
		start := v1.Time{Time: time.Date(2030, 1, of, 0, 0, 0, 0, time.UTC)}
		return v1.Interval{Start: start, Visits: v1.Visits{Total: total, NonBots: total - bots, Bots: bots}, Visitors: visitors}
	}
	return v1.Statistics{
		ShortCode: "abc", Interval: "day", Visits: v1.Visits{Total: 2001, NonBots: 1990, Bots: 11}, Visitors: 7,
		Series:    []v1.Interval{day(1, 0, 0, 0), day(2, 1, 1, 0), day(3, 2000, 10, 7)},
		Referrers: v1.Ranking{Top: []v1.Ranked{{Value: "news.example", Visits: 1900}, {Visits: 80}, {Value: "e\x1b[2Jvil", Visits: 7}}, Other: 3},
	}
}

func TestVisitsAreDrawn(t *testing.T) {
	var out strings.Builder
	if err := writeStats(&out, someStats()); err != nil {
		t.Fatal(err)
	}
	want := "2001 visits: 1990 of people, 11 of bots; about 7 visitors\n\n" +
		"DAY         VISITS  BOTS  VISITORS\n" +
		"2030-01-01  0       0     0\n" +
		"2030-01-02  1       1     0         #\n" +
		"2030-01-03  2000    10    7         " + strings.Repeat("#", longestBar) + "\n\n" +
		"REFERRERS     VISITS\n" +
		"news.example  1900\n" +
		"-             80\n" +
		"e [2Jvil      7\n" +
		"(others)      3\n"
	lines := strings.Split(out.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	if diff := cmp.Diff(want, strings.Join(lines, "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestVisitsAreRowsOfCSV(t *testing.T) {
	var out strings.Builder
	if err := writeStatsCSV(&out, someStats()); err != nil {
		t.Fatal(err)
	}
	const want = "start,total,humans,bots,visitors\n2030-01-01T00:00:00Z,0,0,0,0\n2030-01-02T00:00:00Z,1,0,1,0\n2030-01-03T00:00:00Z,2000,1990,10,7\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestIntervalsHaveNames(t *testing.T) {
	start := v1.Time{Time: time.Date(2030, 1, 31, 13, 0, 0, 0, time.UTC)}
	for interval, want := range map[string]string{"hour": "2030-01-31 13:00", "day": "2030-01-31", "month": "2030-01"} {
		if got := intervalName(interval, start); got != want {
			t.Errorf("%s: %s, want %s", interval, got, want)
		}
	}
}
