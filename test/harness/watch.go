package harness

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// WatchOptions say what is followed and how. Ledger and Endpoints are required.
type WatchOptions struct {
	Ledger    *Ledger
	Endpoints Endpoints
	// Clients is how many visitors there are; 2 if 0.
	Clients int
	// Pause is what a visitor waits between two links; 2 ms if 0.
	Pause time.Duration
	// Settle is the age from which a link is known on every node that serves; 5 s if 0. A younger one may be answered with
	// 503, as a node that lags may not know it while there is no leader to ask.
	Settle time.Duration
	// Timeout is how long an answer may take; 5 s if 0.
	Timeout time.Duration
}

// recent is the number of newest links from which half of the visits choose: what was just made is lost most easily.
const recent = 64

// Watch follows random acknowledged links on all nodes, as long as it is not stopped.
type Watch struct {
	options WatchOptions
	visitor *http.Client
	stop    context.CancelFunc
	all     sync.WaitGroup

	visits, good, young, refused atomic.Int64
	// failures are settled links that a serving node did not redirect, violations wrong answers of any node.
	failures, violations Findings
}

// WatchReport is what a Watch saw.
type WatchReport struct {
	// Visits is the number of links followed, Right of those redirected as promised.
	Visits, Right int64
	// Refused is the number of visits without an answer or with 503 while the node was down or starting, as far as known.
	Refused int64
	// Young is the number of links younger than WatchOptions.Settle that a serving node answered with 503.
	Young int64
	// Failures are links older than that which a serving node did not redirect, for whatever reason.
	Failures *Findings
	// Violations are answers that must never come: 404, 410, another target, another status than 302 or 503.
	Violations *Findings
}

// String is the report in one line.
func (r WatchReport) String() string {
	return fmt.Sprintf("%d visits: %d right, %d wrong, %d failed on serving nodes, %d young ones 503, %d at nodes that were down",
		r.Visits, r.Right, r.Violations.Count(), r.Failures.Count(), r.Young, r.Refused)
}

// StartWatch begins to follow.
func StartWatch(o WatchOptions) *Watch {
	orInt(&o.Clients, 2)
	orDuration(&o.Pause, 2*time.Millisecond)
	orDuration(&o.Settle, 5*time.Second)
	orDuration(&o.Timeout, 5*time.Second)
	ctx, stop := context.WithCancel(context.Background())
	w := &Watch{options: o, visitor: newVisitor(o.Clients, o.Timeout), stop: stop}
	for range o.Clients {
		w.all.Go(func() { w.run(ctx) })
	}
	return w
}

// Stop ends the watch and tells what it saw.
func (w *Watch) Stop() WatchReport {
	w.stop()
	w.all.Wait()
	w.visitor.CloseIdleConnections()
	return w.Report()
}

// Report tells what was seen so far.
func (w *Watch) Report() WatchReport {
	return WatchReport{
		Visits: w.visits.Load(), Right: w.good.Load(), Refused: w.refused.Load(), Young: w.young.Load(),
		Failures: &w.failures, Violations: &w.violations,
	}
}

func (w *Watch) run(ctx context.Context) {
	for turn := 0; ; turn++ {
		newest := 0
		if turn%2 == 0 {
			newest = recent
		}
		nodes := w.options.Endpoints()
		if link, ok := w.options.Ledger.pick(newest); ok && len(nodes) > 0 {
			w.visit(ctx, nodes[rand.IntN(len(nodes))], link)
		}
		if !pause(ctx, w.options.Pause) {
			return
		}
	}
}

// visit follows one link on one node and judges the answer.
func (w *Watch) visit(ctx context.Context, node Endpoint, link Acknowledged) {
	began := time.Now()
	before, served := node.Serving()
	got := Follow(ctx, w.visitor, node, link.Code)
	after, serves := node.Serving()
	if ctx.Err() != nil {
		return // stopped in between: the answer says nothing
	}
	w.visits.Add(1)
	verdict := got.judge(link.Target)
	switch {
	case verdict == right:
		w.good.Add(1)
	case verdict == wrong:
		w.violations.Add("%s answered for %s, acknowledged by %s %v before: %s; wanted %q",
			node.Name(), link.Code, link.Node, began.Sub(link.At).Round(time.Millisecond), got, link.Target)
	case !served || !serves || before != after:
		w.refused.Add(1)
	case verdict == unavailable && began.Sub(link.At) < w.options.Settle:
		w.young.Add(1)
	default:
		w.failures.Add("%s, which was serving, did not redirect %s, acknowledged by %s %v before, within %v: %s",
			node.Name(), link.Code, link.Node, began.Sub(link.At).Round(time.Millisecond), time.Since(began).Round(time.Millisecond), got)
	}
}

// pause waits, or returns false when ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func orInt(n *int, otherwise int) {
	if *n == 0 {
		*n = otherwise
	}
}

func orDuration(d *time.Duration, otherwise time.Duration) {
	if *d == 0 {
		*d = otherwise
	}
}
