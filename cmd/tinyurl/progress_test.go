package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

// gaugeAt is a gauge with a clock that the test sets.
func gaugeAt(out io.Writer, terminal bool) (*gauge, *time.Time) {
	now := time.Unix(1e9, 0)
	g := newGauge(out, "rows", func() time.Time { return now })
	g.shown.rewrite = terminal
	return g, &now
}

func TestAGaugeShowsPlainLinesNowAndThen(t *testing.T) {
	var out strings.Builder
	g, now := gaugeAt(&out, false)
	g.start(1000)
	for range 100 {
		*now = now.Add(100 * time.Millisecond)
		g.passed(5)
		g.reached(g.count + 10)
	}
	g.end()
	if want := "490 rows, 98 a second, 25% sent\n990 rows, 99 a second, 50% sent\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestAGaugeIsABarOnATerminal(t *testing.T) {
	var out strings.Builder
	g, now := gaugeAt(&out, true)
	g.start(1000)
	for n := range 3 {
		g.passed(250)
		*now = now.Add(time.Second)
		g.reached(int64(n+1) * 10)
	}
	g.say("row 7: bad")
	g.end()
	text := out.String()
	for _, want := range []string{
		"\r[######..................] 10 rows, 10 a second, 25% sent", "\r[############............] ", "[##################......] 30 rows",
		"\rrow 7: bad",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q has no %q", text, want)
		}
	}
	if !strings.HasSuffix(text, "\n") {
		t.Errorf("%q", text)
	}
}

func TestAGaugeOfUnknownLength(t *testing.T) {
	var out strings.Builder
	g, now := gaugeAt(&out, true)
	g.start(0)
	*now = now.Add(time.Second)
	g.passed(1 << 40)
	if text := out.String(); strings.ContainsAny(text, "[%") || !strings.Contains(text, "0 rows, 0 a second") {
		t.Errorf("%q", text)
	}
	// More may pass than there was when it began.
	g.start(10)
	*now = now.Add(time.Second)
	g.passed(1000)
	if text := out.String(); !strings.Contains(text, "["+strings.Repeat("#", barWidth)+"] ") || !strings.Contains(text, "100% sent") {
		t.Errorf("%q", text)
	}
}

func TestAGaugeMeasuresWhatIsReadAndWritten(t *testing.T) {
	g, _ := gaugeAt(io.Discard, false)
	g.start(100)
	if n, err := io.Copy(io.Discard, g.reader(strings.NewReader("12345"))); n != 5 || err != nil || g.past != 5 || g.count != 0 {
		t.Errorf("%d, %v: %d", n, err, g.past)
	}
	if n, err := io.Copy(g.writer(io.Discard), strings.NewReader("123")); n != 3 || err != nil || g.count != 3 {
		t.Errorf("%d, %v: %d", n, err, g.count)
	}
}
