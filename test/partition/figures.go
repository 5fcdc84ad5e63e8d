package partition

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// figures are what the clients measure during one row. They are safe for concurrent use.
type figures struct {
	mu         sync.Mutex
	operations int64
	// The write gap counts from the fault on.
	faulty  time.Time
	last    time.Time
	longest time.Duration
	// again is when each node first accepted a create that was sent after the healing.
	healed time.Time
	again  map[string]time.Time
	// Visits of links that are there, from the fault on. down are those without a redirect at nodes that were not up.
	right, unavailable, wrong, down int64
}

// fault begins the time that counts.
func (f *figures) fault(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faulty, f.last, f.longest = now, now, 0
	f.right, f.unavailable, f.wrong, f.down = 0, 0, 0, 0
}

// heal begins the time until all nodes accept again.
func (f *figures) heal(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.healed, f.again = now, make(map[string]time.Time)
}

func (f *figures) operation() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.operations++
}

// accepted notes a create that a node acknowledged.
func (f *figures) accepted(node string, sent, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.After(f.last) {
		f.longest = max(f.longest, now.Sub(f.last))
		f.last = now
	}
	if _, ok := f.again[node]; !ok && f.again != nil && sent.After(f.healed) {
		f.again[node] = now
	}
}

// visited notes a visit of a link that is there.
func (f *figures) visited(right, wrong, up bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case wrong:
		f.wrong++
	case right:
		f.right++
	case up:
		f.unavailable++
	default:
		f.down++
	}
}

// acceptedBy tells when the last of the nodes accepted a create after the healing; false while one has not.
func (f *figures) acceptedBy(nodes []string) (after time.Duration, all bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range nodes {
		at, ok := f.again[n]
		if !ok {
			return 0, false
		}
		after = max(after, at.Sub(f.healed))
	}
	return after, true
}

// missing are the nodes that have accepted nothing since the healing.
func (f *figures) missing(nodes []string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for _, n := range nodes {
		if _, ok := f.again[n]; !ok {
			names = append(names, n)
		}
	}
	return names
}

// gap is the longest time since the fault in which no node accepted a create. The stretch that is still open counts.
func (f *figures) gap(now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.faulty.IsZero() {
		return 0
	}
	return max(f.longest, now.Sub(f.last))
}

// Result is what a row came to.
type Result struct {
	Row  string
	Seed uint64
	// Gap is the longest time without an accepted create, from the fault to the checks.
	Gap time.Duration
	// Right, Unavailable and Wrong are the redirects from nodes that were up, Down the visits that nodes which were down or
	// starting did not answer with a redirect.
	Right, Unavailable, Wrong, Down int64
	// Again is how long after the healing the slowest node accepted a create; negative if one never did.
	Again      time.Duration
	Elections  uint64
	Operations int64
	Took       time.Duration
	// Violations are broken promises, Failures what else must not happen (a node that did not start).
	Violations, Failures []string
}

// take fills in what the clients measured.
func (r *Result) take(f *figures, gap time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r.Gap, r.Operations = gap, f.operations
	r.Right, r.Unavailable, r.Wrong, r.Down = f.right, f.unavailable, f.wrong, f.down
}

// String is the row's line.
func (r *Result) String() string {
	again := "never"
	if r.Again >= 0 {
		again = "after " + brief(r.Again)
	}
	line := fmt.Sprintf("fault %s: write gap %s, redirects %s %% available (%d right, %d unavailable, %d wrong", r.Row, brief(r.Gap),
		share(r.Right, r.Right+r.Unavailable+r.Wrong), r.Right, r.Unavailable, r.Wrong)
	if r.Down > 0 {
		line += fmt.Sprintf("; %d at nodes that were down", r.Down)
	}
	line += fmt.Sprintf("), accepted again %s, elections %d, %d operations, %d violations", again, r.Elections, r.Operations, len(r.Violations))
	if len(r.Failures) > 0 {
		line += fmt.Sprintf(", FAILED: %s", strings.SplitN(r.Failures[0], "\n", 2)[0])
	}
	return line
}

// Bad reports whether the row must fail the run.
func (r *Result) Bad() bool { return len(r.Violations) > 0 || len(r.Failures) > 0 }

func brief(d time.Duration) string {
	if d >= 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

// share is a percentage that does not round a failure away.
func share(part, all int64) string {
	switch {
	case all == 0:
		return "-"
	case part == all:
		return "100"
	}
	return fmt.Sprintf("%.2f", float64(part)*100/float64(all)-0.005)
}
