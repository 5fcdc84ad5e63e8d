package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

const (
	// barEvery and lineEvery are how often a gauge is shown on a terminal, and in plain lines.
	barEvery  = 200 * time.Millisecond
	lineEvery = 5 * time.Second
	// barWidth is how many characters the bar has.
	barWidth = 24
)

// gauge measures what passes, and shows it now and then: as a bar where a terminal is looked at. It may be used by many goroutines.
type gauge struct {
	now func() time.Time
	// unit is what is counted, such as rows.
	unit string

	mu    sync.Mutex
	shown *progress // guarded by mu, as all below
	last  time.Time // when it was last shown
	began time.Time
	size  int64 // of what passes, in bytes; 0 if nobody knows
	past  int64 // bytes that have passed
	count int64
}

func newGauge(to io.Writer, unit string, now func() time.Time) *gauge {
	began := now()
	return &gauge{now: now, unit: unit, shown: newProgress(to), last: began, began: began}
}

// start says that size bytes begin to pass, from the first on; 0 if nobody knows how many.
func (g *gauge) start(size int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.size, g.past = size, 0
}

// passed adds bytes.
func (g *gauge) passed(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.past += int64(n)
	g.show()
}

// reached says how many have been done.
func (g *gauge) reached(count int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count = count
	g.show()
}

// say writes a line that stays.
func (g *gauge) say(line string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shown.say(line)
}

// end leaves what was shown last.
func (g *gauge) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shown.end()
}

// show shows it if it is time to.
func (g *gauge) show() {
	now, every, bar := g.now(), lineEvery, ""
	if g.shown.rewrite {
		every, bar = barEvery, g.bar()
	}
	if now.Sub(g.last) >= every {
		g.last = now
		g.shown.show(bar + g.text(now))
	}
}

// bar is how much has passed, if it is known of how much.
func (g *gauge) bar() string {
	if g.size <= 0 {
		return ""
	}
	full := int(min(g.past, g.size) * barWidth / g.size)
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "] "
}

func (g *gauge) text(now time.Time) string {
	text := fmt.Sprintf("%d %s", g.count, g.unit)
	if took := now.Sub(g.began).Seconds(); took > 0 {
		text += fmt.Sprintf(", %.0f a second", float64(g.count)/took)
	}
	if g.size > 0 {
		text += fmt.Sprintf(", %d%% sent", min(g.past, g.size)*100/g.size)
	}
	return text
}

// reader is a file that is measured as it is read.
func (g *gauge) reader(r io.Reader) io.Reader { return passing{r, g} }

// writer is a file whose length is what is counted.
func (g *gauge) writer(w io.Writer) io.Writer { return arriving{w, g} }

type passing struct {
	io.Reader
	gauge *gauge
}

func (r passing) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.gauge.passed(n)
	return n, err
}

// arriving counts bytes as what is done.
type arriving struct {
	io.Writer
	gauge *gauge
}

func (w arriving) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	w.gauge.mu.Lock()
	defer w.gauge.mu.Unlock()
	w.gauge.count += int64(n)
	w.gauge.show()
	return n, err
}
