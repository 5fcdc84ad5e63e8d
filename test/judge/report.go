package judge

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tinyurl/test/history"
)

// faultsShown is how many faults are shown between the operations of one violation, at most.
const faultsShown = 12

// Report writes a verdict about a history for people: each violation with its operations and the faults around them in the order
// of stamps, what could not be judged, and the figures.
func Report(w io.Writer, h history.History, v Verdict) error {
	out := &strings.Builder{}
	for _, violation := range v.Violations {
		about := ""
		if violation.Code != "" {
			about = " " + violation.Code
		}
		fmt.Fprintf(out, "VIOLATION %s%s: %s\n", violation.Checker, about, violation.Text)
		writeLines(out, happenings(h, violation))
	}
	for _, name := range slices.Sorted(maps.Keys(v.Figures.Found)) {
		kept := 0
		for _, violation := range v.Violations {
			if violation.Checker == name {
				kept++
			}
		}
		if more := v.Figures.Found[name] - kept; more > 0 {
			fmt.Fprintf(out, "%s found %d more\n", name, more)
		}
	}
	for _, why := range v.Skipped {
		fmt.Fprintf(out, "not judged: %s\n", why)
	}
	out.WriteString(v.Figures.String())
	_, err := io.WriteString(w, out.String())
	return err
}

// line is one thing that happened, in columns.
type line struct {
	stamp   uint64
	columns []string
}

// happenings are the operations of a violation and the faults from the last before them to the first after them.
func happenings(h history.History, v Violation) []line {
	if len(v.Operations) == 0 {
		return nil
	}
	var lines []line
	from, to := v.Operations[0].Call, uint64(0)
	for _, o := range v.Operations {
		from, to = min(from, o.Call), max(to, o.Call, o.Return)
		lines = append(lines, line{o.Call, []string{moment(o.At), stamps(o), fmt.Sprintf("client %d", o.Client), o.Node, question(o), answerOf(o)}})
	}
	faults := slices.SortedFunc(slices.Values(h.Faults), func(a, b history.Fault) int { return cmp.Compare(a.Stamp, b.Stamp) })
	first, _ := slices.BinarySearchFunc(faults, from, func(f history.Fault, stamp uint64) int { return cmp.Compare(f.Stamp, stamp) })
	last, _ := slices.BinarySearchFunc(faults, to, func(f history.Fault, stamp uint64) int { return cmp.Compare(f.Stamp, stamp) })
	around := faults[max(first-1, 0):min(last+1, len(faults))]
	if more := len(around) - faultsShown; more > 0 {
		left := around[faultsShown/2]
		lines = append(lines, line{left.Stamp, []string{moment(left.At), "", "FAULT", "", fmt.Sprintf("… %d more faults", more), ""}})
		around = slices.Concat(around[:faultsShown/2], around[len(around)-faultsShown/2:])
	}
	for _, f := range around {
		lines = append(lines, line{f.Stamp, []string{moment(f.At), fmt.Sprint(f.Stamp), "FAULT", "", strings.TrimSpace(f.Kind + " " + f.What), ""}})
	}
	slices.SortStableFunc(lines, func(a, b line) int { return compare(a.stamp, b.stamp) })
	return lines
}

func writeLines(w io.Writer, lines []line) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		fmt.Fprintf(table, "    %s\n", strings.TrimRight(strings.Join(l.columns, "\t"), "\t"))
	}
	_ = table.Flush() // into memory
}

func moment(at time.Duration) string { return at.Round(time.Millisecond).String() }

func stamps(o history.Operation) string {
	if o.Return == 0 {
		return fmt.Sprintf("%d–", o.Call)
	}
	return fmt.Sprintf("%d–%d", o.Call, o.Return)
}

// question is what was asked.
func question(o history.Operation) string {
	text := string(o.Kind)
	switch {
	case o.Kind == history.Grant || o.Kind == history.Revoke:
		return text + " " + o.Holder
	case o.Kind != history.Create || o.Slug:
		text += " " + o.Code
	}
	if o.Kind == history.Create || o.Kind == history.Edit {
		text += " for " + quote(o.Target)
	}
	if o.Kind == history.Edit {
		text += fmt.Sprintf(" if version %d", o.Expected)
	}
	if o.Limit != 0 {
		text += fmt.Sprintf(" for %d visits", o.Limit)
	}
	if o.Key != "" {
		text += " key " + o.Key
	}
	if o.Holder != "" {
		text += " with " + o.Holder
	}
	return text
}

// answerOf is what was answered.
func answerOf(o history.Operation) string {
	text := "→ " + string(o.Outcome)
	if o.Outcome == history.OK {
		switch o.Kind {
		case history.Create:
			text += " " + o.Code
		case history.Get, history.Follow, history.Visit:
			text += " " + quote(o.Target)
		}
	}
	if o.Given != "" {
		text += " but named " + o.Given
	}
	if o.Version != 0 {
		text += fmt.Sprintf(" version %d", o.Version)
	}
	if o.Counted {
		text += fmt.Sprintf(" after %d visits", o.Visits)
	}
	if o.ID != 0 {
		text += fmt.Sprintf(" id %d", o.ID)
	}
	text += " after " + moment(o.Took)
	if o.Error != "" {
		text += " (" + o.Error + ")"
	}
	return text
}

// quote shows a target whole, unless it is very long.
func quote(target string) string {
	const most = 200
	if len(target) > most {
		return fmt.Sprintf("%q… (%d bytes)", target[:most], len(target))
	}
	return fmt.Sprintf("%q", target)
}

// String is the figures in a few lines.
func (f Figures) String() string {
	var out strings.Builder
	total := 0
	for _, outcomes := range f.Operations {
		for _, n := range outcomes {
			total += n
		}
	}
	fmt.Fprintf(&out, "%d operations on %d codes, %d log entries, %d nodes told what they held, %d checkers\n",
		total, f.Aliases, f.Entries, f.Finals, len(f.Checkers))
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, kind := range slices.Sorted(maps.Keys(f.Operations)) {
		fmt.Fprintf(table, "    %s\t%s\n", kind, counts(f.Operations[kind]))
	}
	if len(f.Faults) > 0 {
		fmt.Fprintf(table, "    faults\t%s\n", counts(f.Faults))
	}
	_ = table.Flush() // into memory
	return out.String()
}

// counts are numbers with their names, by name.
func counts[K ~string](numbers map[K]int) string {
	all := make([]string, 0, len(numbers))
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		all = append(all, fmt.Sprintf("%d %s", numbers[name], name))
	}
	return strings.Join(all, ", ")
}
