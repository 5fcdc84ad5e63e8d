package transfer

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"tinyurl/fsm/link"
)

// layouts are the spellings of a time, most usual first. Those without an offset mean UTC.
var layouts = [...]string{
	time.RFC3339, // a fraction of the second is taken wherever there are seconds
	time.DateTime,
	"2006-01-02T15:04:05-0700",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05 -0700",
	"2006-01-02 15:04",
	time.DateOnly,
}

const (
	// zeroDate is how MySQL writes that there is no time.
	zeroDate = "0000-00-00"
	// firstMilli is the least number that means milliseconds: as seconds it would be in the year 5138.
	firstMilli = 100_000_000_000
	// lastTime is the end of the year 9999, in milliseconds: RFC 3339 goes no further.
	lastTime = 253_402_300_799_999
)

// parseTime reads a time in one of layouts, or in seconds or milliseconds since 1970. Empty, 0 and MySQL's zero date mean that
// there is none: the zero time.
func parseTime(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	if s == "" || strings.HasPrefix(s, zeroDate) {
		return time.Time{}, nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return unixTime(n)
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return checkTime(t)
		}
	}
	return time.Time{}, fault("a time is in no known form")
}

// unixTime reads seconds or milliseconds since 1970; 0 is no time.
func unixTime(n int64) (time.Time, error) {
	switch {
	case n == 0:
		return time.Time{}, nil
	case n < 0 || n > lastTime:
		return time.Time{}, outOfYears
	case n < firstMilli:
		return time.Unix(n, 0).UTC(), nil
	default:
		return time.UnixMilli(n).UTC(), nil
	}
}

const outOfYears = fault("a time must be of the years 1970 to 9999")

// checkTime gives a time as links hold it.
func checkTime(t time.Time) (time.Time, error) {
	ms := t.UnixMilli()
	if ms < 0 || ms > lastTime {
		return time.Time{}, outOfYears
	}
	return time.UnixMilli(ms).UTC(), nil
}

// parseCount reads how many; empty means none.
func parseCount(s string) (uint64, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > link.MaxVisitLimit {
		return 0, faultf("a count is not a whole number of 0 to %d", int64(link.MaxVisitLimit))
	}
	return n, nil
}

// parseBool reads yes and no as spreadsheets and programs write them.
func parseBool(s string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "1", "yes":
		return true, nil
	case "false", "0", "no":
		return false, nil
	}
	return false, fault("a flag is neither true nor false")
}

// parseRedirect reads a redirect status; empty and 0 mean the default.
func parseRedirect(s string) (link.Redirect, error) {
	n, err := parseCount(s)
	if err != nil || n > 999 {
		return 0, badRedirect
	}
	return redirectOf(int(n))
}

const badRedirect = fault("a redirect status is 301, 302, 307 or 308")

func redirectOf(status int) (link.Redirect, error) {
	if status == 0 {
		return 0, nil
	}
	redirect, err := link.RedirectOf(status)
	if err != nil {
		return 0, badRedirect
	}
	return redirect, nil
}

// splitTags reads tags that stand in one cell: split at "|", or at "," where there is no "|".
func splitTags(s string) []string {
	separator := ","
	if strings.Contains(s, "|") {
		separator = "|"
	}
	var tags []string
	for tag := range strings.SplitSeq(s, separator) {
		if tag = strings.TrimSpace(tag); tag != "" {
			tags = append(tags, tag)
		}
	}
	return tags
}

// joinTags is the inverse of splitTags, as long as no tag holds a "|".
func joinTags(tags []string) string {
	joined := strings.Join(tags, "|")
	if len(tags) == 1 && strings.Contains(joined, ",") {
		joined += "|" // or it would be split at its commas
	}
	return joined
}

// parseCode takes the scheme, the host and the slashes around it from what may be a whole short URL. Only a first part with a
// dot or a colon in it is a host: no code has one, while a/b may be the code of another service, which must not become b. A
// fault: there is a URL, but no code in it.
func parseCode(s string) (string, error) {
	code := strings.TrimFunc(s, aroundCode)
	if _, rest, ok := strings.Cut(code, "://"); ok {
		_, code, _ = strings.Cut(rest, "/")
	} else if host, rest, ok := strings.Cut(code, "/"); ok && strings.ContainsAny(host, ".:") {
		code = rest
	}
	code = strings.TrimFunc(code, aroundCode)
	if code == "" && strings.TrimSpace(s) != "" {
		return "", fault("the short URL has no code")
	}
	return code, nil
}

func aroundCode(r rune) bool { return r == '/' || unicode.IsSpace(r) }
