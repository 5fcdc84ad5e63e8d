package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"math/bits"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"
)

// benchReport is what bench found, and its JSON.
type benchReport struct {
	Nodes       []string `json:"nodes"`
	Concurrency int      `json:"concurrency"`
	// Interrupted: it was ended before its time.
	Interrupted bool          `json:"interrupted"`
	Phases      []phaseResult `json:"phases"`
}

// phaseResult is what one phase came to. Times are those of requests that were not refused.
type phaseResult struct {
	// Name is fill, creates or redirects.
	Name string `json:"name"`
	// Seconds is from the first request to the last answer.
	Seconds float64 `json:"seconds"`
	// Requests is how many succeeded, Count how many links they made or followed.
	Requests  uint64  `json:"requests"`
	Count     uint64  `json:"count"`
	PerSecond float64 `json:"perSecond"`
	P50Ms     float64 `json:"p50Ms"`
	P99Ms     float64 `json:"p99Ms"`
	MaxMs     float64 `json:"maxMs"`
	// Errors counts requests that failed, by the word of the API, "status N" for others, "connection" for no answer.
	Errors map[string]uint64 `json:"errors"`
	// Waited is how often a Retry-After was obeyed.
	Waited uint64 `json:"waited"`
}

// write prints the report for people.
func (r benchReport) write(w io.Writer) error {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tCOUNT\tPER SECOND\tP50\tP99\tMAX\tERRORS\t")
	for _, ph := range r.Phases {
		var failed uint64
		for _, n := range ph.Errors {
			failed += n
		}
		fmt.Fprintf(table, "%s\t%d\t%.0f\t%s\t%s\t%s\t%d\t\n", ph.Name, ph.Count, ph.PerSecond, ms(ph.P50Ms), ms(ph.P99Ms), ms(ph.MaxMs), failed)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, ph := range r.Phases {
		for _, word := range slices.Sorted(maps.Keys(ph.Errors)) {
			fmt.Fprintf(&b, "%s: %d requests failed: %s\n", ph.Name, ph.Errors[word], word)
		}
		if ph.Waited > 0 {
			fmt.Fprintf(&b, "%s: waited %d times as the nodes asked\n", ph.Name, ph.Waited)
		}
		if ph.Name == fillPhase {
			fmt.Fprintf(&b, "%s: times are of requests of up to %d links\n", ph.Name, fillRows)
		}
	}
	fmt.Fprintf(&b, "%d connections to %s\n", r.Concurrency, strings.Join(r.Nodes, ", "))
	if r.Interrupted {
		fmt.Fprintln(&b, "interrupted: this is what was measured by then")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// ms writes milliseconds with three digits that mean something.
func ms(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%.2fms", v)
	case v < 100:
		return fmt.Sprintf("%.1fms", v)
	}
	return fmt.Sprintf("%.0fms", v)
}

// The histogram of a tally has benchSteps buckets for every doubling, so a time is known to one part in that many. It counts
// in microseconds, up to some minutes.
const (
	benchStepBits = 6
	benchSteps    = 1 << benchStepBits
	benchBuckets  = 28 * benchSteps
)

// tally counts what became of requests. It belongs to one goroutine.
type tally struct {
	times           [benchBuckets]uint32
	slowest         time.Duration
	requests, count uint64
	waited          uint64
	errors          map[string]uint64
}

func newTally() *tally { return &tally{errors: make(map[string]uint64)} }

// done counts a request that took so long and brought so much.
func (t *tally) done(took time.Duration, brought int) {
	t.times[bucketOf(took)]++
	t.slowest = max(t.slowest, took)
	t.requests++
	t.count += uint64(brought)
}

func (t *tally) refused(word string) { t.errors[word]++ }

// add adds another tally to t.
func (t *tally) add(o *tally) {
	for i, n := range o.times {
		t.times[i] += n
	}
	t.slowest = max(t.slowest, o.slowest)
	t.requests += o.requests
	t.count += o.count
	t.waited += o.waited
	for word, n := range o.errors {
		t.errors[word] += n
	}
}

// bucketOf gives the bucket of a time: exact below benchSteps microseconds, then benchSteps buckets for each power of two.
func bucketOf(took time.Duration) int {
	us := uint64(max(took.Microseconds(), 0))
	if us < benchSteps {
		return int(us)
	}
	shift := bits.Len64(us) - benchStepBits - 1
	return min((shift+1)*benchSteps+int(us>>shift)-benchSteps, benchBuckets-1)
}

// timeOf is the upper end of a bucket.
func timeOf(bucket int) time.Duration {
	us := bucket + 1
	if bucket >= benchSteps {
		shift := bucket/benchSteps - 1
		us = (bucket%benchSteps + benchSteps + 1) << shift
	}
	return time.Duration(us) * time.Microsecond
}

// quantile is the time within which the share of q of the requests was answered, 0 if there were none.
func (t *tally) quantile(q float64) time.Duration {
	rank := uint64(math.Ceil(q * float64(t.requests)))
	var seen uint64
	for bucket, n := range t.times {
		if seen += uint64(n); seen >= rank && seen > 0 {
			return min(timeOf(bucket), t.slowest)
		}
	}
	return t.slowest
}

// result is the tally in words for the report.
func (t *tally) result(name string, took time.Duration) phaseResult {
	return phaseResult{
		Name: name, Seconds: took.Seconds(), Requests: t.requests, Count: t.count,
		PerSecond: float64(t.count) / took.Seconds(),
		P50Ms:     inMs(t.quantile(0.5)), P99Ms: inMs(t.quantile(0.99)), MaxMs: inMs(t.slowest),
		Errors: t.errors, Waited: t.waited,
	}
}

func inMs(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// progress shows how far long work is: on a terminal in one line that is written again and again, elsewhere in plain lines.
// It belongs to one goroutine.
type progress struct {
	out     io.Writer
	rewrite bool
	width   int // of what stands in the line now
}

func newProgress(out io.Writer) *progress { return &progress{out: out, rewrite: terminal(out)} }

// terminal reports whether a person looks at out, or at least a device that nobody minds.
func terminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// show replaces what was shown before.
func (p *progress) show(text string) {
	if !p.rewrite {
		fmt.Fprintln(p.out, text)
		return
	}
	width := utf8.RuneCountInString(text)
	fmt.Fprintf(p.out, "\r%s%s", text, strings.Repeat(" ", max(p.width-width, 0)))
	p.width = width
}

// say writes a line that stays.
func (p *progress) say(text string) {
	p.show(text)
	p.end()
}

// end leaves the last line as it is.
func (p *progress) end() {
	if p.rewrite && p.width > 0 {
		fmt.Fprintln(p.out)
		p.width = 0
	}
}
