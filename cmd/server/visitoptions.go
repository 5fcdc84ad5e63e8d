package server

import (
	"fmt"
	"strconv"
	"strings"

	"tinyurl/api/visits/eventlog"
	"tinyurl/fsm/command"
)

// visitOptions say what is kept of visits.
func visitOptions() []option {
	return []option{
		{
			"record-visits", "count visits for the statistics; visits of links with a limit are counted in any case", toggle, "true",
			setToggle(func(s *Settings) *bool { return &s.Visits.Record }),
		},
		{"visits-retention", "how long visits are kept by days and months; by hours it is 31 days, totals are kept for ever", text, "400d", setRetention},
		{
			"geoip-db", "database of countries in the MaxMind DB format, for the statistics; SIGHUP reads it again", text, "",
			setText(func(s *Settings) *string { return &s.Visits.GeoIP }, checkSet),
		},
		{
			"visit-log", "file that gets a line of JSON for each visit; SIGHUP opens it again", text, "",
			setText(func(s *Settings) *string { return &s.Visits.Log }, checkSet),
		},
		{
			"visit-log-size", "size at which the visit log is renamed to .1, .2, and so on", text, "100MiB",
			setBytes(func(s *Settings) *int64 { return &s.Visits.LogBytes }, eventlog.LeastBytes),
		},
		{"visit-log-files", "how many renamed visit logs are kept", text, "10", setVisitLogFiles},
		{
			"visit-log-addresses", "write the visitors' addresses into the visit log; they are kept nowhere else", toggle, "false",
			setToggle(func(s *Settings) *bool { return &s.Visits.LogAddresses }),
		},
	}
}

func setRetention(s *Settings, v string) error {
	days, err := strconv.ParseUint(strings.TrimSuffix(v, "d"), 10, 32)
	if err != nil || !strings.HasSuffix(v, "d") || days < 1 || days > command.MaxVisitDays {
		return fmt.Errorf("%q is not a number of days from 1d to %dd", v, command.MaxVisitDays)
	}
	s.Visits.Kept = uint32(days)
	return nil
}

func setVisitLogFiles(s *Settings, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > eventlog.MostFiles {
		return fmt.Errorf("%q is not a number of files from 1 to %d", v, eventlog.MostFiles)
	}
	s.Visits.LogFiles = n
	return nil
}
