package rounds

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
)

// Report prints rows as they come, and a table of all of them in the end. Its methods belong to one goroutine.
type Report struct {
	out      io.Writer
	outcomes []Outcome
	failed   []string
	skipped  int
}

// NewReport makes a Report that writes to out.
func NewReport(out io.Writer) *Report { return &Report{out: out} }

// Add tells the figures of a pair, a line each: "name ratio R (min–max)".
func (r *Report) Add(o Outcome) {
	r.outcomes = append(r.outcomes, o)
	for _, f := range o.Figures {
		fmt.Fprintln(r.out, f)
	}
	for _, caution := range []string{o.Held(), o.Robbed()} {
		if caution != "" && len(o.Figures) > 0 {
			r.Note("%s: %s", o.Figures[0].Reading.Row, caution)
		}
	}
}

// Skip tells that a row was not measured, and why.
func (r *Report) Skip(row, reason string) {
	r.skipped++
	fmt.Fprintf(r.out, "%s SKIPPED: %s\n", row, reason)
}

// Fail tells that a row could not be measured although it should have been.
func (r *Report) Fail(row string, err error) {
	r.failed = append(r.failed, row)
	fmt.Fprintf(r.out, "%s FAILED: %v\n", row, err)
}

// Failed names the rows of Fail.
func (r *Report) Failed() []string { return r.failed }

// Note writes a line that is no row.
func (r *Report) Note(format string, values ...any) {
	fmt.Fprintf(r.out, "# "+format+"\n", values...)
}

// String is the line of a row.
func (f Figure) String() string {
	least, most := Range(f.Ratios)
	median := Median(f.Ratios)
	line := fmt.Sprintf("%s ratio %s (%s–%s)", f.Reading.Row, number(median), number(least), number(most))
	if bound := f.Reading.Bound; bound != 0 {
		line += fmt.Sprintf(" of %s %s: %s %s", number(bound), f.Reading.Unit, number(median*bound), f.Reading.Unit)
	}
	return line
}

// number writes a figure with three digits that mean something, and never as a power of ten.
func number(v float64) string {
	switch size := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "none"
	case size >= 100:
		return fmt.Sprintf("%.0f", v)
	case size >= 10:
		return fmt.Sprintf("%.1f", v)
	case size >= 0.1 || size == 0:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.4f", v)
}

// Table writes both sides of every pair: medians, the spread of the rate (greatest less least, as a part of the median),
// processor time, what the load generator took, and how busy servers and generator were on processors of their own.
func (r *Report) Table() error {
	w := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\n"+strings.Join(columns, "\t"))
	for _, o := range r.outcomes {
		row := ""
		if len(o.Figures) > 0 {
			row = o.Figures[0].Reading.Row
		}
		side(w, row, o.Pair.A.Name, o.A)
		if o.Pair.B.Measure != nil {
			side(w, "", o.Pair.B.Name, o.B)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if r.skipped+len(r.failed) > 0 {
		fmt.Fprintf(r.out, "\n%d rows skipped, %d failed\n", r.skipped, len(r.failed))
	}
	return nil
}

// side writes one line of the table; what a side has no notion of is a dash.
func side(w io.Writer, row, name string, samples []Sample) {
	rates := pick(samples, func(s Sample) float64 { return s.Rate })
	least, most := Range(rates)
	cell := func(text string, v float64) string {
		if v == 0 || math.IsNaN(v) {
			return "–"
		}
		return text
	}
	rate := Median(rates)
	spread := (most - least) / rate
	cpu := Median(pick(samples, func(s Sample) float64 { return s.CPU * 1e6 }))
	share := Median(pick(samples, func(s Sample) float64 { return s.Share * 100 }))
	median := Median(pick(samples, func(s Sample) float64 { return s.Median.Seconds() }))
	tail := Median(pick(samples, func(s Sample) float64 { return s.Tail.Seconds() }))
	value := Median(pick(samples, func(s Sample) float64 { return s.Value }))
	generator := busy(samples)
	both := fmt.Sprintf("%.0f, %.0f %%", Median(pick(samples, func(s Sample) float64 { return s.Servers * 100 })), generator*100)
	if held(samples) {
		both += "!"
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", row, name,
		cell(number(rate), rate), cell(fmt.Sprintf("%.0f %%", spread*100), rate), cell(number(cpu), cpu),
		cell(span(median), median), cell(span(tail), tail), cell(fmt.Sprintf("%.0f %%", share), share), cell(both, generator),
		cell(number(value), value))
}

// span writes a time given in seconds.
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d >= 100*time.Millisecond:
		return d.Round(time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}
